import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from promotion.comparison import Comparison, Evaluation, Measurement, MetricComparison, MissingMetric, SliceComparison
from promotion.policy import Budget, Check, Footprint, HoldoutUsed, Judged, Kind, Policy, decide
from promotion.report.comparison import comparison_page
from promotion.report.decision import decision_page
from promotion.report.markdown import page_markdown
from promotion.report.terminal import page_view
from promotion.vocabulary import Direction, Outcome, Task

POLICY = {
    "primary": {"metric": "roc_auc"},
    "guardrails": [{"metric": "log_loss", "max_loss": 0.01}],
    "slices": [{"by": "card", "metric": "roc_auc", "max_loss": 0.02}],
    "metrics": [],
}


def gain(metric="roc_auc", *, champion=0.8, by=0.03, stderr=0.005):
    direction = Direction.LOWER if metric in {"log_loss", "rmse"} else Direction.HIGHER
    challenger = champion + by if direction is Direction.HIGHER else champion - by
    return MetricComparison(
        metric, direction, champion, challenger, by, stderr, by - 1.96 * stderr, by + 1.96 * stderr, 0.01, 0.02, 0.02
    )


def part(value, *, rows=400, positives=80, by=0.03, stderr=0.01):
    return SliceComparison("card", value, rows, positives, (gain(by=by, stderr=stderr),))


def comparison(*metrics, slices=(), missing=(), task=Task.BINARY, positives=300):
    chosen = metrics or (gain(), gain("log_loss", champion=0.4, by=0.02, stderr=0.003))
    return Comparison(
        rows=1000,
        positives=positives,
        weight=1000.0,
        confidence=0.95,
        metrics=chosen,
        missing=missing,
        slices=slices,
        task=task,
    )


def judged(decision, **holdout):
    used = {"digest": "d", "data": "rows.csv", "data_digest": "e", "rows": 1000, "positives": 300, "removed": 0}
    return replace(
        decision,
        challenger=Judged(tag="toy:new", digest="a"),
        champion=Judged(tag="toy:old", digest="b"),
        holdout=HoldoutUsed(**{**used, **holdout}),
    )


def words(page, width=140):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(page_view(page))
    return console.file.getvalue()


SLICES = (part("amex", by=-0.001), part("visa"), part("(missing)", rows=20, positives=3))

GOLDEN = """\
### PROMOTED: toy:new against toy:old

The gain in roc_auc is +0.0300 (one-sided 96.96 % lower bound +0.0206); the policy requires a gain above 0.

Gains that pass tend to be overestimated. The correction for this does not change the estimate here (95 %: +0.0202 … +0.0398).

| metric | champion | challenger | gain | 95 % interval of the gain |
| --- | --: | --: | --: | --: |
| roc_auc | 0.8000 | 0.8300 | +0.0300 | +0.0202 … +0.0398 |
| log_loss | 0.4000 | 0.3800 | +0.0200 | +0.0141 … +0.0259 |

| check | outcome | why |
| --- | --- | --- |
| evidence positives | passed | The holdout has 300 positives; the policy requires at least 50. |
| evidence rows | passed | The holdout has 1,000 rows; the policy requires at least 500. |
| primary roc_auc | passed | The gain in roc_auc is +0.0300 (one-sided 96.96 % lower bound +0.0206); \
the policy requires a gain above 0. |
| guardrail log_loss | passed | The gain in log_loss (lower is better) is +0.0200 (one-sided 95 % lower bound +0.0151); \
the policy allows a loss of at most 0.01. |
| slice roc_auc by card | passed (2 of 3 slices judged; 1 too small) | 2 of 3 slices passed, 1 is too small to be judged; the lowest gain is -0.0010 \
where card = amex. |

- This counts as the first use of these rows, so the primary metric was tested at the 3.04 % level.
- decision {id}, judged by 1,000 rows (300 positive) of rows.csv; excluded: 12 that a model was trained on, \
5 whose labels are too recent
"""


def test_golden_markdown():
    policy = Policy.from_toml(POLICY)
    made = decide(comparison(slices=SLICES), policy, budget=Budget(alpha=policy.alpha, use=1.0))
    decision = judged(made, removed=12, immature=5)
    assert page_markdown(decision_page(decision)) == GOLDEN.replace("{id}", decision.id)


def test_a_rule_that_could_judge_few_of_its_slices_does_not_read_passed_alone():
    small = tuple(part(f"c{number}", rows=20, positives=3) for number in range(18))
    shown = decision_page(judged(decide(comparison(slices=(*SLICES[:2], *small)), Policy.from_toml(POLICY))))
    told = {row[0].text: row[1].text for row in shown.tables[1].rows}
    assert told["slice roc_auc by card"] == "passed (2 of 20 slices judged; 18 too small)"
    all_of_them = decision_page(judged(decide(comparison(slices=SLICES[:2]), Policy.from_toml(POLICY))))
    assert all_of_them.tables[1].rows[-1][1].text == "passed"


def test_slices_that_block_are_shown_each_the_others_in_one_row():
    slices = (*SLICES, part("jcb", by=-0.2), part("mc", by=-0.3))
    shown = words(decision_page(judged(decide(comparison(slices=slices), Policy.from_toml(POLICY)))))
    rows = [line.split("  ")[0] for line in shown.splitlines() if line.startswith("slice ")]
    assert rows == ["slice roc_auc where card = jcb", "slice roc_auc where card = mc", "slice roc_auc by card"]
    assert shown.startswith(
        "REJECTED  toy:new against toy:old\nThe gain in roc_auc where card = jcb is -0.2000 (one-sided 95 % upper bound "
    )


def test_two_rules_about_the_same_slices_stay_two():
    rules = [*POLICY["slices"], {"by": "card", "metric": "roc_auc", "max_loss": 0.5, "require": "proven"}]
    decision = decide(comparison(slices=SLICES[:2]), Policy.from_toml({**POLICY, "slices": rules}))
    told = [row[2].text for row in decision_page(decision).tables[1].rows if row[0].text == "slice roc_auc by card"]
    assert told == ["2 of 2 slices passed; the lowest gain is -0.0010 where card = amex."] * 2


def test_without_slices_enough_it_says_so():
    decision = decide(comparison(slices=SLICES[2:]), Policy.from_toml(POLICY))
    rows = {row[1].text: row[2].text for row in decision_page(decision).tables[1].rows if "slice" in row[0].text}
    assert rows == {"not applicable": "1 of 1 slices is too small to be judged.", "missing": decision.summary}


def test_the_point_rule_tells_no_bounds():
    decision = judged(decide(comparison(slices=SLICES), Policy.from_toml({**POLICY, "rule": "point"})))
    shown = words(decision_page(decision))
    assert "interval" not in shown
    assert "bound" not in shown
    assert shown.splitlines()[1] == "The gain in roc_auc is +0.0300; the policy requires a gain above 0."


def test_a_gain_that_just_passed_is_told_with_what_is_to_be_expected_of_it():
    near = decide(comparison(gain(by=0.0125)), Policy.from_toml({"primary": {"metric": "roc_auc"}}), alpha=0.0304)
    assert decision_page(judged(near)).summary[1] == (
        "Gains that pass tend to be overestimated. Corrected for this, the estimate is +0.0087 (95 %: at most +0.0218)."
    )
    held = decide(comparison(gain(by=0.005)), Policy.from_toml({"primary": {"metric": "roc_auc"}}), alpha=0.0304)
    assert "selected" not in words(decision_page(judged(held)))


def test_what_waits_says_how_it_is_approved_and_no_more_when_nothing_is_rejected_or_unknown():
    made = decide(comparison(slices=SLICES), Policy.from_toml({**POLICY, "approval": "required"}))
    page = decision_page(judged(made))
    assert page.verdict.text == "PROMOTE, waits for approval"
    assert page.summary[-1] == (
        "To approve it, run `promotion approve toy:new --reason …`; to deny it, `promotion deny toy:new --reason …`."
    )
    assert decision_page(made).verdict.text == "PROMOTE"
    assert len(decision_page(made).summary) == 2
    worse = decide(comparison(gain(by=-0.1)), Policy.from_toml({**POLICY, "approval": "required"}))
    assert len(decision_page(judged(worse)).summary) == 1


def test_what_was_only_to_be_recorded_and_could_not_be_is_a_note():
    gaps = (MissingMetric("log_loss", "Scores are no probabilities."), MissingMetric("f1", "No score is above 0.5."))
    page = decision_page(decide(comparison(gain(), missing=gaps), Policy.from_toml(POLICY)))
    assert [note.text for note in page.notes] == ["f1 could not be measured: No score is above 0.5."]


def test_numbers_of_any_size_keep_four_digits():
    big = gain("rmse", champion=1_234_567.0, by=25.5, stderr=3.0)
    small = gain("rmse", champion=0.00012345, by=0.0000012, stderr=1e-7)
    cells = [[cell.text for cell in row] for row in comparison_page(comparison(big, small)).tables[0].rows]
    assert cells == [
        ["rmse", "1,234,567", "1,234,542", "+25.50", "+19.62 … +31.38"],
        ["rmse", "0.0001234", "0.0001222", "+0.000001200", "+0.000001004 … +0.000001396"],
    ]


HOSTILE = 'a|b\n**x** <img src="x"> [l](http://e) `code|pipe` _u_ & # h'


def test_names_from_the_data_cannot_break_out_of_a_cell_or_become_markup():
    slices = (part(HOSTILE, by=-0.2), part("[0, 1)"))
    made = judged(decide(comparison(slices=slices), Policy.from_toml(POLICY)), data=HOSTILE)
    html = MarkdownIt("gfm-like", {"linkify": False}).render(page_markdown(decision_page(made)))
    assert html.count("<table>") == 2
    assert "<img" not in html
    assert "<strong>" not in html
    assert "<a " not in html
    assert "a|b **x** &lt;img src=" in html
    assert "<code>code|pipe</code>" in html
    rows = html.partition("<th>why</th>")[2].partition("</table>")[0].split("<tr>")[1:]
    assert {row.count("<td") for row in rows} == {3}


NUMBERS = st.floats(-1e9, 1e9) | st.sampled_from([0.0, 1e-12, -3e-7, 5e15])
TEXTS = st.text(min_size=1, max_size=12)
OUTCOMES = st.sampled_from(Outcome)


@st.composite
def compared(draw, name):
    direction = draw(st.sampled_from(Direction))
    champion, by, stderr = draw(NUMBERS), draw(NUMBERS), draw(st.floats(0, 1e6))
    return MetricComparison(
        name, direction, champion, champion + by, by, stderr, by - stderr, by + stderr, 0.5, stderr, stderr
    )


@st.composite
def evidences(draw):
    task = draw(st.sampled_from(Task))
    positives = draw(st.integers(0, 700)) if task is Task.BINARY else None
    names = draw(st.lists(st.sampled_from(["roc_auc", "log_loss", "f1"]), unique=True))
    missing = tuple(MissingMetric(name, draw(TEXTS)) for name in {"roc_auc", "log_loss"} - set(names))
    if draw(st.booleans()):
        metrics = tuple(Measurement(name, Direction.HIGHER, draw(NUMBERS), 0.1) for name in names)
        return Evaluation(700, positives, 700.0, metrics, missing, task)
    slices = tuple(
        SliceComparison(
            "card",
            value,
            draw(st.integers(1, 700)),
            positives,
            tuple(draw(compared(name)) for name in names[: draw(st.integers(0, 3))]),
            missing,
        )
        for value in draw(st.lists(TEXTS, max_size=3, unique=True))
    )
    metrics = tuple(draw(compared(name)) for name in names)
    return Comparison(700, positives, 700.0, 0.95, metrics, missing, slices, None, task)


@st.composite
def decisions(draw):
    policy = Policy.from_toml(
        {
            **POLICY,
            "rule": draw(st.sampled_from(["confident", "point"])),
            "approval": draw(st.sampled_from(["automatic", "required"])),
            "floors": draw(st.sampled_from([[], [{"metric": "roc_auc", "min": 0.5}]])),
            "limits": draw(st.sampled_from([{}, {"max_size_mb": 1}, {"max_scoring_ratio": 2}])),
        }
    )
    before = tuple(
        Check(kind=Kind.CLEAN, subject=draw(TEXTS), outcome=draw(OUTCOMES), reason=draw(TEXTS))
        for _ in range(draw(st.integers(0, 2)))
    )
    made = decide(
        draw(st.none() | evidences()),
        policy,
        budget=Budget(alpha=0.05, use=draw(st.floats(1, 1e4))) if draw(st.booleans()) else None,
        footprint=draw(st.none() | st.just(Footprint(size=5, scoring_ratios=(1.0, 1.1, 3.0)))),
        before=before,
    )
    counts = {name: draw(st.integers(0, 5)) for name in ("rows", "removed", "immature")}
    if draw(st.booleans()):
        made = judged(made, positives=draw(st.none() | st.integers(0, 9)), data=draw(TEXTS), **counts)
    return replace(made, champion=None) if draw(st.booleans()) else made


@pytest.mark.slow
@settings(max_examples=300)
@given(decisions())
def test_every_decision_can_be_shown_and_its_tables_are_whole(decision):
    page = decision_page(decision)
    for table in page.tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}
    markdown = page_markdown(page)
    assert markdown.startswith("### ")
    html = MarkdownIt("gfm-like", {"linkify": False}).render(markdown)
    assert html.count("<table>") == len(page.tables)
    assert html.count("<tr>") == sum(len(table.rows) + 1 for table in page.tables)
    for width in (30, 80, 140):
        shown = words(page, width)
        assert page.verdict.text.split()[0] in shown.splitlines()[0]
    if decision.evidence and isinstance(decision.evidence, Comparison):
        page_markdown(comparison_page(decision.evidence))
        words(comparison_page(decision.evidence), 60)


@pytest.mark.parametrize("width", [60, 80, 140])
def test_no_number_is_cut_however_narrow_the_terminal(width):
    rng = np.random.default_rng(0)
    slices = tuple(part(f"{letter}", by=float(rng.normal(0, 0.01))) for letter in "ABC")
    page = comparison_page(comparison(slices=slices))
    shown = " ".join(words(page, width).split())
    for row in page.tables[1].rows:
        for piece in row[-2].text.split():
            assert piece in shown
