"""The ways to divide the evaluation rows; `promotion.comparison.slices` divides them."""

import math
from dataclasses import dataclass

from promotion.durations import span_of, timedelta_of
from promotion.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Slicing:
    """One way to divide the rows; every row falls into exactly one slice.

    Attributes:
        by: the columns that define the slices by their crossed values.
        bins: number of quantile bins to divide the one numeric column into.
        window: length of the windows to divide the one column into: in the column's own unit if it
            holds numbers, else a duration such as `7d`.

    Raises:
        ConfigError: the arguments do not describe a possible division.
    """

    by: tuple[str, ...]
    bins: int | None = None
    window: float | str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", (self.by,) if isinstance(self.by, str) else tuple(self.by))
        if not self.by:
            raise ConfigError("A slice needs at least one column, but names none. Name one, by = 'ProductCD'.")
        if self.bins is not None and (type(self.bins) is not int or self.bins < 2):  # noqa: PLR2004
            raise ConfigError(f"The bins of a slice must be a whole number from 2 up, but are {self.bins}.")
        self._check_window()
        if self.bins is not None and self.window is not None:
            raise ConfigError(
                f"A slice can have bins or a window, but the one by '{self.by[0]}' has both. Leave one out."
            )
        if len(self.by) > 1 and (self.bins is not None or self.window is not None):
            raise ConfigError(
                f"Bins and windows divide a single column, but '{self.name}' names {len(self.by)}. Name one of them, "
                "or leave out the bins or the window."
            )

    def _check_window(self) -> None:
        if isinstance(self.window, str):
            try:
                object.__setattr__(self, "window", span_of(self.window))
            except ValueError:
                raise ConfigError(
                    f"The window of a slice must be a number or a duration, like 7d, but is '{self.window}'."
                ) from None
        number = timedelta_of(self.window).total_seconds() if isinstance(self.window, str) else self.window
        if number is not None and not 0 < number < math.inf:
            raise ConfigError(f"The window of a slice must be a number above 0, but is {self.window}.")

    @property
    def name(self) -> str:
        """Readable name, e.g. `ProductCD`, `ProductCD x card4`, `TransactionAmt in 4 bins`."""
        crossed = " x ".join(self.by)
        if self.bins is not None:
            return f"{crossed} in {self.bins} bins"
        if self.window is None:
            return crossed
        return f"{crossed} in windows of {self.window if isinstance(self.window, str) else f'{self.window:g}'}"
