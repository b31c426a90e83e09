"""The report of a decision: one file, drawn from the ledger, complete for every kind of decision."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from situation import toy

from promotion.registry.register import Origin
from promotion.report.decision_report import decision_document, recorded
from promotion.report.html import page_html

pytestmark = pytest.mark.integration

MOST_BYTES = 500_000
LINES_OF_BOTH = {"roc", "precision-recall", "cost", "calibration", "scores-positives", "scores-negatives"}


class Read(HTMLParser):
    """What a page holds: ids, references, titles of pictures, words."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.references, self.loads, self.scripts, self.said = [], [], [], 0, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        self.scripts += tag == "script"
        for name in ("href", "xlink:href", "src", "aria-labelledby", "aria-describedby"):
            value = given.get(name) or ""
            self.loads += [value] if name in {"src", "href"} and not value.startswith(("#", "data:")) and value else []
            self.references += value.removeprefix("#").split() if value.startswith("#") or "aria" in name else []

    def handle_data(self, data):
        self.said += data


def reports(registry):
    entries = registry.history("toy")
    return list(recorded(registry.state("toy"), entries))


@pytest.fixture
def judged(registry_with_champion):
    """A first model, a gain, a hold, a rejection and an override, from the ledger."""
    for name in ("good", "twin", "spoilt"):
        registry_with_champion.register(toy(name), Origin(run_id=f"run-{name}"))
        registry_with_champion.gate(toy(name))
    registry_with_champion.promote(toy("twin"), reason="<script>alert(1)</script> & so on", override=True)
    return registry_with_champion


def test_every_decision_is_one_file_that_needs_nothing_from_elsewhere_and_tells_all(judged):
    found = reports(judged)
    assert {str(one.judgement.decision.verdict) for one in found} == {"promote", "hold", "reject"}
    for one in found:
        text = page_html(decision_document(one))
        page, decision = Read(text), one.judgement.decision
        assert len(text.encode()) < MOST_BYTES
        assert (page.loads, page.scripts) == ([], 1)
        script = text.partition("<script>")[2].partition("</script>")[0]
        assert f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'\"" in text
        assert "url(http" not in text
        assert len(page.ids) == len(set(page.ids))
        assert set(page.references) <= set(page.ids)
        said = re.sub(r"\s+", " ", page.said)
        for check in decision.checks:
            assert check.reason in said
        for told in (one.judgement.decision_digest, decision.policy, one.entry.hash, decision.holdout.data_digest):
            assert told in said
        assert decision.summary in said
        assert "The challenger's loss in brier_score must be at most 0.02" in said
        assert one.versions[one.judgement.tag].registration.digest in said
        drawn = {name.removesuffix("-title") for name in page.ids if name.endswith("-title")}
        assert drawn >= LINES_OF_BOTH | ({"gain-0", "gain-1"} if decision.champion else set())
        if one.judgement.tag == "toy:twin":
            assert "<script>alert(1)</script> & so on" in page.said, "what people wrote is shown, and not obeyed"
    assert text == page_html(decision_document(found[-1])), "the same entries give another page"


def test_a_decision_of_an_earlier_release_is_told_without_what_it_did_not_keep(judged):
    found = reports(judged)[1]
    older = replace(found, judgement=replace(found.judgement, curves=None, policy=None))
    said = Read(page_html(decision_document(older))).said
    assert "The ledger contains no curves for this decision" in said
    assert f"The ledger contains only the policy's digest: {found.judgement.decision.policy}." in said


def test_what_followed_is_what_names_the_decision_overrides_it_or_moves_one_of_its_sides(judged):
    judged.rollback("toy", reason="complaints", to=toy("weak"))
    judged.readmit(toy("twin"), reason="they were wrong")
    for one in reports(judged):
        decision, tag = one.judgement.decision, one.judgement.tag
        sides = {side.tag for side in (decision.challenger, decision.champion) if side}
        later = judged.history("toy")[one.entry.seq :]
        answers = {each.seq for each in later if each.body.get("decision") == one.judgement.decision_digest}
        by_hand = {each.seq for each in later if each.kind in {"override", "readmission"} and each.body["tag"] == tag}
        moves = {each.seq for each in later if any(move["tag"] in sides for move in each.body.get("moves", ()))}
        assert [each.seq for each in one.followed] == sorted(answers | by_hand | moves)
        assert len(by_hand) == (2 if tag == "toy:twin" else 0)
        causes = [each.body.get("cause") for each in one.followed]
        assert ("rollback" in causes) is (tag != "toy:spoilt"), "its rivals were moved by it, and spoilt's was not"


def test_the_policy_that_is_recorded_is_the_one_that_decided(judged):
    from promotion.canonical import restore
    from promotion.policy import Policy

    for one in reports(judged):
        assert restore(Policy, one.judgement.policy).digest == one.judgement.decision.policy


def test_the_numbers_at_an_axis_are_those_of_its_lines():
    from promotion.report.plots.axes import Axes, Axis
    from promotion.report.plots.svg import drawn

    axes = Axes("Fine", Axis((0, 1)), Axis((0, 0.02)))
    svg = drawn(axes, name="fine", title="Fine steps", sentence="From 0 to 0.02.")
    assert ">0.0125</text>" in svg
