"""Safe display of untrusted text: invisible and misleading characters are escaped.

A reason, a name, a slice's value or a column can contain terminal commands (`ESC [ 2 K` deletes a line), line breaks
that forge output lines, and marks that change the direction of writing (Trojan Source, CVE-2021-42574). Every renderer
calls `visible` on such text, and so does every error on its message; recorded text is unchanged.
"""

import json
import re
import unicodedata

_BREAKS = {"Cc", "Cs", "Zl", "Zp"}  # controls, lone surrogates, line and paragraph separators
_JOINERS = "\u200c\u200d"  # required by Persian, Hindi and emoji
_CODE = re.compile(r"(`[^`\n]+`)")
_MARKDOWN = re.compile(r"\\|\*|\](?=\()|(?<!\w)_|_(?!\w)|`")
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def visible(text: str) -> str:
    r"""Escape every character that has an invisible effect as Python does: `\x1b`, `\n`, `\u202e`.

    Letters of every script, spaces and emoji are unchanged. The function is idempotent.
    """
    return text if text.isprintable() else "".join(one if _is_seen(one) else _escape(one) for one in text)


class Lines(str):
    """A message of several lines, whose line breaks this library wrote; see `lines`."""

    __slots__ = ()


def lines(*parts: str) -> Lines:
    """Return the parts, one a line, each escaped like `visible`; leaves out empty parts."""
    return Lines("\n".join(visible(part) for part in parts if part))


def visible_message(text: str) -> str:
    """Escape a message like `visible`, except for the line breaks of `lines`."""
    return text if isinstance(text, Lines) else visible(text)


def visible_json(data: object, *, only_ascii: bool = False) -> str:
    """Return plain data as indented JSON that reads back exactly, with JSON escapes for what `visible` escapes.

    With `only_ascii`, escapes every other non-ASCII character too, for consoles without Unicode.

    Raises:
        ValueError: the data contains NaN or infinity.
    """
    return visible_in_json(json.dumps(data, indent=2, ensure_ascii=only_ascii, allow_nan=False))


def visible_in_json(text: str) -> str:
    """Return an equivalent JSON text with JSON escapes for what `visible` escapes."""
    return "\n".join(
        line if line.isprintable() else "".join(one if _is_seen(one) else json.dumps(one)[1:-1] for one in line)
        for line in text.split("\n")
    )


def escaped(text: str) -> str:
    """Return the text on one line, with Markdown and HTML syntax escaped; spans in backticks stay code."""
    parts = _CODE.split(visible(" ".join(text.split())))
    return "".join(part if _CODE.fullmatch(part) else _prose(part) for part in parts)


def quoted(reason: str) -> str:
    """Return a person's reason in quotes, for use in a sentence, which has a full stop of its own.

    >>> quoted("Merchants complain.")
    "'Merchants complain'"
    """
    return f"'{reason.rstrip().removesuffix('.')}'"


def as_cell(text: str) -> str:
    """Return the text as a CSV cell that spreadsheets display rather than compute.

    A text that begins with `=`, `+`, `-` or `@`, of any width, is prefixed with an apostrophe (OWASP, "CSV Injection").
    """
    return f"'{visible(text)}" if text.lstrip().startswith(_BEGINS_A_FORMULA) else visible(text)


def _prose(text: str) -> str:
    plain = text.replace("&", "&amp;").replace("<", "&lt;")
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}", plain)


def _is_seen(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cf":  # invisible, except joiners and the signs around numbers in Arabic
        return character in _JOINERS or unicodedata.bidirectional(character) == "AN"
    return category not in _BREAKS


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
