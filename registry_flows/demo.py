"""The command `python -m registry_flows.demo`, as docs and the Makefile name it."""

from registry_flows.fraud.demo import main

if __name__ == "__main__":
    main()
