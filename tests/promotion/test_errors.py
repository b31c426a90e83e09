"""Every error is a sentence with fields, and is unchanged after pickling."""

import copy
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest

import promotion
import registry_flows
from promotion.errors import (
    AmbiguousColumn,
    BadTag,
    ConfigError,
    Conflict,
    DataError,
    DigestMismatch,
    LedgerError,
    MirrorError,
    PromotionError,
    Refused,
    StoreError,
    UnclearTime,
    UnknownName,
)
from promotion.parsing import NotConverted
from promotion.policy import Policy
from promotion.registry.foreign_aliases import UnknownChampion
from promotion.visible import lines, visible_message
from promotion.vocabulary import Tag
from registry_flows.flows.retrain_all import SomeFailed

SAID = "It is so. Do this."
TAG = Tag("fraud", "abc")
MOMENT = datetime(2025, 3, 30, 1, 30, tzinfo=UTC)
OF_THEIR_OWN: dict[type[PromotionError], tuple[PromotionError, dict[str, Any]]] = {
    UnknownName: (
        UnknownName("metric", "prauc", iter(["pr_auc", "f1"]), hint="Look."),
        {"kind": "metric", "name": "prauc", "known": ("pr_auc", "f1"), "way_out": "Did you mean 'pr_auc'?"},
    ),
    BadTag: (
        BadTag("Fraud", "fraud:1"),
        {"kind": "tag", "name": "Fraud", "known": (), "way_out": "", "is_model": False},
    ),
    UnclearTime: (UnclearTime("1:30", [MOMENT, MOMENT], twice=True), {"text": "1:30", "readings": (MOMENT, MOMENT)}),
    AmbiguousColumn: (
        AmbiguousColumn("The file", "a", [1, 3]),
        {"name": "a", "column": "a", "places": (1, 3), "path": None},
    ),
    NotConverted: (
        NotConverted(SAID, Path("a.csv"), "a", "x"),
        {"path": Path("a.csv"), "column": "a", "value": "x"},
    ),
    DigestMismatch: (
        DigestMismatch(TAG, "1" * 64, "2" * 64),
        {"tag": str(TAG), "path": None, "expected": "1" * 64, "found": "2" * 64},
    ),
    Conflict: (Conflict("fraud", 7, "ada"), {"model": "fraud", "seq": 7, "by": "ada"}),
    UnknownChampion: (
        UnknownChampion("fraud", {"champion": "fraud:abc"}),
        {"aliases": {"champion": "fraud:abc"}, "model": "fraud", "tag": None},
    ),
    SomeFailed: (SomeFailed([]), {"outcomes": ()}),
}
PLAIN: dict[type[PromotionError], dict[str, Any]] = {
    ConfigError: {"key": "limits.max_size_mb", "path": Path("promotion.toml")},
    DataError: {"path": Path("rows.csv"), "column": "isFraud"},
    StoreError: {"tag": str(TAG), "path": Path("models")},
    LedgerError: {"model": "fraud", "seq": 7},
    Refused: {"tag": str(TAG), "model": "fraud"},
    MirrorError: {"model": "fraud", "seq": 7},
    PromotionError: {},
}


def _every(kind: type[PromotionError]) -> Iterator[type[PromotionError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _every(each)


def _kinds() -> list[type[PromotionError]]:
    for package in (promotion, registry_flows):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:  # only Alembic runs these
                import_module(module.name)
    return [kind for kind in _every(PromotionError) if kind.__module__.startswith(("promotion", "registry_flows"))]


def _example(kind: type[PromotionError]) -> tuple[PromotionError, dict[str, Any]]:
    """One with all its fields, and the fields."""
    if kind in OF_THEIR_OWN:
        return OF_THEIR_OWN[kind]
    fields = next(fields for base, fields in PLAIN.items() if issubclass(kind, base))
    return kind(SAID, **fields), fields


def test_every_error_keeps_its_text_and_fields_when_pickled_or_copied() -> None:
    for kind in _kinds():
        error, fields = _example(kind)
        for found in (error, pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            assert type(found) is kind
            assert str(found) == str(error) == error.args[0] != ""
            assert vars(found) == fields, kind


def test_a_bare_message_leaves_every_field_empty() -> None:
    for kind, fields in PLAIN.items():
        assert vars(kind(SAID)) == dict.fromkeys(fields)


def test_fields_say_what_the_sentence_is_about() -> None:
    with pytest.raises(ConfigError, match=r"^'limits.max_size_mb' must be a finite number above 0") as raised:
        Policy.from_toml({"limits": {"max_size_mb": 0}})
    assert raised.value.key == "limits.max_size_mb"
    assert Refused(SAID, tag=TAG).model == "fraud"


def test_a_mistake_in_a_file_names_its_key_and_the_file(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text('[primary]\nmetric = "roc_auc"\nmin_gian = 1\n')
    with pytest.raises(ConfigError, match=r"unknown key 'min_gian' .*did you mean 'min_gain'\?") as raised:
        promotion.Policy.from_toml(file)
    assert (raised.value.key, raised.value.path) == ("primary.min_gian", file)
    file.write_text("[primary")
    with pytest.raises(ConfigError, match="is not valid TOML") as raised:
        promotion.Policy.from_toml(file)
    assert raised.value.path == file


@pytest.mark.parametrize(
    "kind", [PromotionError, ConfigError, DataError, StoreError, LedgerError, Refused, MirrorError]
)
def test_a_message_has_only_line_breaks_of_ours_also_after_pickling(kind):
    for error in (kind("a\x1b\nb"), pickle.loads(pickle.dumps(kind("a\x1b\nb")))):
        assert str(error) == r"a\x1b\nb"
    for error in (kind(lines("a\nb", "", "c")), pickle.loads(pickle.dumps(kind(lines("a\nb", "", "c"))))):
        assert (str(error), visible_message(error.args[0])) == ("a\\nb\nc", "a\\nb\nc")
