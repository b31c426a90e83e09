"""Every use of a holdout; those of a checkpoint are read from their entries on access."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from promotion.policy import Trial


class Trials:
    """Every use of a holdout, oldest first.

    Args:
        kept: keys of the uses of a checkpoint.
        read: reads these uses.
        new: the uses after the checkpoint.

    Attributes:
        keys: the keys of all uses; see `Trial.key`.
    """

    def __init__(
        self,
        kept: Sequence[str] = (),
        read: Callable[[], Sequence[Trial]] = tuple,
        new: Sequence[Trial] = (),
    ) -> None:
        self._kept, self._read, self._new = kept, read, list(new)
        self._earlier: Sequence[Trial] | None = None
        self.keys = {*kept, *(trial.key for trial in new)}

    def copy(self) -> "Trials":
        """Return uses to which others can be added independently of these."""
        return Trials(self._kept, self._read, self._new)

    def append(self, trial: Trial) -> None:
        """Add the latest use."""
        self._new.append(trial)
        self.keys.add(trial.key)

    def in_order(self) -> tuple[str, ...]:
        """Return the keys of all uses, oldest first."""
        return (*self._kept, *(trial.key for trial in self._new))

    def __len__(self) -> int:
        return len(self._kept) + len(self._new)

    def __iter__(self) -> Iterator[Trial]:
        if self._earlier is None:
            self._earlier = self._read()
        yield from self._earlier
        yield from self._new

    def __getitem__(self, place: int) -> Trial:
        return next(islice(self, place, None))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trials) and self.in_order() == other.in_order()

    __hash__ = None  # type: ignore[assignment]  # it changes
