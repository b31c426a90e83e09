"""A file of predictions: labels and the scores of two models, column by column, read to be compared."""

import csv
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

from promotion.cli.output import Misuse
from promotion.cli.progress import show_progress
from promotion.data_sources import Where, is_elsewhere, shown_source
from promotion.draws import UNSAID, Draws, Group
from promotion.durations import TimeUnit, span_of
from promotion.errors import ConfigError, DataError, PromotionError, UnknownName, require_once
from promotion.vocabulary import Task

if TYPE_CHECKING:
    import pandas as pd

    from promotion.comparison import Comparison, Slicing
    from promotion.number_columns import ColumnType
    from promotion.policy import Policy

_BINS = re.compile(r"(?P<column>.+):(?P<bins>\d+)")
_WINDOW = re.compile(r"(?P<column>.+)/(?P<window>[\d.]+(e\d+)?|\d+[smhdw])")


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Where labels and scores stand in a file.

    Attributes:
        path: a CSV or Parquet file, or a folder or a pattern of such files.
        shown: what the file is called.
        label: column of the labels.
        champion, challenger: columns of scores: one, or one for each class.
        weight: column of the weights; None when all rows weigh the same.
        draws: what counts as a draw of its own among the rows.
    """

    path: Path
    shown: str
    label: str
    champion: tuple[str, ...]
    challenger: tuple[str, ...]
    weight: str | None = None
    draws: Draws = UNSAID

    def __post_init__(self) -> None:
        if self.champion == self.challenger:
            message = "--champion and --challenger must name the scores of two models, but name the same column."
            raise Misuse(message)
        if len(self.champion) != len(self.challenger):
            raise Misuse(
                "--champion and --challenger must name the same number of columns (one, or one for each class), but "
                f"name {len(self.champion)} and {len(self.challenger)}."
            )

    @property
    def said(self) -> Mapping[str, str]:
        """What the two are called."""
        return {"champion": _said(self.champion), "challenger": _said(self.challenger)}

    def read(self, others: "Mapping[str, tuple[str, ColumnType]]") -> "pd.DataFrame":
        """The rows.

        Args:
            others: further columns; what asks for each, and as what it is read.
        """
        from promotion.rows import read_rows

        numbers = {self.label: "--label"} | dict.fromkeys(self.champion, "--champion")
        numbers |= dict.fromkeys(self.challenger, "--challenger") | ({self.weight: "--weight"} if self.weight else {})
        drawn = dict.fromkeys(self._drawn_by(), "--group" if self.draws.group else "--time")
        _require(self.path, drawn | {name: asker for name, (asker, _) in others.items()} | numbers)
        kinds = self._drawn_by() | {name: kind for name, (_, kind) in others.items()}
        show_progress(f"Reading {self.shown}")
        rows = read_rows(self.path, {**kinds, **dict.fromkeys(numbers, "exact")})
        empty = rows[self.label].isna().to_numpy()
        if empty.any():
            message = (
                f"Column '{self.label}' of {self.path} must have a label in every row, but row "
                f"{int(empty.argmax()) + 1} is empty. Leave out rows without a label."
            )
            raise DataError(message, path=self.path, column=self.label)
        return rows

    def _drawn_by(self) -> "dict[str, ColumnType]":
        """The column that says what is a draw."""
        group, time = self.draws.group, self.draws.time
        if group is not None:
            return {group.by: "text" if group.window is None else "time"}
        return {time: "time"} if time else {}

    def task(self, rows: "pd.DataFrame") -> Task:
        """What the models predict, as the columns tell it."""
        from promotion.metrics.usual import task_of_rows

        labels, what = rows[self.label].to_numpy(), f"Column '{self.label}' of {self.path}"
        try:
            return task_of_rows(labels, _scores(rows, self.champion), what=what)
        except DataError as error:
            raise DataError(str(error), path=self.path, column=self.label) from error


def compare_predictions(
    asked: Predictions, metrics: Iterable[str], slicings: Iterable["Slicing"], confidence: float
) -> "Comparison":
    """Compare by the metrics named, or by the usual ones of what the models predict."""
    from promotion.metrics import metric
    from promotion.metrics.usual import USUAL

    names, parts = tuple(metrics), tuple(slicings)
    costs = {column: f"the metric {name}" for name in names for column in metric(name).columns}
    rows = asked.read(_columns(parts, "--slice", costs))
    return _compare(asked, rows, names or USUAL[asked.task(rows)], parts, confidence)


def compare_by_policy(asked: Predictions, policy: "Policy") -> "Comparison":
    """Compare by all that a policy asks for."""
    rows = asked.read(_columns(policy.slicings, "the policy", dict.fromkeys(policy.costs, "the policy")))
    task = next(iter(policy.tasks)) if len(policy.tasks) == 1 else asked.task(rows)
    return _compare(asked, rows, policy.names(task), policy.slicings, policy.confidence)


def _columns(parts: Iterable["Slicing"], asker: str, costs: Mapping[str, str]) -> "dict[str, tuple[str, ColumnType]]":
    """What is sliced by the text of its values, and what by time or number; a column of several is the last of them."""
    given = tuple(parts)
    kinds: dict[str, ColumnType] = {column: "text" for part in given for column in part.by}
    kinds |= {part.by[0]: "time" for part in given if part.window is not None}
    kinds |= {part.by[0]: "number" for part in given if part.bins is not None}
    return {column: (asker, kind) for column, kind in kinds.items()} | {
        column: (needed, "exact") for column, needed in costs.items()
    }


def parse_slicing(text: str, present: Container[str] = ()) -> "Slicing":
    """`a` by value, `a,b` crossed, `a:4` in 4 quantile bins, `t/86400` or `t/7d` in windows of that length.

    A name in double quotes is taken as it is: `"a:4"` by value, `"a:4":4` in bins. The name of one of the columns
    `present`, as a whole, means that column.
    """
    from promotion.comparison import Slicing

    if text not in present and (found := _BINS.fullmatch(text)):
        return Slicing(by=names(found["column"], present), bins=int(found["bins"]))
    if text not in present and (found := _WINDOW.fullmatch(text)):
        return Slicing(by=names(found["column"], present), window=found["window"])
    return Slicing(by=names(text, present))


def parse_group(text: str, present: Container[str] = ()) -> Group:
    """`card1` by value, `t/86400` or `t/1d` in windows of that length; columns are named as in `parse_slicing`."""
    bins = None if text in present else _BINS.fullmatch(text)
    if bins and bins["column"] in present:
        raise ConfigError(
            f"A group must be a column (card1) or time windows (t/1d), but '{text}' divides column '{bins['column']}' "
            "into bins."
        )
    found = None if text in present else _WINDOW.fullmatch(text)
    whole = found["column"] if found else text
    by = whole if whole in present or not whole.startswith('"') else next(csv.reader([whole]))[0]
    return Group(by=by, window=span_of(found["window"])) if found else Group(by=by)


def draws_named(named: dict[str, Any], present: tuple[str, ...]) -> Draws:
    """What is a draw of its own, as the options say."""
    unit = named.get("time-unit")
    if unit and unit not in get_args(TimeUnit):
        raise Misuse(f"--time-unit must be one of {', '.join(get_args(TimeUnit))}, but is '{unit}'.")
    if unit and not {"group", "time"} & named.keys():
        raise Misuse("--time-unit applies to --time or --group, but neither was given.")
    if "group" in named:
        if "time" in named:
            raise Misuse("--group and --time both set which rows depend on each other. Leave out --time.")
        return Draws(group=_group(named["group"], present), unit=unit)
    return Draws(time=named.get("time"), unit=unit)


def _group(texts: list[str], present: tuple[str, ...]) -> Group:
    """The one way in which rows fall into groups."""
    several = texts if len(texts) > 1 else [] if texts[0] in present else names(texts[0], present)
    if len(several) > 1:
        raise Misuse(
            f"--group takes one column or window, but {len(several)} were given: {', '.join(several)}. Use the one "
            "with fewer and larger groups, or add a column that contains each combination."
        )
    return parse_group(texts[0], present)


def names(text: str, present: Container[str] = ()) -> tuple[str, ...]:
    """Columns separated by commas; one that has a comma in its name stands in double quotes, or alone.

    The name of one of the columns `present`, as a whole, means that column.
    """
    if text in present:
        return (text,)
    return tuple(filter(None, (name.strip() for name in next(csv.reader([text], skipinitialspace=True), ()))))


def _said(columns: tuple[str, ...]) -> str:
    return columns[0] if len(columns) == 1 else f"{columns[0]} … {columns[-1]}"


def _compare(
    asked: Predictions, rows: "pd.DataFrame", metrics: Iterable[str], slicings: Iterable["Slicing"], confidence: float
) -> "Comparison":
    from promotion.comparison import compare

    show_progress("Comparing")
    return compare(
        rows[asked.label].to_numpy(),
        _scores(rows, asked.champion),
        _scores(rows, asked.challenger),
        metrics=metrics,
        sample_weight=rows[asked.weight].to_numpy() if asked.weight else None,
        slices=slicings,
        columns=rows,
        confidence=confidence,
        **asked.draws.arguments(rows),
    )


def _scores(rows: "pd.DataFrame", columns: tuple[str, ...]) -> Any:
    return rows[columns[0]].to_numpy() if len(columns) == 1 else rows[list(columns)].to_numpy()


@contextmanager
def fetched(where: Where) -> Iterator[Path]:
    """A path of the predictions; of a URL or a query, that of a temporary copy, which errors do not name."""
    if not is_elsewhere(where):
        yield Path(str(where))
        return
    from promotion.adapters.sources import Snapshots

    with TemporaryDirectory() as folder:
        show_progress(f"Fetching {shown_source(where)}")
        path = Snapshots(Path(folder), Path.cwd()).take(where)
        try:
            yield path
        except PromotionError as error:
            error.args = (str(error).replace(str(path), shown_source(where)),)
            if isinstance(error, DataError):
                error.path = None
            raise


def columns_in(path: Path, needed: Iterable[str] = ()) -> tuple[str, ...]:
    """Names of the columns of a file of predictions, or of all files of a folder or a pattern."""
    from promotion.data_files import what_is_at
    from promotion.data_folders import columns_in_all, is_several

    if not path.is_file() and not is_several(path):
        message = f"{what_is_at(path)} Two versions are compared by their tags: promotion compare TAG TAG."
        raise DataError(message, path=path)
    return columns_in_all(path, needed)


def _require(path: Path, columns: Mapping[str, str]) -> None:
    """See that the file is there and has the columns."""
    present = columns_in(path, columns)
    for name, asker in columns.items():
        if name not in present:
            raise DataError(f"{path}, {asker}: {_no_column(name, present)}", path=path, column=name)
        require_once(name, present, f"{path}, {asker}: the file")


def _no_column(name: str, present: tuple[str, ...]) -> str:
    """That there is none; or, where it is one with something behind it, that this divides nothing."""
    for sign, what in (
        ("/", "not a valid window: expected a number above 0 in the column's own unit, or a length like 12h or 7d"),
        (":", "not a valid number of bins: expected a whole number from 2 up, like 4"),
    ):
        column, _, division = name.rpartition(sign)
        if column and column in present:
            return f"'{name}' divides column '{column}', but '{division}' is {what}."
    return str(UnknownName("column", name, present))
