"""Artifacts of a run in Prefect: the decision, its checks, links to model and training, and progress.

Artifacts are informational only. Outside a run, none is written; a failure to write one is logged and changes nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.logging import get_run_logger

from promotion.findings import Finding
from promotion.interfaces import Step
from promotion.number_format import figure
from promotion.policy import Check, Decision
from promotion.report.decision import decision_page
from promotion.report.markdown import page_markdown
from promotion.report.page import Page, quiet
from promotion.secrets import without_password
from promotion.visible import visible
from promotion.vocabulary import Tag
from registry_flows.under_prefect.client_retries import client_retries
from registry_flows.under_prefect.event_client import is_in_run
from registry_flows.under_prefect.links import PAGES, pages_of

if TYPE_CHECKING:
    from uuid import UUID

    from promotion.registry.registry import Registry

P = ParamSpec("P")
R = TypeVar("R")
_TRIES_AGAIN = 3  # Prefect's default of five, each after twice the time, would delay a gate by a minute
_AGREE = "The ledger, the labels, the files and MLflow agree."


def key_of(model: str, what: str) -> str:
    """Return the key of an artifact, in the characters that Prefect allows: `fraud-classifier-decision`."""
    return re.sub(r"[^a-z0-9]+", "-", f"{model}-{what}".lower()).strip("-")


def decision_artifacts(registry: "Registry", tag: Tag, decision: Decision) -> None:
    """Show a decision: a page with links to MLflow and to the training's run, and its checks as a table."""
    if not is_in_run():
        return
    description = f"Decision {decision.id} on {tag}"
    with _shown():
        version = registry.state(tag.model).versions[str(tag)]
        pages = pages_of(registry, version)
        places = (
            *_places(registry, tag, version.registration.run_id),
            f"Report: `promotion report {decision.id} --open`",
        )
        page = page_markdown(decision_page(decision), Page(notes=quiet(*places))) + _linked(pages)
        rows = [_row(check) for check in decision.checks]
        _write(create_markdown_artifact, page, key=key_of(tag.model, "decision"), description=description)
        _write(create_table_artifact, rows, key=key_of(tag.model, "checks"), description=f"{description}: its checks")
        for kind, link in pages.items():
            described = {"key": key_of(tag.model, kind), "description": f"{PAGES[kind]}: {tag}"}
            _write(create_link_artifact, link, PAGES[kind], **described)


def findings_artifact(model: str, findings: Sequence[Finding]) -> None:
    """Show an audit's findings as a table, or a sentence if there are none."""
    if not is_in_run():
        return
    key, description = key_of(model, "audit"), f"Audit of {model}"
    if not findings:
        quietly(create_markdown_artifact, _AGREE, key=key, description=description)
        return
    fields = ("code", "severity", "subject", "expected", "found", "mend")
    rows = [{name: visible(str(getattr(finding, name))) for name in fields} for finding in findings]
    quietly(create_table_artifact, rows, key=key, description=description)


def quietly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Write an artifact with one of Prefect's functions; None if it cannot be written."""
    with _shown():
        return _write(function, *args, **kwargs)


@contextmanager
def progress(tag: Tag, step: Step) -> Iterator[Step]:
    """Wrap a `Step` so that an artifact shows which part of a gate is running."""
    if not is_in_run():
        yield step
        return
    counting = _Counting(tag, step)
    yield counting
    counting.show("done", finished=True)


class _Counting:
    """Counts the parts of a gate as they run; stops showing progress after the first failure to do so."""

    def __init__(self, tag: Tag, step: Step) -> None:
        self._tag, self._step = tag, step
        self._done, self._total = 0, 6  # clean, score both, footprint, weigh, decide
        self._artifact: UUID | None = None
        self._gave_up = False

    def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Show which part is next, and run it."""
        self.show(_words(function.__name__, args))
        result = self._step(function, *args, **kwargs)
        self._done += 1
        return result

    def show(self, doing: str, *, finished: bool = False) -> None:
        """Show what is running now."""
        if self._gave_up:
            return
        share = 100.0 if finished else min(99.0, 100.0 * self._done / self._total)
        description = f"Gate of {self._tag}: {doing}"
        self._gave_up = True
        with _shown(tries_again=0):
            if self._artifact is None:
                key = key_of(self._tag.model, "gate-progress")
                self._artifact = _write(create_progress_artifact, share, key, description)
            else:
                _write(update_progress_artifact, self._artifact, share, description)
            self._gave_up = False


def _words(name: str, args: Sequence[Any]) -> str:
    """Describe a part of a gate by its function's name; returns the name itself if it is not known."""
    match name, args:
        case "clean_holdout", _:
            return "excluding rows that either model was trained on"
        case "score_version", (side, _, rows):
            return f"scoring {len(rows):,} rows with the {side.role}"
        case "footprint", _:
            return "measuring the serving cost"
        case "weigh", _:
            return "comparing the scores"
        case "decide", _:
            return "deciding"
    return name


@contextmanager
def _shown(tries_again: int = _TRIES_AGAIN) -> Iterator[None]:
    """Write artifacts of the present run; if that fails, log a warning and go on.

    Retries `tries_again` times, after 2, 4, 8 … seconds.
    """
    try:
        with client_retries(tries_again):
            yield
    except Exception as error:  # errors of httpx and Prefect
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        get_run_logger().warning("An artifact could not be written (%s); the run continues.", without_password(first))


def _write(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a Prefect function that is sync or async depending on its caller, always as sync."""
    return function(*args, **kwargs, _sync=True)


def _linked(pages: Mapping[str, str]) -> str:
    return "\n" + "\n".join(f"- [{PAGES[kind]}]({link})" for kind, link in pages.items()) + "\n" if pages else ""


def _places(registry: "Registry", tag: Tag, run_id: str | None) -> tuple[str, str]:
    """Return where the model and its training are stored, for readers of the page."""
    files = f"Bento model `{tag}`, files in `{registry.store.path(tag)}`"
    return files, f"MLflow run `{run_id}`" if run_id else ""


def _row(check: Check) -> dict[str, str]:
    """Return a check as a row; numbers come before the sentence, which a narrow window cuts off."""
    numbers = {"value": check.value, "bound": check.bound, "required": check.required}
    shown = {name: "" if number is None else figure(number) for name, number in numbers.items()}
    why = visible(check.reason)
    return {"check": visible(check.name), "outcome": check.outcome.replace("_", " "), **shown, "why": why}
