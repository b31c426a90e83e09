"""The entries that this process recorded, so that a command that is interrupted before its output can report them."""

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promotion.ledger.chain import Entry

_LAST = 8
_recorded: "deque[Entry]" = deque(maxlen=_LAST)


def note_recorded(entries: "Sequence[Entry]") -> None:
    """Remember the last entries that a ledger has just committed."""
    _recorded.extend(entries[-_LAST:])


def recorded_here() -> "tuple[Entry, ...]":
    """Return the last entries that this process recorded, oldest first; at most eight."""
    return tuple(_recorded)


def forget_recorded() -> None:
    """Forget the entries when the next command starts."""
    _recorded.clear()
