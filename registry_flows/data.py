"""Alias: the command `python -m registry_flows.data`, which docs and scripts name."""

from registry_flows.fraud.data import app
from registry_flows.fraud.data import write as write

if __name__ == "__main__":
    app()
