"""The unit that counts as one independent draw among the evaluation rows, from the configuration or the recipe.

    configuration, recipe -> Draws -> the arguments of `compare` and `measure` for some rows

Groups named in the configuration, or its declaration that rows are independent, override the recipe's groups. With
neither, the recipe's time gives errors by blocks of time and by single rows. A decision records its `Draws`, so that it
can be recomputed after the configuration has changed.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypedDict

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from promotion.canonical import LATER
from promotion.durations import TimeUnit, in_units, span_text, timedelta_of
from promotion.errors import ConfigError, DataError
from promotion.row_keys import hashes, key_texts
from promotion.toml import Span, sentences

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from promotion.times import Times

DependenceWord = Literal["auto", "independent"]

CleanBy = Literal["row", "group"]

_DAY = timedelta(days=1)
_FORMS = 'Input should be a column, "card1", or windows of a time, { by = "TransactionDT", window = "1d" }'


@dataclass(frozen=True)
class Group:
    """A definition of groups of dependent rows.

    Attributes:
        by: the column that defines the groups by its values.
        window: length of the windows that are the groups, if the column is a time; see `Span`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    by: str
    window: Annotated[Span | None, LATER] = None

    def __post_init__(self) -> None:
        if self.window is not None and not _is_long(self.window):
            raise ConfigError(f"The window of 'group' must be longer than 0, found {span_text(self.window)}.")

    @property
    def name(self) -> str:
        """Name of the groups in a decision: `card1`, `TransactionDT in windows of 1d`."""
        return self.by if self.window is None else f"{self.by} in windows of {span_text(self.window)}"


def _is_long(window: float | str) -> bool:
    return bool(timedelta_of(window) if isinstance(window, str) else window)


def group_of(given: object) -> object:
    """Parse a group as written in a configuration: the name of a column means the groups by its values.

    Raises:
        ValueError: it is neither a name nor a table.
    """
    if isinstance(given, str):
        return {"by": given}
    if given is None or isinstance(given, dict | Group):
        return given
    raise ValueError(_FORMS)


GroupKey = Annotated[Group | None, BeforeValidator(group_of)]
"""A group in the configuration or a recipe: a column, or windows of a time."""


class Arguments(TypedDict, total=False):
    """Keyword arguments of `compare` and `measure`."""

    groups: "str | pd.Series[Any]"
    time: "NDArray[np.float64]"
    day: float | None
    dependence: DependenceWord


@dataclass(frozen=True, kw_only=True)
class Draws:
    """The unit that counts as one independent draw.

    Attributes:
        group: the named groups.
        time: the recipe's time, if there are no named groups.
        unit: unit of numeric times; None if not specified.
        independent: whether rows are declared independent.
        clean_by: `group` if no group of an evaluation row may have trained either model; None if no
            such row may.
    """

    group: Annotated[Group | None, LATER] = None
    time: Annotated[str | None, LATER] = None
    unit: Annotated[TimeUnit | None, LATER] = None
    independent: bool = False
    clean_by: Annotated[Literal["group"] | None, LATER] = None

    def demand(self, min_groups: int) -> str:
        """Describe the assumed dependence as a requirement of a policy with this minimum of groups."""
        if self.group:
            few = f"with fewer than {min_groups:,} effective groups, the challenger is held"
            return f"Standard errors treat groups by {self.group.name} as independent; {few}."
        if self.independent:
            return 'Standard errors treat each row as independent, as configured (dependence = "independent").'
        if self.time:
            return f"Standard errors are computed by row and by blocks of {self.time}; the larger one decides."
        return "Standard errors treat each row as independent, because neither a group nor a time is configured."

    def check(self, rows: "pd.DataFrame", what: str) -> None:
        """Check that these rows can be grouped in this way, before hours of training rather than after.

        Raises:
            DataError: a column is missing, or windows are requested for a column without times, or
                the unit is unknown.
        """
        from promotion.rows import require_columns
        from promotion.time_columns import times_of

        if self.group:
            require_columns(rows, (self.group.by,), what, "which `group` names")
            if self.group.window is not None:
                self._length(times_of(rows[self.group.by].head(_FEW)), self.group.window)
        elif self.time:
            require_columns(rows, (self.time,), what, "which the recipe names as its time")

    def arguments(self, rows: "pd.DataFrame") -> Arguments:
        """Return the arguments for `compare` or `measure`, to be used with these rows as `columns`."""
        if self.independent:
            return {"dependence": "independent"}
        if self.group is None:
            return self._time(rows) if self.time else {}
        if self.group.window is None:
            return {"groups": self.group.by}
        return {"groups": self._windows(rows, self.group)}

    @property
    def group_id(self) -> str:
        """The name under which fingerprints of groups are stored; another name means other groups."""
        assert self.group is not None  # noqa: S101 - callers check it
        return f"{self.group.name} in {self.unit}" if isinstance(self.group.window, str) else self.group.name

    def group_fingerprints(self, rows: "pd.DataFrame") -> "NDArray[np.uint64]":
        """Return the fingerprint of each row's group, shape (n_rows,); the same in every file.

        Raises:
            DataError: see `check`, or a value has no text of its own.
        """
        import numpy as np
        import pandas as pd

        from promotion.time_columns import times_of

        assert self.group is not None  # noqa: S101 - callers check it
        values = rows[self.group.by]
        if self.group.window is not None:
            times = times_of(values)
            places = np.floor(times.floats / self._length(times, self.group.window))
            values = pd.Series(places, name=values.name)
        return hashes(key_texts(values).fill_null(_MISSING))

    def _time(self, rows: "pd.DataFrame") -> Arguments:
        from promotion.time_columns import times_of

        times = times_of(rows[self.time])
        return {"time": times.floats, "day": self._day(times)}

    def _day(self, times: "Times") -> float | None:
        """Return the length of a day in the unit of `Times.floats`."""
        unit: TimeUnit | None = "s" if times.are_timestamps else self.unit
        return None if unit is None else in_units(_DAY, unit)

    def _windows(self, rows: "pd.DataFrame", group: Group) -> "pd.Series[Any]":
        """Return each row's window, counted from 1, named as in decisions; 0 for rows without a time."""
        import numpy as np
        import pandas as pd

        from promotion.metrics.blocks import windows_of
        from promotion.time_columns import times_of

        times = times_of(rows[group.by])
        assert group.window is not None  # noqa: S101 - callers check it
        codes = np.zeros(len(rows), dtype=np.int64)
        held = ~times.missing
        if held.any():
            codes[held] = windows_of(times.floats[held], self._length(times, group.window)) + 1
        return pd.Series(codes, name=group.name)

    def _length(self, times: "Times", window: float | str) -> float:
        """Return the length of a window in the unit of `Times.floats`."""
        if times.are_timestamps:
            if isinstance(window, str):
                return timedelta_of(window).total_seconds()
            message = (
                f"The window of 'group' is {span_text(window)}, but column '{times.name}' holds {times.said}, so "
                'the number has no unit. Write a duration, like window = "1d".'
            )
            raise DataError(message, column=times.name)
        if not isinstance(window, str):
            return window
        if self.unit is not None:
            return in_units(timedelta_of(window), self.unit)
        message = (
            f"The window of 'group' is {window}, but column '{times.name}' holds {times.said}, whose unit is unknown. "
            'Set the unit, like time_unit = "s" in the configuration or --time-unit s, or write the window as a number '
            "in that unit."
        )
        raise DataError(message, column=times.name)


UNSAID = Draws()
"""Nothing is specified, and there is no time: each row counts as an independent draw."""

_MISSING = "\0missing"
"""The group of rows without a value; no text equals it."""

_FEW = 100
"""Number of rows to inspect to determine the type of a time."""

_group: TypeAdapter[Group | None] = TypeAdapter(GroupKey)


def draws_of(
    recipe: object,
    group: Group | None = None,
    dependence: DependenceWord = "auto",
    unit: TimeUnit | None = None,
    clean_by: CleanBy = "row",
) -> Draws:
    """Combine the configuration with the recipe; the configuration takes precedence.

    `unit` is that of numeric times; `clean_by` names what must not have trained a model that it
    evaluates.

    Raises:
        ConfigError: the recipe's `group` is invalid, or `clean_by` requires one and there is none.
    """
    if clean_by == "group" and (dependence == "independent" or not (group or _group_of_recipe(recipe))):
        raise ConfigError(
            'clean_by = "group" needs groups, but none are named. Set `group` in the model\'s configuration or in the '
            "recipe."
        )
    if dependence == "independent":
        return Draws(independent=True)
    named = group or _group_of_recipe(recipe)
    if named:
        kept = unit if named.window is not None else None
        return Draws(group=named, unit=kept, clean_by="group" if clean_by == "group" else None)
    time: str | None = getattr(recipe, "time", None)
    return Draws(time=time, unit=unit) if time else UNSAID


def _group_of_recipe(recipe: object) -> Group | None:
    given = getattr(recipe, "group", None)
    try:
        return _group.validate_python(given)
    except ValidationError as error:
        raise ConfigError(sentences(error, Group, f"The `group` of {type(recipe).__name__}")) from error
