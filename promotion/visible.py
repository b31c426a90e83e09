"""Text of others made safe to show: what a reader could not see, or would be misled by, is written out.

A reason, a name, a slice's value or a column can hold terminal commands (`ESC [ 2 K` deletes a line), line breaks that
forge a line of ours, and marks that turn the direction of writing (Trojan Source, CVE-2021-42574). Every rendering of
words calls `visible`; what is recorded stays as it was given.
"""

import json
import unicodedata

_BREAKS = {"Cc", "Cs", "Zl", "Zp"}  # controls, lone surrogates, line and paragraph separators
_JOINERS = "\u200c\u200d"  # Persian, Hindi and emoji are spelled with them
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def visible(text: str) -> str:
    r"""The text with every character that acts and is not seen written as Python writes it: `\x1b`, `\n`, `\u202e`.

    Letters of every script, spaces and emoji stay as they are. Calling it twice is calling it once.
    """
    return text if text.isprintable() else "".join(one if _is_seen(one) else _escape(one) for one in text)


def visible_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return "\n".join(map(visible, text.split("\n")))


def visible_json(data: object, *, only_ascii: bool = False) -> str:
    """Plain data as indented JSON that reads back exactly, with what `visible` writes out as JSON's own escapes.

    Args:
        data: dicts, lists, strings, numbers, None.
        only_ascii: write every other letter as an escape too, for a console that has no Unicode.

    Raises:
        ValueError: the data holds NaN or an infinity.
    """
    return visible_in_json(json.dumps(data, indent=2, ensure_ascii=only_ascii, allow_nan=False))


def visible_in_json(text: str) -> str:
    """A JSON text that means the same, with what `visible` writes out as JSON's own escapes."""
    return "\n".join(
        line if line.isprintable() else "".join(one if _is_seen(one) else json.dumps(one)[1:-1] for one in line)
        for line in text.split("\n")
    )


def as_cell(text: str) -> str:
    """The text as a cell of a CSV file that a spreadsheet shows rather than computes.

    One that begins with `=`, `+`, `-` or `@`, of any width, gets an apostrophe before it (OWASP, "CSV Injection").
    """
    return f"'{visible(text)}" if text.lstrip().startswith(_BEGINS_A_FORMULA) else visible(text)


def _is_seen(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cf":  # invisible, but for joiners and the signs that Arabic sets around numbers
        return character in _JOINERS or unicodedata.bidirectional(character) == "AN"
    return category not in _BREAKS


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
