"""What every command shares: opening the registry, options, and showing a value as words or as JSON."""

import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli.door import answering, is_unicode, keep_for_answers, tell_if_lost
from promotion.cli.door import notice as notice
from promotion.errors import PromotionError
from promotion.visible import visible_json
from promotion.vocabulary import Verdict

if TYPE_CHECKING:
    from promotion.policy import Decision
    from promotion.registry.registry import Registry
    from promotion.report.page import Page

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Write Markdown to standard output.")]
Model = Annotated[str, typer.Argument(help="Name of the model.", metavar="MODEL")]
AnyModel = Annotated[str | None, typer.Argument(help="Name of the model. Defaults to all models.", metavar="[MODEL]")]
TagText = Annotated[str, typer.Argument(help="The version, as MODEL:VERSION.", metavar="TAG")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what the command would do, without changing anything.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation prompt (required in scripts).")]
Reason = Annotated[str, typer.Option(help="The reason, in one sentence. Recorded in the ledger.", metavar="TEXT")]

StartAnew = Annotated[
    bool,
    typer.Option(
        "--start-anew", help="Ignore a champion that MLflow has and the ledger does not. Recorded in the ledger."
    ),
]
WhyAnew = Annotated[str | None, typer.Option("--reason", help="The reason for --start-anew.", metavar="TEXT")]

EXIT_CODES = {Verdict.PROMOTE: 0, Verdict.REJECT: 3, Verdict.HOLD: 4}
FOUND = 5
_NARROWEST, _PIPE = 40, 140


class Misuse(PromotionError):
    """Arguments or options that do not go together."""

    exit_code = 2


class Form(Enum):
    """How a command answers."""

    WORDS = "words"
    JSON = "json"
    MARKDOWN = "markdown"


def form_of(*, as_json: bool, as_markdown: bool = False) -> Form:
    """The form that the options ask for; asked before any work is done."""
    if as_json and as_markdown:
        raise Misuse("--json and --markdown both set the output format. Use only one of them.")
    return Form.JSON if as_json else Form.MARKDOWN if as_markdown else Form.WORDS


def anew(reason: str | None, *, start_anew: bool) -> str | None:
    """The reason of a fresh start; None where none is asked for."""
    if reason is not None and not start_anew:
        raise Misuse("--reason is only for --start-anew, which was not given. Leave out --reason, or give both.")
    if start_anew and reason is None:
        raise Misuse("--start-anew is recorded with a reason: --reason 'why'.")
    return reason


def exit_code(decision: "Decision") -> int:
    """0 promoted, 3 rejected, 4 held; a promotion that waits for a person is held."""
    return EXIT_CODES[Verdict.HOLD if decision.waits else decision.verdict]


def open_here() -> "Registry":
    """The registry of the nearest configuration; what it notices goes to standard error."""
    from promotion.assembly import open_registry

    keep_for_answers()
    return open_registry(notice=notice)


def show(data: Any, *pages: "Page", form: Form) -> None:
    """Write the data as JSON, or its pages for people; it is out when this returns."""
    with answering():
        if form is Form.JSON:
            sys.stdout.write(visible_json(data, only_ascii=not is_unicode()) + "\n")
        elif form is Form.MARKDOWN:
            from promotion.report.markdown import page_markdown

            sys.stdout.write(page_markdown(*pages))
        else:
            _print(*pages)


def show_decision(decision: "Decision", *, form: Form, dry_run: bool = False, **more: Any) -> int:
    """Write a decision, as JSON with `more` beside it; gives the exit code that it stands for."""
    from promotion.canonical import plain
    from promotion.report.decision import decision_page

    data = {**more, "dry_run": dry_run, "decision_id": decision.id, **plain(decision)}
    page = decision_page(decision, done=not dry_run)
    show(data, *dry(dry_run=dry_run), page, form=form)
    tell_if_lost((f"{page.verdict.text} {page.headline}.", *page.summary))
    return exit_code(decision)


def dry(*, dry_run: bool) -> "tuple[Page, ...]":
    """What the answer of a dry run begins with; nothing otherwise."""
    from promotion.report.page import Page

    return (Page(summary=("Dry run: nothing was changed.",)),) if dry_run else ()


def say(data: Any, *sentences: str, as_json: bool) -> None:
    """Write the data of what was done as JSON, or what it comes to as sentences."""
    from promotion.report.page import Page

    show(data, Page(summary=sentences), form=form_of(as_json=as_json))
    tell_if_lost(sentences)


def _print(*pages: "Page") -> None:
    from rich.console import Console

    from promotion.report.terminal import page_view

    # A pipe has no width: a table must not be cut to 80 columns there. One of a few columns shows a letter a line.
    console = Console(highlight=False, soft_wrap=False)
    console = Console(highlight=False, width=max(console.width, _NARROWEST if console.is_terminal else _PIPE))
    with console.capture() as written:
        console.print(page_view(*pages))
    sys.stdout.write(written.get())


def tell_other(registry: "Registry", model: str) -> None:
    """Say on standard error where the model in the store belongs to another ledger, which may know better."""
    from promotion.registry.champion import other_ledger

    other = other_ledger(registry.parts, model)
    if other:
        notice(other)


def models_of(registry: "Registry", model: str | None) -> tuple[str, ...]:
    """The model named, or all."""
    from promotion.errors import UnknownName

    if model is None:
        return registry.models()
    known = tuple(dict.fromkeys((*registry.models(), *registry.store.models())))
    if model not in known:
        raise UnknownName("model", model, known)
    return (model,)


def ours(registry: "Registry", model: str | None) -> tuple[str, ...]:
    """The model named; or all but those of other ledgers, of which it is told."""
    from promotion.registry.champion import other_ledger

    if model is not None:
        return models_of(registry, model)
    others = {name: other_ledger(registry.parts, name) for name in registry.models()}
    for told in filter(None, others.values()):
        notice(told)
    return tuple(name for name, told in others.items() if not told)
