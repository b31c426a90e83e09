"""The command `python -m registry_flows.deploying`, as docs and Makefiles name it."""

import sys

from registry_flows.under_prefect.deploying import main

if __name__ == "__main__":
    sys.exit(main())
