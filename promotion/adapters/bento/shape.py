"""The fields that a description must have for BentoML to list it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

Holds = Callable[[Any], bool]
_OF_SIGNATURE = ("batchable", "batch_dim", "input_spec", "output_spec")


def unusable(description: Any) -> list[str]:
    """Return the keys that BentoML would fail on, in order; empty for a description that it lists."""
    if not isinstance(description, dict):
        return ["content"]
    return [key for key, rule in _RULES.items() if not rule(description.get(key, _ABSENT))]


class _Absent:
    """Marks a missing key, because None may be a valid value."""


_ABSENT = _Absent()


def _given(value: Any) -> bool:
    return value is not _ABSENT


def _is(*kinds: type) -> Holds:
    return lambda value: isinstance(value, kinds)


def _context(value: Any) -> bool:
    """Check the context; before 1.0, BentoML wrote `pip_dependencies` instead of the versions, and still reads it."""
    if not isinstance(value, dict) or "framework_name" not in value:
        return False
    return "pip_dependencies" in value or isinstance(value.get("framework_versions"), dict)


def _signatures(value: Any) -> bool:
    return value is _ABSENT or (isinstance(value, dict) and all(map(_signature, value.values())))


def _signature(value: Any) -> bool:
    """Check a signature: a table, or a text or list without key names, for which BentoML uses the defaults."""
    if isinstance(value, dict):
        return "batch_dim" not in value or _dimensions(value["batch_dim"])
    return isinstance(value, (str, list, set)) and not any(key in value for key in _OF_SIGNATURE)


def _dimensions(value: Any) -> bool:
    """Check the dimensions of input and output: each as accepted by Python's `int`; BentoML writes a list of two."""
    try:
        return len([int(one) for one in value]) == 2  # noqa: PLR2004 - rows and columns
    except (TypeError, ValueError, OverflowError):
        return False


def _metadata(value: Any) -> bool:
    try:
        return _entries(dict(value))
    except (TypeError, ValueError):
        return False


def _entries(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, (str, int, float)) and _entries(one) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_entries, value))
    return isinstance(value, (str, bytes, int, float, date))


def _moment(value: Any) -> bool:
    if not isinstance(value, str):
        return isinstance(value, datetime)
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_RULES: Mapping[str, Holds] = {
    "name": _is(str),
    "version": _is(str),
    "module": _given,
    "labels": _is(dict),
    "options": _is(dict),
    "metadata": _metadata,
    "context": _context,
    "signatures": _signatures,
    "api_version": _given,
    "creation_time": _moment,
}
