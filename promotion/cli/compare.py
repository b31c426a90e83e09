"""`promotion compare`: two columns of scores in a file, or two versions of the registry, side by side."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli.completion import tags_or_files
from promotion.cli.output import Form, Json, Markdown, Misuse, Quiet, exit_code, form_of, open_here, show

if TYPE_CHECKING:
    from promotion.data_sources import Query, Where

_ONE_FILE = (
    "label",
    "champion",
    "challenger",
    "weight",
    "metric",
    "slice",
    "group",
    "time",
    "time-unit",
    "policy",
    "confidence",
)
_TWO_TAGS = ("data", "holdout")
_OF_POLICY = ("metric", "slice", "confidence")
EXAMPLE = (
    "promotion compare predictions.csv --label y --champion old --challenger new. Or, for two versions: "
    "promotion compare fraud_classifier:old1 fraud_classifier:new2"
)


def compare(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="A CSV or Parquet file with labels and both models' scores, a folder or a pattern of such files, or "
            "a URL; or two versions, the champion first.",
            metavar="FILE | TAG TAG",
            autocompletion=tags_or_files,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="FILE: label column, with 0 or 1, class numbers from 0 on, or numbers to predict.", metavar="COLUMN"
        ),
    ] = None,
    champion: Annotated[
        str | None,
        typer.Option(
            help="FILE: score column of the champion; for several classes one column each (a,b,c).", metavar="COLUMN"
        ),
    ] = None,
    challenger: Annotated[
        str | None,
        typer.Option(help="FILE: score column of the challenger, in the same form.", metavar="COLUMN"),
    ] = None,
    weight: Annotated[
        str | None, typer.Option(help="FILE: column of row weights. Defaults to equal weights.", metavar="COLUMN")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="FILE: metric to compare, e.g. roc_auc. Repeatable. Defaults to the usual metrics of the task."
        ),
    ] = None,
    slice_by: Annotated[
        list[str] | None,
        typer.Option(
            "--slice",
            help="FILE: also compare by slice: a column, two crossed columns (a,b), quantile bins (a:4) or time "
            "windows (t/86400, t/7d). Repeatable.",
            metavar="COLUMN",
        ),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(
            help="FILE: column that groups dependent rows, such as a customer ID, or time windows (t/86400, t/1d). "
            "Standard errors are then computed by group.",
            metavar="COLUMN",
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            help="FILE: time column. Rows close in time are then treated as dependent.",
            metavar="COLUMN",
        ),
    ] = None,
    time_unit: Annotated[
        str | None,
        typer.Option(help="FILE: unit of a numeric time column: ns, us, ms, s, min, h or d.", metavar="UNIT"),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="FILE: policy to apply. Its metrics and slices are compared, and its verdict is shown."),
    ] = None,
    confidence: Annotated[
        float | None, typer.Option(help="FILE: confidence level of the intervals. Defaults to 0.95.")
    ] = None,
    sql: Annotated[
        str | None,
        typer.Option(
            help="Query whose rows are compared, instead of FILE. DuckDB runs it on local files, unless --url is given."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Database of --sql, as SQLAlchemy's URL, e.g. postgresql://user@host/database."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="TAG TAG: file, folder, pattern or URL of data from which the recipe splits off the holdout. Defaults "
            "to the file on which the gate judged the challenger.",
            metavar="DATA",
        ),
    ] = None,
    holdout: Annotated[
        str | None,
        typer.Option(
            help="TAG TAG: file, folder, pattern or URL of holdout rows; all of its rows are used. Defaults to the "
            "configured `holdout`.",
            metavar="DATA",
        ),
    ] = None,
    _quiet: Quiet = False,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> int:
    """Compare two models without deciding anything.

    Takes a file of predictions (no registry needed) or the tags of two versions.

    FILE requires --label, --champion and --challenger. With --policy, the exit code is 0 promote, 3 reject, 4
    hold. Nothing is recorded.
    """
    form = form_of(as_json=as_json, as_markdown=as_markdown)
    given = {
        "label": label,
        "champion": champion,
        "challenger": challenger,
        "weight": weight,
        "metric": metric,
        "slice": slice_by,
        "group": group,
        "time": time,
        "time-unit": time_unit,
        "policy": policy,
        "confidence": confidence,
        "data": data,
        "holdout": holdout,
    }
    named = {name: value for name, value in given.items() if value not in (None, [])}
    if sql or url:
        return _by_file(_query(what, sql, url, named), named, form)
    if not what:
        raise Misuse("Name a file of predictions or two versions, or give --sql.")
    return _by_file(what[0], named, form) if _is_file(what, named) else _by_tags(what, named, form)


def _query(what: list[str] | None, sql: str | None, url: str | None, named: dict[str, Any]) -> "Query":
    from pydantic import SecretStr

    from promotion.data_sources import Query

    foreign = [*(what or ()), *(f"--{name}" for name in _TWO_TAGS if name in named)]
    if sql is None or foreign:
        given = "--url, but no --sql" if sql is None else f"--sql and {', '.join(foreign)}"
        raise Misuse(f"A query of predictions is given by --sql, with its database in --url. The command has {given}.")
    return Query(sql=sql, url=SecretStr(url) if url else None)


def _is_file(what: list[str], named: dict[str, Any]) -> bool:
    """Whether a file of predictions is compared rather than two versions."""
    if len(what) > 2:  # noqa: PLR2004 - two versions
        message = f"The command takes one file of predictions or two versions, but {len(what)} arguments were given."
        raise Misuse(message)
    foreign = [f"--{name}" for name in (_TWO_TAGS if len(what) == 1 else _ONE_FILE) if name in named]
    if foreign and len(what) == 1:
        raise Misuse(
            f"{' and '.join(foreign)} can only be used with two versions (promotion compare TAG TAG), but one argument "
            f"was given, '{what[0]}', which is read as a file of predictions."
        )
    if foreign:
        raise Misuse(
            f"{', '.join(foreign)} can only be used with a file of predictions (promotion compare FILE), but two "
            "arguments were given, which are read as two versions. Their model's policy determines what is compared."
        )
    return len(what) == 1


def _by_file(file: "Where", named: dict[str, Any], form: Form) -> int:
    from promotion.cli.predictions import fetched
    from promotion.data_sources import is_elsewhere, shown_source

    lacking = [f"--{name}" for name in ("label", "champion", "challenger") if name not in named]
    if lacking:
        raise Misuse(
            f"'{shown_source(file)}' alone is read as a file of predictions, which needs {', '.join(lacking)}: the "
            "columns of labels and of both models' scores. To compare two versions: promotion compare TAG TAG."
        )
    with fetched(file) as path:
        shown = shown_source(file) if is_elsewhere(file) or not path.exists() else path.name
        return _by_path(path, shown, named, form)


def _by_path(path: Path, shown: str, named: dict[str, Any], form: Form) -> int:
    from promotion.cli.predictions import (
        Predictions,
        columns_in,
        compare_predictions,
        draws_named,
        names,
        parse_slicing,
    )

    present = columns_in(path, (named["label"],))
    asked = Predictions(
        path=path,
        shown=shown,
        label=named["label"],
        champion=names(named["champion"], present),
        challenger=names(named["challenger"], present),
        weight=named.get("weight"),
        draws=draws_named(named, present),
    )
    if "policy" in named:
        return _judge(asked, named, form)
    slicings = [parse_slicing(text, present) for text in named.get("slice", ())]
    comparison = compare_predictions(asked, named.get("metric", ()), slicings, named.get("confidence", 0.95))
    return _show(comparison, asked.said, form, data=asked.shown)


def _by_tags(what: list[str], named: dict[str, Any], form: Form) -> int:
    from promotion.data_sources import placed
    from promotion.vocabulary import Tag

    champion, challenger = map(Tag.parse, what)
    places = {name: placed(where) for name, where in named.items()}
    comparison = open_here().compare(champion, challenger, **places)
    return _show(comparison, {"champion": str(champion), "challenger": str(challenger)}, form)


def _show(comparison: Any, said: Mapping[str, str], form: Form, *, data: str = "") -> int:
    """Write a comparison; gives 1 when not one metric could be compared."""
    from promotion.canonical import plain
    from promotion.report.comparison import comparison_page

    page = comparison_page(comparison, **said, data=data)
    show({"compared": dict(said), **plain(comparison)}, page, form=form)
    return 0 if comparison.metrics else 1


def _judge(asked: Any, named: dict[str, Any], form: Form) -> int:
    """What a policy says of the predictions; no holdout budget is counted, and nothing moves."""
    from dataclasses import replace

    from promotion.canonical import plain
    from promotion.cli.predictions import compare_by_policy
    from promotion.number_format import level
    from promotion.policy import Policy, decide
    from promotion.report.decision import decision_page
    from promotion.report.page import quiet

    twice = [f"--{name}" for name in _OF_POLICY if name in named]
    if twice:
        raise Misuse(
            f"{', '.join(twice)} and --policy both set what is compared. Leave out {', '.join(twice)}, and set it in "
            "the policy."
        )
    policy = Policy.from_toml(named["policy"])
    comparison = compare_by_policy(asked, policy)
    decision = decide(comparison, policy)
    notes = (
        f"Judged on {comparison.rows:,} rows of {asked.shown}. It is unknown whether a model was trained on them.",
        f"The primary metric was tested at the {level(decision.alpha)} level. This command uses no holdout budget.",
        "Nothing was recorded.",
    )
    page = decision_page(decision)
    page = replace(page, headline=_against(asked.said), notes=(*page.notes, *quiet(*notes)))
    show({"compared": dict(asked.said), **plain(decision)}, page, form=form)
    return exit_code(decision)


def _against(said: Mapping[str, str]) -> str:
    return f"{said['challenger']} against {said['champion']}"
