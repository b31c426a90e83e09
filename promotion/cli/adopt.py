"""`promotion adopt`: vouch for a version that was trained elsewhere, or copy one from MLflow."""

from typing import Annotated, Any

import typer

from promotion.cli.completion import tags
from promotion.cli.output import Json, Misuse, Quiet, open_here, say, tag_of
from promotion.cli.timestamps import AT_HELP, timestamp_of, written
from promotion.errors import DataError

EXAMPLE = "promotion adopt fraud_classifier:abc123 --trained-before 7776000 --reason 'in production since May'"


def _bound(text: str) -> float | str:
    from promotion.times import bound_of

    try:
        return bound_of(text)
    except DataError as error:
        raise typer.BadParameter(str(error)) from error


def adopt(
    tag: Annotated[
        str | None,
        typer.Argument(
            help="The version, as MODEL:VERSION. With --all, the model. With --from-mlflow, the model's name here, if "
            "MLflow has another name for it.",
            metavar="[TAG]",
            autocompletion=tags,
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            help="The reason, in one sentence. Recorded in the ledger. Required without --all.", metavar="TEXT"
        ),
    ] = None,
    trained_before: Annotated[
        str | None,
        typer.Option(
            parser=_bound,
            help="All its training rows are earlier than this: a number in the unit of the recipe's time column, or a "
            "time like 2024-12-01 or 2024-12-01T00:00:00+01:00. If the rows' times have UTC offsets, a TIME "
            "without one is in UTC.",
            metavar="TIME",
        ),
    ] = None,
    assume_clean: Annotated[
        bool,
        typer.Option("--assume-clean", help="State that it was trained on none of the rows that will be in a holdout."),
    ] = False,
    trained_on_everything: Annotated[
        bool,
        typer.Option(
            "--trained-on-everything",
            help="State that it may have been trained on every row up to now. Only later rows will judge it.",
        ),
    ] = False,
    from_mlflow: Annotated[
        str | None,
        typer.Option(
            help="Copy this version from MLflow into the model store first. MODEL alone means MODEL@champion.",
            metavar="MODEL[@ALIAS|/NUMBER]",
        ),
    ] = None,
    served_from: Annotated[
        str | None,
        typer.Option(
            help="State that it served from this time, before the ledger's first champion. Recorded as your word. "
            f"{AT_HELP}",
            metavar="TIME",
        ),
    ] = None,
    served_until: Annotated[
        str | None, typer.Option(help="State until when it served, with --served-from.", metavar="TIME")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Record every version of the model in the store, with the stage of its label.")
    ] = False,
    _quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Vouch for a version trained elsewhere.

    Records what you know about its training rows. If the ledger has no champion
    yet, a version labelled `prod` or copied from MLflow becomes the champion.
    """
    vouched: dict[str, Any] = {
        "trained_before": trained_before,
        "assume_clean": assume_clean,
        "trained_on_everything": trained_on_everything,
    }
    if every:
        if tag is None or ":" in tag or any((reason, from_mlflow, served_from, served_until, *vouched.values())):
            raise Misuse("--all takes the name of a model, and no other option than --json.")
        return _adopt_all(tag, as_json=as_json)
    if reason is None:
        raise Misuse("An adoption needs a reason, which is recorded. Add --reason 'why'.")
    if from_mlflow is not None:
        return _adopt_from_mlflow(from_mlflow, tag, reason, vouched, as_json=as_json)
    if tag is None:
        raise Misuse("Name the version to adopt, or a model with --all, or a model in MLflow with --from-mlflow.")
    if served_from is not None or served_until is not None:
        if served_from is None or served_until is None or any(vouched.values()):
            raise Misuse("--served-from and --served-until go together, and are recorded apart from other statements.")
        return _adopt_service(tag, reason, served_from, served_until, as_json=as_json)
    return _adopt(tag, reason, vouched, as_json=as_json)


def _adopt(tag: str, reason: str, vouched: dict[str, Any], *, as_json: bool) -> None:
    from promotion.canonical import plain
    from promotion.report.plan import done_sentence

    plan = open_here().adopt(tag_of(tag), reason=reason, **vouched)
    if plan is not None:
        say(plain(plan), done_sentence(plan), as_json=as_json)
    else:
        say({"adopted": tag}, f"Recorded what you know about {tag}. It can be judged now.", as_json=as_json)


def _adopt_from_mlflow(named: str, model: str | None, reason: str, vouched: dict[str, Any], *, as_json: bool) -> None:
    registry = open_here()
    version = registry.adopt_from_mlflow(named, model, reason=reason, **vouched)
    champion = registry.champion(version.tag.partition(":")[0])
    serves = champion is not None and str(champion.tag) == version.tag
    then = "It is the champion." if serves else f"Judge it with `promotion gate {version.tag}`."
    origin = version.registration
    data = {"adopted": version.tag, "mlflow": origin.mlflow, "run_id": origin.run_id, "champion": serves}
    say(data, f"Copied {origin.mlflow} from MLflow to {version.tag}. {then}", as_json=as_json)


def _adopt_service(tag: str, reason: str, since: str, until: str, *, as_json: bool) -> None:
    begin, end = timestamp_of(since), timestamp_of(until)
    open_here().adopt_service(tag_of(tag), begin, end, reason=reason)
    data = {"stated": tag, "since": begin.isoformat(), "until": end.isoformat()}
    say(data, f"Recorded your word that {tag} served from {written(begin)} to {written(end)}.", as_json=as_json)


def _adopt_all(model: str, *, as_json: bool) -> None:
    from promotion.vocabulary import Stage

    registry = open_here()
    tags = registry.adopt_all(model)
    state, named = registry.state(model), f": {', '.join(tags)}" if tags else ""
    serving = state.in_stage(Stage.PROD) if state.champion is None else ()
    then = (
        f" To make {serving[0]} the champion, run `promotion adopt {serving[0]} --reason …` with --trained-before, "
        "--assume-clean or --trained-on-everything."
        if serving
        else ""
    )
    say({"registered": tags}, f"Recorded {len(tags)} versions{named}.{then}", as_json=as_json)
