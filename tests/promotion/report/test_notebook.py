import re
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from ledgers import record_history

import promotion
from promotion.adapters.sql import SqlLedger
from promotion.errors import UnknownName
from promotion.ledger.reading import recorded
from promotion.ledger.state import State
from promotion.vocabulary import Stage, Tag

rng = np.random.default_rng(27)
LABELS = (rng.random(4000) < 0.2).astype(int)
OLD, NEW = (1 / (1 + np.exp(1 - weight * LABELS - rng.normal(size=4000))) for weight in (1, 2))
CARD = np.where(rng.random(4000) < 0.5, "a<b>", "c")
RULES = {
    "primary": {"metric": "roc_auc"},
    "guardrails": [{"metric": "log_loss", "max_loss": 0.01}],
    "slices": [{"by": "card", "metric": "roc_auc", "max_loss": 0.02}],
    "limits": {"max_size_mb": 50},
}


@pytest.fixture(scope="module")
def comparison():
    return promotion.compare(LABELS, OLD, NEW, slices={"card": CARD, "all": ["x"] * 4000})


@pytest.fixture
def ledger(tmp_path):
    ledger = SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}")
    record_history(ledger, "toy", 22)
    return ledger


def texts_of(html):
    """The texts between the tags, without the style."""
    return re.sub(r"<[^>]+>", " ", html.partition("</style>")[2])


def test_a_comparison_has_a_page_a_sentence_and_a_row_for_each_metric_of_each_part(comparison):
    page = comparison._repr_html_()
    assert "a&lt;b&gt;" in page
    assert "<b>" not in page
    assert "challenger against champion" in texts_of(page)
    assert repr(comparison) == (
        "<Comparison: challenger is significantly better by average_precision, roc_auc, log_loss, brier_score "
        "(95 % confidence each).>"
    )
    frame = comparison.to_frame()
    assert len(frame) == 4 * (1 + 2 + 1)
    found = frame[(frame["metric"] == "roc_auc") & (frame["slice"] == "c")].iloc[0]
    (part,) = (part for part in comparison.slices if part.value == "c")
    assert (found["gain"], found["rows"], found["by"]) == (part.metrics[1].gain, part.rows, "card")
    assert frame["slice"].isna().sum() == 4
    assert comparison.to_dict()["metrics"][1]["gain"] == comparison["roc_auc"].gain


def test_what_could_not_be_compared_is_a_row_with_its_reason():
    comparison = promotion.compare(LABELS, OLD * np.nan, NEW, metrics=["roc_auc"])
    assert repr(comparison).startswith(
        "<Comparison: Nothing could be compared. The champion's scores must be finite, but"
    )
    frame = comparison.to_frame()
    assert frame.loc[0, "metric"] == "roc_auc"
    assert frame.loc[0, "missing"].startswith(
        "The champion's scores must be finite, but include 4,000 NaN among 4,000."
    )


def test_a_decision_says_what_was_decided_and_why(comparison):
    decision = promotion.decide(comparison, {**RULES, "limits": {}})
    assert 'class="verdict good">PROMOTE<' in decision._repr_html_()
    assert repr(decision) == f"<Decision: PROMOTE. {decision.summary}>"
    frame = decision.to_frame()
    assert tuple(frame["reason"]) == tuple(check.reason for check in decision.checks)
    assert decision.to_dict()["verdict"] == "promote"


def test_a_policy_shows_what_it_requires_and_is_read_back_from_its_dict():
    policy = promotion.Policy.from_toml(RULES)
    assert "loss in log_loss must be at most 0.01" in texts_of(policy._repr_html_())
    assert repr(policy).startswith("<Policy: The challenger's roc_auc must exceed the champion's (one-sided ")
    assert tuple(policy.to_frame()["kind"]) == ("primary", "guardrail", "slice", "limit")
    assert promotion.Policy.from_toml(policy.to_dict()) == policy


def test_a_history_shows_its_newest_entries_and_converts_them_all(ledger):
    history = recorded(ledger, "toy")
    assert len(history) > 50
    rows = re.findall(r'<th scope="row"[^>]*>(\d+)', history._repr_html_())
    assert rows == [str(entry.seq) for entry in history[:-51:-1]]
    assert (
        repr(history)
        == f"<History: {len(history)} entries, the newest at {history[-1].at[:16].replace('T', ' ')} UTC.>"
    )
    frame = history.to_frame()
    assert (list(frame["seq"]), frame.loc[0, "at"].isoformat()) == ([one.seq for one in history], history[0].at)
    assert history.to_dict()["entries"][3] == asdict(history[3])
    assert len(history[-3:].to_frame()) == len(recorded(ledger, "toy", last=3).to_frame()) == 3
    assert repr(recorded(ledger, "toy", last=1)).startswith("<HistoryPart: 1 entry, the newest at ")
    assert repr(recorded(ledger, "nothing")) == "<History: The ledger has no such entries.>"


def test_a_state_shows_who_serves_and_has_a_row_for_each_version(ledger):
    from promotion.ledger.folding import fold

    state = fold("toy", recorded(ledger, "toy"))
    assert f"{state.champion.tag} has served" in texts_of(state._repr_html_().replace("<wbr>", ""))
    assert repr(state).startswith(f"<State: {state.champion.tag} has served for ")
    frame = state.to_frame().set_index("tag")
    assert dict(frame["stage"]) == {tag: found.stage for tag, found in state.versions.items()}
    assert frame.loc[state.champion.tag, "decision"] == state.versions[state.champion.tag].decision.id
    assert state.to_dict()["champion"]["tag"] == state.champion.tag
    assert repr(State(model="toy")) == "<State: toy has no champion yet.>"


def test_an_evaluation_shows_the_values_of_one_model():
    alone = promotion.measure(LABELS, NEW, metrics=["roc_auc", "brier_score"])
    said = f"Measured as a binary model on 4,000 rows ({LABELS.sum()} positive)."
    assert said in texts_of(alone._repr_html_())
    assert repr(alone) == f"<Evaluation: {said}>"
    frame = alone.to_frame().set_index("metric")
    assert frame.loc["roc_auc", "value"] == alone["roc_auc"].value == alone.to_dict()["metrics"][0]["value"]
    broken = promotion.measure(LABELS, NEW * np.nan, metrics=["roc_auc"])
    assert broken.to_frame().loc[0, "missing"] in texts_of(broken._repr_html_()).replace("&#39;", "'")


def test_a_status_shows_who_serves_what_is_wrong_and_how_to_roll_back(registry_after_three_champions):
    registry = registry_after_three_champions
    status = registry.status("toy")
    assert (status.problems, status.state) == ((), registry.state("toy"))
    assert repr(status).startswith("<Status: toy:twin has served for ")
    shown = " ".join(texts_of(status._repr_html_().replace("<wbr>", "")).split())
    assert "os:alice promoted it by hand in place of toy:good, without a passing decision" in shown
    assert "No problems found in the ledger" in shown
    assert "To roll back to toy:good: promotion rollback toy --reason …" in shown
    assert status.to_frame().equals(registry.state("toy").to_frame())
    registry.store.write_stage(Tag("toy", "twin"), Stage.STAGING)
    wrong = registry.status("toy")
    (problem,) = wrong.problems
    assert problem.kind == "label"
    assert texts_of(wrong._repr_html_()).count("! ") == 1
    assert wrong.to_dict()["problems"] == [{"kind": "label", "sentence": problem.sentence}]
    assert wrong.to_dict()["champion"]["tag"] == "toy:twin"


def test_the_status_of_a_model_that_nobody_knows_is_an_error(registry):
    with pytest.raises(UnknownName, match=re.escape("There is no model 'tyo'. Did you mean 'toy'?")):
        registry.status("tyo")


def test_only_displaying_a_value_imports_what_displays():
    script = (
        "import sys, promotion; kept = promotion.compare([0, 1], [0.1, 0.2], [0.1, 0.3]);"
        "print([name for name in ('promotion.report', 'jinja2', 'pandas') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout == "[]\n"
