"""`python -m promotion` is the `promotion` command."""

from promotion.cli import main

main()
