"""Alias: the command `python -m registry_flows.deploying`, which docs and Makefiles name."""

import sys

from registry_flows.under_prefect.deploying import main

if __name__ == "__main__":
    sys.exit(main())
