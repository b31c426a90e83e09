"""What this process has recorded, so that a command that ends before its answer is out can still say it."""

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promotion.ledger.chain import Entry

_LAST = 8
_recorded: "deque[Entry]" = deque(maxlen=_LAST)


def note_recorded(entries: "Sequence[Entry]") -> None:
    """Keep the last of the entries that a ledger has just taken for good."""
    _recorded.extend(entries)


def recorded_here() -> "tuple[Entry, ...]":
    """The last entries that this process recorded, oldest first; eight at most."""
    return tuple(_recorded)


def forget_recorded() -> None:
    """Begin anew, with the next command."""
    _recorded.clear()
