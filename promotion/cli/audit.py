"""`promotion audit`: compare the ledger with labels, files and MLflow."""

from typing import Annotated

import typer

from promotion.cli.output import FOUND, AnyModel, Json, Quiet, form_of, models_of, notice, open_here, show
from promotion.cli.timestamps import AT_HELP, timestamp_of

EXAMPLE = "promotion audit fraud_classifier --json"


def audit(
    model: AnyModel = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Repeat past decisions from their models and rows.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help=f"Check only what happened since this time. {AT_HELP}"),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Hash all files, even those that look unchanged, and make all decisions again."),
    ] = False,
    problems: Annotated[bool, typer.Option("--problems", help="Show only models with findings, in JSON too.")] = False,
    _quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Compare the ledger with labels, files and MLflow. Exit code 5 if anything differs.

    For several models, shows the findings and a total.
    """
    from promotion.assembly import announce_findings
    from promotion.canonical import plain
    from promotion.report.findings import audit_pages

    moment = timestamp_of(since) if since else None
    registry = open_here()
    names = models_of(registry, model)
    found = {name: registry.audit(name, recompute=recompute, since=moment, full=full) for name in names}
    shown = {name: findings for name, findings in found.items() if findings or not problems}
    data = {name: [plain(finding) for finding in findings] for name, findings in shown.items()}
    show(data, *audit_pages(found, since=moment), form=form_of(as_json=as_json))
    for name, findings in found.items():
        if findings:
            announce_findings(name, findings, notice=notice)
    return FOUND if any(found.values()) else 0
