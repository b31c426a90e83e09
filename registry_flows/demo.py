"""Alias: the command `python -m registry_flows.demo`, which docs and the Makefile name."""

from registry_flows.fraud.demo import main

if __name__ == "__main__":
    main()
