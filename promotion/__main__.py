"""Runs the `promotion` command as `python -m promotion`."""

from promotion.cli import main

main()
