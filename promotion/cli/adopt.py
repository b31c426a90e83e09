"""`promotion adopt`: vouch for a version that was trained elsewhere, or copy one from MLflow."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli.completion import tags
from promotion.cli.confirmation import open_for
from promotion.cli.output import DryRun, Json, Misuse, Quiet, dry, form_of, open_here, say, show, tag_of
from promotion.cli.timestamps import AT_HELP, timestamp_of, written
from promotion.errors import DataError

if TYPE_CHECKING:
    from promotion.registry.plan import Plan

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
    dry_run: DryRun = False,
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
    served, form = (served_from, served_until), _Form(dry_run=dry_run, as_json=as_json)
    if every:
        if tag is None or ":" in tag or any((reason, from_mlflow, *served, *vouched.values())):
            raise Misuse("--all takes the name of a model, and no other option than --dry-run and --json.")
        return _adopt_all(tag, form)
    if reason is None:
        raise Misuse("An adoption needs a reason, which is recorded. Add --reason 'why'.")
    if any(served) and (None in served or from_mlflow is not None or any(vouched.values())):
        raise Misuse("--served-from and --served-until go together, and are recorded apart from other statements.")
    if from_mlflow is not None:
        return _adopt_from_mlflow(from_mlflow, tag, reason, vouched, form)
    if tag is None:
        raise Misuse("Name the version to adopt, or a model with --all, or a model in MLflow with --from-mlflow.")
    if served_from is not None and served_until is not None:
        return _adopt_service(tag, reason, served_from, served_until, form)
    return _adopt(tag, reason, vouched, form)


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How the command answers."""

    dry_run: bool
    as_json: bool

    def foresee(self, plan: "Plan", data: dict[str, Any], *summary: str) -> None:
        """Show what the command would record; `data` is what it would answer."""
        from promotion.canonical import plain
        from promotion.ledger.entries import NAMES
        from promotion.report.plan import recorded_page

        entries = [{"kind": NAMES[type(body)], "body": plain(body)} for body in plan.bodies]
        page, form = recorded_page(plan, *summary), form_of(as_json=self.as_json)
        show({"dry_run": True, **data, "entries": entries}, *dry(dry_run=True), page, form=form)

    def say(self, data: dict[str, Any], *sentences: str) -> None:
        say({"dry_run": False, **data}, *sentences, as_json=self.as_json)


def _adopt(tag: str, reason: str, vouched: dict[str, Any], form: _Form) -> None:
    from promotion.canonical import plain
    from promotion.registry.adopt import plan_adoption
    from promotion.report.plan import done_sentence

    parsed = tag_of(tag)
    registry = open_for(parsed.model, dry_run=form.dry_run)
    plan = plan_adoption(registry.parts, parsed, reason=reason, **vouched)
    data = plain(plan.transition) if plan.transition else {"adopted": tag}
    if form.dry_run:
        return form.foresee(plan, data)
    registry.apply(plan)
    judged = f"Recorded what you know about {tag}. It can be judged now."
    return form.say(data, done_sentence(plan.transition) if plan.transition else judged)


def _adopt_from_mlflow(named: str, model: str | None, reason: str, vouched: dict[str, Any], form: _Form) -> None:
    from promotion.registry.adopt import check_vouched
    from promotion.registry.adopt_from_mlflow import applied, mlflow_adoption, named_in_mlflow

    check_vouched(vouched)  # type: ignore[arg-type]
    registry = open_here()
    found = named_in_mlflow(registry.parts, named, model)
    if not form.dry_run:
        registry.complete(found.tag.model)
    with mlflow_adoption(registry.parts, found, reason=reason, **vouched) as adoption:
        tag, plan, copies = str(found.tag), adoption.plan, adoption.prepared is not None
        data = {"adopted": tag, "mlflow": str(found.origin), "run_id": found.origin.run_id, "copied": copies}
        data["champion"] = plan.transition is not None
        what = f"{found.origin} from MLflow to {tag} ({_size(adoption.size)})"
        if form.dry_run:
            words = f"It would copy {what}." if copies else f"{tag} is a copy of {found.origin} already."
            return form.foresee(plan, data, words)
        applied(registry.parts, adoption)
    then = "It is the champion." if plan.transition else f"Judge it with `promotion gate {tag}`."
    done = f"Copied {found.origin} from MLflow to {tag}." if copies else f"{tag} was already copied from MLflow."
    return form.say(data, f"{done} {then}")


def _adopt_service(tag: str, reason: str, since: str, until: str, form: _Form) -> None:
    from promotion.registry.adopt import plan_service

    begin, end, parsed = timestamp_of(since), timestamp_of(until), tag_of(tag)
    registry = open_for(parsed.model, dry_run=form.dry_run)
    plan = plan_service(registry.parts, parsed, begin, end, reason=reason)
    data = {"stated": tag, "since": begin.isoformat(), "until": end.isoformat()}
    if form.dry_run:
        return form.foresee(plan, data)
    registry.apply(plan)
    return form.say(data, f"Recorded your word that {tag} served from {written(begin)} to {written(end)}.")


def _adopt_all(model: str, form: _Form) -> None:
    from promotion.registry.adopt import plan_registrations
    from promotion.report.page import counted
    from promotion.vocabulary import Stage

    registry = open_for(model, dry_run=form.dry_run)
    plan = plan_registrations(registry.parts, model)
    tags, data = plan.registered, {"registered": plan.registered}
    if form.dry_run:
        return form.foresee(plan, data)
    registry.apply(plan)
    state, named = registry.state(model), f": {', '.join(tags)}" if tags else ""
    serving = state.in_stage(Stage.PROD) if state.champion is None else ()
    then = (
        f" To make {serving[0]} the champion, run `promotion adopt {serving[0]} --reason …` with --trained-before, "
        "--assume-clean or --trained-on-everything."
        if serving
        else ""
    )
    return form.say(data, f"Recorded {counted(len(tags), 'version')}{named}.{then}")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.3g} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:,.3g} kB"  # noqa: PLR2004 - of bytes
