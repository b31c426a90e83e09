"""The `retrain` command, added to `promotion` through the entry-point group `promotion.commands`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli.completion import model_names
from promotion.cli.output import (
    EXIT_CODES,
    Form,
    Json,
    Markdown,
    Misuse,
    Quiet,
    StartAnew,
    WhyAnew,
    anew,
    form_of,
    show,
    show_decision,
)
from promotion.vocabulary import Verdict

if TYPE_CHECKING:
    from registry_flows.under_prefect.hand_off import TrainedVersion


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: promotion retrain fraud_classifier", rich_help_panel="Judge")(retrain)


def retrain(
    model: Annotated[
        str | None,
        typer.Argument(
            help="Name of the model. Use --all for every model.", metavar="[MODEL]", autocompletion=model_names
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="File, folder, pattern or URL of data to train on and to judge with. Defaults to the configured "
            "`data`.",
            metavar="DATA",
        ),
    ] = None,
    version: Annotated[str | None, typer.Option(help="Name to record with the version, such as 1.0.1.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="Recipe option for this training, as NAME=VALUE.", metavar="NAME=VALUE"),
    ] = None,
    trained: Annotated[
        Path | None,
        typer.Option(
            help="Go on with a model that an earlier training kept in this file, with the data and options of that "
            "training. The file is unpickled.",
            metavar="FILE",
        ),
    ] = None,
    start_anew: StartAnew = False,
    reason: WhyAnew = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Train and judge with copies of the ledger and the store, and discard the result."
        ),
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Retrain every configured model, several at a time.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Prefect's log.")] = False,
    _quiet: Quiet = False,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> int:
    """Train a new version in a Prefect flow and let the gate judge it.

    Exit code 0 if promoted, 3 if rejected, 4 if held. Also 4 if the version passed but needs approval, or if a
    Prefect deployment of the gate flow will judge it. With --all, 0 if every model was trained and judged, otherwise 1.
    Uses the Prefect server of PREFECT_API_URL, or a temporary one.
    """
    from promotion.data_sources import placed
    from registry_flows.flows.running import retrain_here

    form, why = form_of(as_json=as_json, as_markdown=as_markdown), anew(reason, start_anew=start_anew)
    if every:
        if any((model, data, version, option, trained, start_anew, dry_run)):
            raise Misuse("--all cannot be combined with MODEL or with options that apply to a single model.")
        return _retrain_all(form, verbose=verbose)
    if model is None:
        raise Misuse("Name a model to retrain, or give --all.")
    if trained and any((data, version, option)):
        raise Misuse("--trained continues a training, so it cannot be combined with --data, --version or --option.")
    candidate = retrain_here(
        model,
        data_path=placed(data),
        version=version,
        options=dict(_option(text) for text in option or ()) or None,
        start_anew=why,
        verbose=verbose,
        dry_run=dry_run,
        trained=trained,
    )
    if candidate.decision is None:
        return _show_handed_off(candidate, form)
    return show_decision(candidate.decision, form=form, tag=candidate.tag, dry_run=dry_run)


def _show_handed_off(candidate: "TrainedVersion", form: Form) -> int:
    from promotion.report.page import Page

    sentence = f"{candidate.tag} was saved and handed to the gate: {candidate.gate_run}."
    show({"tag": candidate.tag, "gate_run": candidate.gate_run}, Page(summary=(sentence,)), form=form)
    return EXIT_CODES[Verdict.HOLD]


def _retrain_all(form: Form, *, verbose: bool) -> int:
    from promotion.report.page import Column, Page, Table, Words
    from registry_flows.flows.running import retrain_all_here

    outcomes = retrain_all_here(verbose=verbose)
    columns = (Column("model", wraps=False), Column("version", wraps=False), Column("verdict"), Column("why"))
    rows = tuple(
        (Words(one.model), Words(one.tag or "-"), Words(one.verdict, one.tone), Words(one.said)) for one in outcomes
    )
    data = [
        {"model": one.model, "tag": one.tag, "verdict": one.verdict, "why": one.said, "gate_run": one.gate_run}
        for one in outcomes
    ]
    show({"models": data}, Page(tables=(Table(columns=columns, rows=rows),)), form=form)
    return int(any(one.error is not None for one in outcomes))


def _option(text: str) -> tuple[str, Any]:
    """Parse `NAME=VALUE`; the value is TOML (a number, true, "text"), or a plain string if it is not valid TOML."""
    import tomllib

    name, equals, value = text.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not name:
        raise typer.BadParameter(f"A recipe option must be NAME=VALUE, but is '{text}'.")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value
