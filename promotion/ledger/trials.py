"""Every use of a holdout; the rows of a holdout are kept once, and those of a checkpoint are read on access."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from promotion.policy import Trial, Use


class Place(NamedTuple):
    """An entry: its position and its hash."""

    seq: int
    hash: str


class Trials:
    """Every use of a holdout, oldest first.

    Args:
        uses: the key of each use, and the name of its rows; see `Trial.key` and `Use.rows`.
        places: the entry that first used rows, by their name.
        read: reads the use of rows that an entry records.

    Attributes:
        uses, places: as given, with those appended since.
        keys: the keys of all uses.
    """

    def __init__(
        self,
        uses: Sequence[tuple[str, str]] = (),
        places: Mapping[str, Place] | None = None,
        read: Callable[[Place], Use] | None = None,
        known: Mapping[str, Use] | None = None,
    ) -> None:
        self.uses, self.places = list(uses), dict(places or {})
        self.keys = {key for key, _ in uses}
        self._read, self._known = read, dict(known or {})

    def copy(self) -> "Trials":
        """Return uses to which others can be added independently of these."""
        return Trials(self.uses, self.places, self._read, self._known)

    def append(self, trial: Trial, place: Place) -> None:
        """Add the latest use, which an entry records."""
        use = trial.used
        self.uses.append((use.key, use.rows))
        self.keys.add(use.key)
        if use.rows not in self.places:
            self.places[use.rows], self._known[use.rows] = place, use

    def __len__(self) -> int:
        return len(self.uses)

    def __iter__(self) -> Iterator[Use]:
        for key, rows in self.uses:
            yield self._of(rows).by(key)

    def __getitem__(self, place: int) -> Use:
        return next(islice(self, place, None))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trials) and (self.uses, self.places) == (other.uses, other.places)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def _of(self, rows: str) -> Use:
        if rows not in self._known:
            assert self._read is not None  # noqa: S101 - places without uses come with their reader
            self._known[rows] = self._read(self.places[rows])
        return self._known[rows]
