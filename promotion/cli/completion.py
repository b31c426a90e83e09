"""Names that a shell completes: models, versions and decisions. Nothing is completed if they cannot be read."""

import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promotion.registry.registry import Registry

_HEXADECIMAL = re.compile(r"[0-9a-f]+")


def model_names(incomplete: str) -> list[str]:
    """Return the configured and recorded models that begin like this."""
    found: list[str] = []
    with suppress(Exception):  # a shell that completes has no place for an error
        found = [name for name in _opened().models() if name.startswith(incomplete)]
    return found


def tags(incomplete: str) -> list[str]:
    """Return the versions that begin like this: of one model, those that the ledger or the store has; else the models.

    Reads the newest checkpoint of the ledger and the entries after it, and the names of the folders in the store.
    """
    found: list[str] = []
    with suppress(Exception):
        found = [tag for tag in _tags(_opened(), incomplete) if tag.startswith(incomplete)]
    return found


def tags_or_files(incomplete: str) -> list[str]:
    """Return the versions that begin like this; nothing for an empty text, so that the shell completes file names."""
    return tags(incomplete) if incomplete else []


def tags_and_decisions(incomplete: str) -> list[str]:
    """Return the versions that begin like this, and the IDs of decisions."""
    found = tags(incomplete)
    if _HEXADECIMAL.fullmatch(incomplete):
        with suppress(Exception):
            registry = _opened()
            states = map(registry.state, registry.ledger.models())
            found += [digits for state in states for _, digits in state.decisions if digits.startswith(incomplete)]
    return list(dict.fromkeys(found))


def _opened() -> "Registry":
    from promotion.assembly import open_registry

    return open_registry(notice=lambda _: None)


def _tags(registry: "Registry", incomplete: str) -> Iterable[str]:
    from promotion.vocabulary import Tag

    model, colon, _ = incomplete.partition(":")
    models = [model] if colon else [name for name in registry.models() if name.startswith(model)]
    if len(models) != 1:
        return [f"{name}:" for name in models]
    recorded = registry.state(models[0]).versions.stages
    folder = registry.store.path(Tag(models[0], "any")).parent
    stored = [f"{models[0]}:{one.name}" for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []
    return dict.fromkeys((*recorded, *stored))


@contextmanager
def words_with_colons() -> Iterator[list[str]]:
    """Join the words that bash splits at colons, and leave out of the answer what it has before the last colon.

    Yields:
        The words after `promotion`.
    """
    words = os.environ.get("COMP_WORDS", "").split("\n")
    place = int(os.environ.get("COMP_CWORD", "0"))
    joined: list[str] = []
    for number, word in enumerate(words):
        glued = number > 1 and ":" in (word, words[number - 1]) and number <= place
        joined[-1:] = [joined[-1] + word] if glued else [*joined[-1:], word]
        if number == place:
            break
    before = joined[-1].rpartition(":")[0] + ":" if len(joined) <= place else ""
    os.environ |= {"COMP_WORDS": "\n".join(joined), "COMP_CWORD": str(len(joined) - 1)}
    answer = io.StringIO()
    try:
        with redirect_stdout(answer):
            yield joined[1:]
    finally:
        sys.stdout.write("".join(line.removeprefix(before) for line in answer.getvalue().splitlines(keepends=True)))
