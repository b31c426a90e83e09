"""Dividing the rows that judge into slices: by column, by crossing of columns, by quantile bins, by windows of time."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Slicing:
    """One way to divide the rows; every row falls into exactly one slice of it.

    Attributes:
        by: the columns whose values, crossed, name the slices.
        bins: divide the one column, a number, at its quantiles into this many slices.
        window: divide the one column, a number such as a time, into windows of this length, in its own unit.
    """

    by: tuple[str, ...]
    bins: int | None = None
    window: float | None = None

    @property
    def name(self) -> str:
        """As a person says it, e.g. `ProductCD`, `ProductCD x card4`, `TransactionAmt in 4 bins`."""
        crossed = " x ".join(self.by)
        if self.bins is not None:
            return f"{crossed} in {self.bins} bins"
        return crossed if self.window is None else f"{crossed} in windows of {self.window:g}"
