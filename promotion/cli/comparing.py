"""`promotion compare`: two columns of scores in a file, or two versions of the registry, side by side."""

from pathlib import Path
from typing import Annotated, Any

import typer

from promotion.cli.output import Form, Json, Markdown, Misuse, exit_code, form_of, open_here, show

_ONE_FILE = ("label", "champion", "challenger", "weight", "metric", "slice", "policy", "confidence")
_TWO_TAGS = ("data", "holdout")
_OF_POLICY = ("metric", "slice", "confidence")
_ONLY_COMPARED = "Nothing is decided or recorded."


def add_commands(app: typer.Typer) -> None:
    """Add it to the app."""
    example = "promotion compare predictions.csv --label y --champion old --challenger new"
    tags = "promotion compare fraud_classifier:old1 fraud_classifier:new2"
    app.command(epilog=f"Example: {example}. Or, of two versions: {tags}")(compare)


def compare(
    what: Annotated[
        list[str],
        typer.Argument(
            help="A CSV or Parquet file with labels and scores of both models; or two versions, the champion first.",
            metavar="FILE | TAG TAG",
        ),
    ],
    label: Annotated[
        str | None,
        typer.Option(help="FILE: column of the labels: 0 or 1, a class from 0 up, or a number.", metavar="COLUMN"),
    ] = None,
    champion: Annotated[
        str | None,
        typer.Option(help="FILE: column of the champion's scores; one for each class, a,b,c.", metavar="COLUMN"),
    ] = None,
    challenger: Annotated[
        str | None,
        typer.Option(help="FILE: column of the challenger's scores; likewise.", metavar="COLUMN"),
    ] = None,
    weight: Annotated[
        str | None, typer.Option(help="FILE: column of what each row weighs; equal when left out.", metavar="COLUMN")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="FILE: a metric, e.g. roc_auc; may be repeated; the usual ones when left out."),
    ] = None,
    slice_by: Annotated[
        list[str] | None,
        typer.Option(
            "--slice",
            help="FILE: parts of the rows to compare on as well: a column, two crossed (a,b), quantile bins of a "
            "number (a:4), windows of a time (t/86400); may be repeated.",
            metavar="COLUMN",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="FILE: a policy, whose metrics and slices are compared and whose verdict is told."),
    ] = None,
    confidence: Annotated[
        float | None, typer.Option(help="FILE: of the intervals; 0.95 when left out.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="TAG TAG: file whose holdout judges; by default as of the challenger's gate.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option(help="TAG TAG: file whose rows all judge; by default the configured one, if any.")
    ] = None,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> int:
    """Compare two models: by a file of predictions, with no registry needed; or two versions by their tags.

    FILE needs --label, --champion and --challenger. With --policy the exit code is 0 promote, 3 reject, 4 hold.
    Nothing is decided, moved or recorded.
    """
    form = form_of(as_json=as_json, as_markdown=as_markdown)
    given = {
        "label": label,
        "champion": champion,
        "challenger": challenger,
        "weight": weight,
        "metric": metric,
        "slice": slice_by,
        "policy": policy,
        "confidence": confidence,
        "data": data,
        "holdout": holdout,
    }
    named = {name: value for name, value in given.items() if value not in (None, [])}
    return _by_file(what[0], named, form) if _is_file(what, named) else _by_tags(what, named, form)
