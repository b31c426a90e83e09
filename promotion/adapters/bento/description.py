"""A version's `model.yaml`: read as untrusted input, and changed only in its stage."""

import contextlib
import errno
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.adapters.bento.shape import unusable
from promotion.vocabulary import Stage, Tag

if TYPE_CHECKING:
    from collections.abc import Callable

    import yaml

DESCRIPTION = "model.yaml"
LIMIT = 2**20
"""Maximum bytes of a description, and of the text that its aliases may add."""

_NO_FILE = {errno.ELOOP, errno.ENOTDIR, errno.ENXIO}
_LONGEST_NUMBER = 4300  # Python's limit for parsing integers
_DEEPEST = 100
_DEEPEST_LISTED = 600  # Python's recursion limit, at which BentoML's listing fails
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_TOO_LARGE = (
    f"has a model.yaml of more than {LIMIT // 2**20} MiB, which `promotion` does not read, although BentoML may list it"
)
_BOMB = f"has a model.yaml whose aliases add more than {LIMIT // 2**20} MiB when it is read"
_PLAIN = re.compile(r"[\n \"$-~]*")
_FEW, _TEXT = 60, "tag:yaml.org,2002:str"
LINKED = "is reached through a symbolic link, and `promotion` never writes through a link"


class DamagedDescription(Exception):
    """The text does not describe a model; the message gives the reason, to follow the version's name.

    Attributes:
        listed: whether BentoML may still list the version, so that it is not a foreign file.
    """

    def __init__(self, message: str, *, listed: bool = False) -> None:
        self.listed = listed
        super().__init__(message)


def read(folder: Path, tag: Tag) -> dict[str, Any]:
    """Read the description of the version in a folder.

    Raises:
        DamagedDescription: BentoML could not list it, or would list it as another version.
        OSError: this user cannot read it now, which says nothing about the version.
    """
    text = text_of(folder)
    return checked(_parsed(text, _loader("SafeLoader", text)), tag)


def read_twice(folder: Path, tag: Tag) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a description as `read` and as `strings` do; of a simple text, parses it once."""
    text = text_of(folder)
    if not _is_simple(text):
        return read(folder, tag), strings(folder)
    node = _parsed(text, _loader("SafeLoader", text), build=lambda node, reading: (_built(node, reading), _texts(node)))
    found, texts = node or (None, {})
    return checked(found, tag), texts


def checked(description: Any, tag: Tag) -> dict[str, Any]:
    """Check that a description is that of a version."""
    wrong = unusable(description)
    if wrong:
        raise DamagedDescription(f"has a model.yaml that does not describe a model: no usable {', '.join(wrong)}")
    if (description["name"], description["version"]) != (tag.model, tag.version):
        said = f"{description['name']}:{description['version']}"
        message = f"has a model.yaml that names {said[:130]!r}: the folder was copied or renamed by hand"
        raise DamagedDescription(message)
    found: dict[str, Any] = description
    return found


def mentions(folder: Path, word: str) -> bool:
    """Return quickly whether the description in a folder may contain a word; False for one that cannot be read."""
    try:
        text = text_of(folder)
    except (DamagedDescription, OSError):
        return False
    return word in text or "\\" in text  # an escape may encode it


def strings(folder: Path) -> dict[str, Any]:
    """Return the description with every value as a string; for a version that was read before.

    Raises:
        DamagedDescription: it is no longer complete.
        OSError: it cannot be read now.
    """
    text = text_of(folder)
    description = _parsed(text, _loader("BaseLoader", text))
    if not isinstance(description, dict):
        raise DamagedDescription("has a model.yaml that changes while it is read")
    return description


def with_stage(text: str, stage: Stage) -> str:
    """Return the text with another label `stage`.

    Only that word changes: comments, order and the spelling of dates and numbers stay, and so does
    the version's digest. If YAML's syntax prevents this, the whole text is rewritten.

    Raises:
        DamagedDescription: it cannot be read.
    """
    import yaml

    before = _parsed(text, yaml.BaseLoader)
    edited = _edited(text, stage)
    with contextlib.suppress(DamagedDescription):
        if _parsed(edited, yaml.BaseLoader) == {**before, "labels": {**before["labels"], "stage": stage.value}}:
            return edited
    description = _parsed(text, yaml.SafeLoader)
    description["labels"] = {**description["labels"], "stage": stage.value}
    return yaml.safe_dump(description, sort_keys=False, allow_unicode=True)


def torn_sentence(tag: Tag, damage: DamagedDescription, folder: Path) -> str:
    """Describe what is wrong with a version and how to fix it."""
    if damage.listed:
        return f"{tag} {damage}. Save the model again with less in its metadata."
    way_out = "Move the folder" if str(damage) != LINKED else "Replace the link with the files, or move"
    return f"{tag} {damage}. {way_out} {folder} out of the store."


def text_of(folder: Path) -> str:
    """Return the text of the description in a folder.

    Raises:
        DamagedDescription: it is missing or too large.
        OSError: it cannot be read now.
    """
    data = _bytes(folder / DESCRIPTION)
    if len(data) > LIMIT:
        raise DamagedDescription(_TOO_LARGE, listed=True)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedDescription(f"has a model.yaml that cannot be read ({error})") from error


def _bytes(path: Path) -> bytes:
    """Read up to one byte more than the size limit, without waiting on a pipe."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        message = "has no model.yaml: its save was cut short, and BentoML cannot list any model while it is there"
        raise DamagedDescription(message) from error
    except OSError as error:
        if error.errno in _NO_FILE:
            raise DamagedDescription("has a model.yaml that is not a file") from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise DamagedDescription("has a model.yaml that is not a file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(LIMIT + 1)
    finally:
        os.close(handle)


def _loader(name: str, text: str) -> Any:
    """Return PyYAML's loader of this name, or libyaml's for a text that both parse alike.

    libyaml is ten times faster than BentoML's reader, but parses texts with tags (`!`) or comments differently.
    """
    import yaml

    exact = getattr(yaml, name)
    return getattr(yaml, f"C{name}", exact) if _PLAIN.fullmatch(text) else exact


def _parsed(text: str, loader: Any, build: "Callable[[yaml.Node, Any], Any] | None" = None) -> Any:
    """Parse the single document of a text; it is built only after its size is checked.

    `build` makes the value of a simple text from its node and its reader.
    """
    reading, simple = None, _is_simple(text)
    try:
        if not simple:
            _see_that_it_is_shallow(text)
        reading = loader(text)
        node = reading.get_single_node()
        if simple and node is not None:
            return (build or _built)(node, reading)
        _see_that_it_is_small(node, text)
        return None if node is None else reading.construct_document(node)
    except DamagedDescription:
        raise
    except Exception as error:  # YAML also raises errors of int(), date() and recursion
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise DamagedDescription(f"has a model.yaml that cannot be read ({first[:200]})") from error
    finally:
        if reading is not None:
            reading.dispose()


def _is_simple(text: str) -> bool:
    """Whether a text is short and has no aliases, merged keys or tags, and cannot nest deeply: as BentoML writes it.

    Collections in blocks nest by indentation, at most two at each column, or by an indicator; others by a bracket.
    """
    if len(text) > _LONGEST_NUMBER or not _PLAIN.fullmatch(text) or any(sign in text for sign in "&*<"):
        return False
    nesting = sum(text.count(sign) for sign in ("- ", "-\n", "? ", "?\n", "[", "{"))
    return nesting <= _FEW and "\n" + " " * ((_DEEPEST - _FEW) // 2 - 1) not in f"\n{text}"


def _built(node: Any, reading: Any) -> Any:
    """Return the value of a node of a simple text; several times faster than the reader's own way."""
    if node.id == "mapping" and all(key.id == "scalar" for key, _ in node.value):
        return {_built(key, reading): _built(value, reading) for key, value in node.value}
    if node.id == "sequence":
        return [_built(value, reading) for value in node.value]
    return node.value if node.tag == _TEXT else reading.construct_object(node, deep=True)


def _texts(node: Any) -> Any:
    """Return the value of a node of a simple text, with every scalar as a string."""
    if node.id == "mapping" and all(key.id == "scalar" for key, _ in node.value):
        return {key.value: _texts(value) for key, value in node.value}
    if node.id == "sequence":
        return [_texts(value) for value in node.value]
    if node.id == "mapping":
        from yaml.constructor import ConstructorError

        raise ConstructorError(None, None, "found unhashable key", node.start_mark)
    return node.value


def _see_that_it_is_shallow(text: str) -> None:
    """Check the nesting depth: libyaml crashes the process on deep nesting, but its events are safe to read."""
    import yaml

    depth = deepest = 0
    for event in yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        deepest = max(deepest, depth)
        if deepest > _DEEPEST_LISTED:
            break
    if deepest > _DEEPEST:
        message = f"has a model.yaml that nests deeper than {_DEEPEST} levels"
        raise DamagedDescription(message, listed=deepest <= _DEEPEST_LISTED)


def _see_that_it_is_small(node: "yaml.Node | None", text: str) -> None:
    if node is not None and _size(node, {}) > LIMIT + 2 * len(text.encode()):
        raise DamagedDescription(_BOMB)


def _size(node: "yaml.Node", sizes: "dict[yaml.Node, float]") -> float:
    """Count bytes and nodes with all aliases expanded; infinite for a recursive node or an excessively long number."""
    import yaml

    if node in sizes:
        return sizes[node]
    sizes[node] = float("inf")
    if isinstance(node, yaml.ScalarNode):
        absurd = node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER
        sizes[node] = sizes[node] if absurd else 1 + len(node.value.encode())
    elif isinstance(node, yaml.MappingNode):
        sizes[node] = 1 + sum(_size(part, sizes) for pair in node.value for part in pair)
    else:
        sizes[node] = 1 + sum(_size(part, sizes) for part in node.value)
    return sizes[node]


def _edited(text: str, stage: Stage) -> str:
    """Replace the stage in the text, or insert it before the other labels."""
    import yaml

    root: Any = yaml.compose(text, yaml.SafeLoader)
    labels = next(value for key, value in reversed(root.value) if key.value == "labels")
    for key, value in reversed(labels.value):
        if key.value == "stage":
            start, end = value.start_mark.index, value.end_mark.index
            return f"{text[:start]}{stage if end > start else f' {stage}'}{text[end:]}"
    start = labels.start_mark.index
    if labels.flow_style:
        return f"{text[: start + 1]}stage: {stage}{', ' if labels.value else ''}{text[start + 1 :]}"
    return f"{text[:start]}stage: {stage}\n{' ' * labels.start_mark.column}{text[start:]}"
