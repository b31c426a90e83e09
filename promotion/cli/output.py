"""What every command shares: opening the registry, options, and showing a value as words or as JSON."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.vocabulary import Verdict

if TYPE_CHECKING:
    from rich.console import RenderableType

    from promotion.registry.workflow import Registry

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
Model = Annotated[str, typer.Argument(help="Name of a model.", metavar="MODEL")]
AnyModel = Annotated[str | None, typer.Argument(help="Name of a model; all models when left out.", metavar="[MODEL]")]
TagText = Annotated[str, typer.Argument(help="A version, as MODEL:VERSION.", metavar="TAG")]
Reason = Annotated[str, typer.Option(help="Why, in one sentence, for the record.", metavar="TEXT")]

EXIT_CODES = {Verdict.PROMOTE: 0, Verdict.REJECT: 3, Verdict.HOLD: 4}
FOUND = 5


def open_here() -> "Registry":
    """The registry of the nearest configuration; what it notices goes to standard error."""
    from promotion.assembly import open_registry

    return open_registry(notice=notice)


def notice(sentence: str) -> None:
    """Tell a person what went on beside the main thing."""
    sys.stderr.write(f"Note: {sentence}\n")


def show(data: Any, view: "RenderableType", *, as_json: bool) -> None:
    """Write the data as JSON, or its view for people."""
    if as_json:
        sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        return
    from rich.console import Console

    # A pipe has no width: a table must not be cut to 80 columns there.
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=max(console.width, 140))
    console.print(view)


def models_of(registry: "Registry", model: str | None) -> tuple[str, ...]:
    """The model named, or all.

    Raises:
        UnknownName: it is neither configured nor recorded nor in the store.
    """
    from promotion.errors import UnknownName

    if model is None:
        return registry.models()
    known = tuple(dict.fromkeys((*registry.models(), *registry.store.models())))
    if model not in known:
        raise UnknownName("model", model, known)
    return (model,)
