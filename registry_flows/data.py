"""The command `python -m registry_flows.data`, as docs and scripts name it."""

from registry_flows.fraud.data import app
from registry_flows.fraud.data import write as write

if __name__ == "__main__":
    app()
