"""What every command shares: opening the registry, options, and showing a value as words or as JSON."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from fnmatch import fnmatchcase
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli.completion import model_names, tags
from promotion.cli.progress import be_quiet, show_progress
from promotion.cli.streams import answering, is_unicode, keep_for_answers, tell_if_lost
from promotion.cli.streams import notice as notice
from promotion.errors import PromotionError
from promotion.visible import visible_json
from promotion.vocabulary import Verdict

if TYPE_CHECKING:
    from promotion.policy import Decision
    from promotion.registry.registry import Registry
    from promotion.report.page import Page
    from promotion.vocabulary import Tag

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.", callback=be_quiet)]
"""For a parameter `_quiet`: its callback does all."""
Markdown = Annotated[bool, typer.Option("--markdown", help="Write Markdown to standard output.")]
Model = Annotated[str, typer.Argument(help="Name of the model.", metavar="MODEL", autocompletion=model_names)]
AnyModel = Annotated[
    str | None,
    typer.Argument(
        help="A model, or a pattern like 'team_*' in quotes. Defaults to all models.",
        metavar="[MODEL]",
        autocompletion=model_names,
    ),
]
TagText = Annotated[str, typer.Argument(help="The version, as MODEL:VERSION.", metavar="TAG", autocompletion=tags)]
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
_NARROWEST, _ENDLESS = 20, 1_000_000


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
        raise Misuse("--start-anew needs a reason, which is recorded. Add --reason 'why'.")
    return reason


def exit_code(decision: "Decision") -> int:
    """0 promoted, 3 rejected, 4 held; a promotion that waits for a person is held."""
    return EXIT_CODES[Verdict.HOLD if decision.waits else decision.verdict]


def open_here() -> "Registry":
    """The registry of the nearest configuration; what it notices goes to standard error."""
    from promotion.assembly import open_registry

    keep_for_answers()
    return open_registry(notice=notice, progress=show_progress)


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
    from promotion.report.folding import sentence_lines

    lines = sentence_lines(pages, width())
    sys.stdout.write("".join(f"{line}\n" for line in (_drawn(*pages) if lines is None else lines)))


def _drawn(*pages: "Page") -> Iterable[str]:
    """The lines of pages with tables or colours."""
    from rich.console import Console

    from promotion.report.terminal import page_view

    console = Console(highlight=False, width=width())
    with console.capture() as written:
        console.print(page_view(*pages), crop=False)
    return (line.rstrip(" ") for line in written.get().splitlines())


def width() -> int:
    """The width to fold output to: COLUMNS, else that of the terminal. Output to a pipe or a file is not folded."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return max(int(columns), _NARROWEST)
    return max(get_terminal_size().columns, _NARROWEST) if sys.stdout.isatty() else _ENDLESS


def tell_other(registry: "Registry", model: str) -> bool:
    """Say on standard error that the model in the store belongs to another ledger; return whether it does."""
    from promotion.registry.champion import other_ledger

    told = other_ledger(registry.parts, model)
    if told:
        notice(told)
    return bool(told)


def tell_ledger(registry: "Registry", model: str) -> None:
    """Say on standard error that the model in the store belongs to another ledger, or that there is no ledger yet."""
    from promotion.registry.champion import missing_ledger

    if not tell_other(registry, model) and (missing := missing_ledger(registry.parts)):
        notice(missing)


def tag_of(text: str) -> "Tag":
    """Return the tag that a text is.

    Raises:
        BadTag: it is no tag; says so if it is the name of a model.
    """
    from promotion.errors import BadTag
    from promotion.vocabulary import Tag

    try:
        return Tag.parse(text)
    except BadTag as error:
        models: tuple[str, ...] = ()
        with suppress(PromotionError):
            models = open_here().models()
        raise (BadTag(text, is_model=True) if text in models else error) from None


def models_of(registry: "Registry", model: str | None) -> tuple[str, ...]:
    """Return the model with this name, those that match a pattern such as `team_*`, or all.

    Raises:
        Misuse: no model is named, and none is configured or recorded.
        UnknownName: no such model is configured or recorded or in the store.
    """
    names = registry.models()
    nothing = f"No model is configured or recorded in {registry.config.root}."
    if model is None and not names:
        raise Misuse(f"{nothing} Run the command in the folder of promotion.toml, or name a model.")
    if model is None:
        return names
    here = "" if names else f"{nothing} Run the command in the folder of promotion.toml."
    return matching(model, dict.fromkeys((*names, *registry.store.models())), hint=here)


def matching(model: str, known: Iterable[str], *, hint: str = "") -> tuple[str, ...]:
    """Return the known names that a name or a pattern such as `team_*` matches.

    Raises:
        UnknownName: there is none.
    """
    from promotion.errors import UnknownName

    pattern, known = is_pattern(model), tuple(known)
    found = tuple(name for name in known if (fnmatchcase(name, model) if pattern else name == model))
    if not found:
        raise UnknownName("model that matches" if pattern else "model", model, known, hint=hint)
    return found


def is_pattern(model: str | None) -> bool:
    """Return whether the text can match several models."""
    return model is not None and not set("*?[").isdisjoint(model)


def ours(registry: "Registry", model: str | None) -> tuple[str, ...]:
    """Return the model with this name; of a pattern or all, those that no other ledger owns, with a notice for each."""
    from promotion.registry.champion import other_ledger

    names = models_of(registry, model)
    if model is not None and not is_pattern(model):
        return names
    others = {name: other_ledger(registry.parts, name) for name in names}
    for sentence in filter(None, others.values()):
        notice(sentence)
    return tuple(name for name, sentence in others.items() if not sentence)
