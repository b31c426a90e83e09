"""What was recorded, told to Prefect as events; called after every change through `promotion.listeners`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promotion.registry.entries import Entry


def spread(entries: "Sequence[Entry]") -> None:
    """Tell it where Prefect is configured; nothing is imported, and nothing is done, where it is not."""
