"""Rollbacks: to the previous champion, to a version, to a moment."""

from datetime import datetime, timedelta

import pytest
from situation import faults, kinds, stages, toy

from promotion.errors import (
    DigestMismatch,
    Refused,
    UnknownName,
)
from promotion.vocabulary import Tag

pytestmark = pytest.mark.integration


class TestRollback:
    def test_to_a_version_cuts_the_line_there(self, registry_after_three_champions):
        registry = registry_after_three_champions
        plan = registry.rollback("toy", reason="r", to=toy("weak"))
        assert (plan.champion, plan.cause) == ("toy:weak", "rollback")
        assert registry.state("toy").line == ("toy:weak",)
        assert registry.rollback("toy", reason="r", to=toy("twin")).champion == "toy:twin"
        assert registry.state("toy").line == ("toy:weak", "toy:twin")

    def test_versions_may_be_named_by_text(self, registry_after_three_champions):
        registry = registry_after_three_champions
        last = registry.state("toy").champion.tag
        first = registry.state("toy").line[0]
        assert registry.rollback("toy", to=first, reason="as asked").champion == first
        registry.readmit(last, reason="as asked")
        assert registry.gate(last).challenger.tag == last
        assert {one.metric for one in registry.compare(first, last).metrics} >= {"roc_auc"}
        with pytest.raises(UnknownName, match="A tag is MODEL:VERSION in lower case"):
            registry.gate("toy")

    def test_to_a_moment_is_to_whom_served_then(self, registry_after_three_champions):
        registry = registry_after_three_champions
        moments = [
            datetime.fromisoformat(entry.at) for entry in registry.history("toy") if entry.kind == "transition_planned"
        ]
        for moment, version in ((moments[1], "good"), (moments[0], "weak"), (moments[1], "good")):
            assert registry.rollback("toy", reason="r", at=moment).champion == f"toy:{version}"
        with pytest.raises(
            Refused, match=r"^toy:good already serves \(since .* UTC\), so there is nothing to roll back\.$"
        ):
            registry.rollback("toy", reason="r", at=moments[1] + timedelta(seconds=1))
        with pytest.raises(
            Refused, match=r"^No version of 'toy' served at .*: the first champion, toy:weak, has served since 2"
        ):
            registry.rollback("toy", reason="r", at=moments[0] - timedelta(days=1))

    def test_to_whom_it_cannot_go_is_a_sentence_and_nothing_moves(self, registry_after_three_champions):
        registry = registry_after_three_champions
        registry.register(toy("noisy"))
        before = kinds(registry)
        for to, error, sentence in (
            (toy("twin"), Refused, r"^toy:twin already serves \(since "),
            (toy("noisy"), Refused, r"^toy:noisy has never served, so .*, or against the rules with --override\.$"),
            (toy("spoilt"), UnknownName, r"^There is no registered version 'toy:spoilt'\."),
            (Tag("other", "a"), Refused, r"^other:a is a version of 'other', but the model to roll back is 'toy'\.$"),
        ):
            with pytest.raises(error, match=sentence):
                registry.rollback("toy", reason="r", to=to)
        with pytest.raises(Refused, match=r"^Roll back to a version or to a time: use --to or --at, not both\.$"):
            registry.rollback("toy", reason="r", to=toy("weak"), at=datetime.fromisoformat("2026-11-22T12:00Z"))
        assert kinds(registry) == before


def test_rollback_goes_back_step_by_step_and_labels_follow(registry_after_three_champions):
    registry = registry_after_three_champions
    registry.rollback("toy", reason="complaints since noon")
    assert stages(registry) == {"weak": "archived", "good": "prod", "twin": "archived"}
    registry.rollback("toy", reason="still")
    assert stages(registry) == {"weak": "prod", "good": "archived", "twin": "archived"}
    with pytest.raises(Refused, match="A rollback returned 'toy' to its first champion, toy:weak"):
        registry.rollback("toy", reason="and again")
    assert faults(registry) == ()


def test_rollback_to_changed_files_is_refused(registry_after_three_champions):
    registry = registry_after_three_champions
    (registry.store.path(toy("good")) / "extra").touch()
    with pytest.raises(DigestMismatch, match="The files of toy:good"):
        registry.rollback("toy", reason="complaints")
    assert registry.champion("toy").tag == toy("twin")
