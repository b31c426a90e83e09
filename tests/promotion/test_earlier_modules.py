"""Pickles of public values, written by release 0.1.0, which named its modules otherwise, are read."""

import json
import pickle
from base64 import b64decode
from pathlib import Path

import pytest

import promotion
from promotion.ledger.chain import Entry
from promotion.ledger.folding import fold
from promotion.registry.registry import Registry

EARLIER = json.loads(Path(__file__).with_name("earlier_values.json").read_text("ascii"))


def read(name):
    return pickle.loads(b64decode(EARLIER[name]))


@pytest.mark.parametrize("name", ["comparison", "decision", "policy", "split", "tag", "trained", "version"])
def test_a_value_is_of_the_class_of_today(name):
    assert type(read(name)) is getattr(promotion, name.capitalize())


def test_a_decision_follows_again_from_its_comparison_and_policy():
    assert promotion.decide(read("comparison"), read("policy")).verdict is read("decision").verdict


def test_entries_fold_and_hold_what_they_held():
    entries = read("entries")
    assert {type(entry) for entry in entries} == {Entry}
    assert [entry.content() for entry in entries] == read("contents")
    assert fold("toy", entries).champion.tag == str(read("version").tag)


def test_a_name_that_never_was_is_an_error():
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec("from promotion.judgement import nothing")
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'promotion\.judgement\.nothing'"):
        exec("import promotion.judgement.nothing")


def test_the_method_for_gc_still_has_its_earlier_name():
    assert Registry.collect is Registry.gc
