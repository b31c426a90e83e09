"""The command `python -m registry_flows.data`, as docs and scripts name it."""

from registry_flows.fraud.data import app

if __name__ == "__main__":
    app()
