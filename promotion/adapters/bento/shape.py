"""What a description must hold for BentoML to list it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

Rule = Callable[[Any], bool]


def unusable(description: Any) -> list[str]:
    """The keys that BentoML would fail on, in order; empty for a description that it lists."""
    if not isinstance(description, dict):
        return ["content"]
    return [key for key, rule in _RULES.items() if not rule(description.get(key, _ABSENT))]


class _Absent:
    """What stands for a key that is not there; None may be."""


_ABSENT = _Absent()


def _given(value: Any) -> bool:
    return value is not _ABSENT


def _is(*kinds: type) -> Rule:
    return lambda value: isinstance(value, kinds)


def _context(value: Any) -> bool:
    return isinstance(value, dict) and "framework_name" in value and isinstance(value.get("framework_versions"), dict)


def _signatures(value: Any) -> bool:
    return value is _ABSENT or (isinstance(value, dict) and all(map(_signature, value.values())))


def _signature(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    dimensions = value.get("batch_dim", 0)
    both = dimensions if isinstance(dimensions, list) else [dimensions, dimensions]
    return len(both) == 2 and all(isinstance(one, int) for one in both)  # noqa: PLR2004 - of input and output


def _metadata(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, (str, int, float)) and _metadata(one) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_metadata, value))
    return isinstance(value, (str, bytes, int, float, date))


def _moment(value: Any) -> bool:
    if not isinstance(value, str):
        return isinstance(value, datetime)
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_RULES: Mapping[str, Rule] = {
    "name": _is(str),
    "version": _is(str),
    "module": _given,
    "labels": _is(dict),
    "options": _is(dict),
    "metadata": lambda value: isinstance(value, dict) and _metadata(value),
    "context": _context,
    "signatures": _signatures,
    "api_version": _given,
    "creation_time": _moment,
}
