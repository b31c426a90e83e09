"""What a failed command says: a sentence on standard error and, with `--json`, the same as JSON on standard output."""

import sys
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from promotion.cli.streams import answering, complain, is_unicode
from promotion.visible import visible_json


def fail(arguments: Sequence[str], error: BaseException, message: str, code: int, fields: Mapping[str, Any]) -> int:
    """Report an error in both forms; gives its exit code."""
    complain(message)
    return answer_error(arguments, error, message, code, fields)


def answer_error(
    arguments: Sequence[str], error: BaseException, message: str, code: int, fields: Mapping[str, Any]
) -> int:
    """If the arguments ask for JSON, write the error to standard output; gives its exit code.

    The attribute `kind` of an `UnknownName` becomes `what`, because `kind` is the class of the error.
    """
    if "--json" in takewhile(lambda one: one != "--", arguments):
        from promotion.canonical import plain

        kind = next(one.__name__ for one in type(error).__mro__ if not one.__name__.startswith("_"))
        public = {"what" if name == "kind" else name: value for name, value in fields.items() if name[0] != "_"}
        data = {"kind": kind, "message": str(message), "exit_code": code, **plain(public)}
        with answering():
            sys.stdout.write(visible_json({"error": data}, only_ascii=not is_unicode()) + "\n")
    return code
