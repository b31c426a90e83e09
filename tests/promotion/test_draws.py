"""Dependent rows, from the configuration to the record and back."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from recipes import rows_of_days
from situation import open_at, settings_at, toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.audit.recompute import check_recomputed
from promotion.config import load_config
from promotion.errors import ConfigError, DataError
from promotion.interfaces import call
from promotion.metrics.bounds import DrawnAs
from promotion.registry.data import Reader
from promotion.registry.register import Origin
from promotion.report.decision import decision_page, judged_by
from promotion.rows import fingerprints, split_by_hash

pytestmark = pytest.mark.integration

LOOSE = {"guardrails": [], "floors": [], "metrics": ["log_loss"], "min_positives": 20}
WINDOW = {"by": "t", "window": "1d"}


def opened(root, *, rows=None, recipe="DaysRecipe", policy=None, **keys):
    """The registry with champion `toy:p`, by override, and challenger `toy:q`, which is just as good."""
    root.mkdir(exist_ok=True)
    if not (root / "rows.csv").exists():
        (rows_of_days() if rows is None else rows).to_csv(root / "rows.csv", index=False)
    settings = settings_at(root, policy={**LOOSE, **(policy or {})}, recipe=f"recipes:{recipe}", **keys)
    return open_at(settings, store=BentoStore(root / "bentoml"), mirror=MemoryMirror())


def trained(registry, *, groups=True):
    """Both versions trained and registered, with or without fingerprints of groups; the first one champion."""
    for uses in "pq":
        recipe, data = registry.reader.load("toy", options={"uses": uses})
        training = recipe.split(data.rows).training
        made, keys = recipe.train(training, step=call), fingerprints(training["id"])
        draws = registry.reader.draws("toy", recipe)
        of_groups = {draws.group_id: draws.group_fingerprints(training)} if draws.group and groups else None
        registry.store.save(f"toy:{uses}", made, metadata={}, training_rows=keys, training_groups=of_groups)
        registry.register(toy(uses), Origin(data=data, options={"uses": uses}))
    registry.promote(toy("p"), reason="the first", override=True)
    return registry


def recomputed(registry):
    return [one for one in registry.audit("toy", recompute=True) if one.code.startswith("AUD07")]


WAYS = {
    "days": ({"time_unit": "s"}, DrawnAs.BLOCKS, "28 blocks of 1 day"),
    "parts": ({}, DrawnAs.BLOCKS, "20 equal parts of the time span"),
    "column": ({"group": "card"}, DrawnAs.GROUPS, "28 groups by card"),
    "windows": ({"group": WINDOW, "time_unit": "s"}, DrawnAs.GROUPS, "28 groups by t in windows of 1d"),
    "seconds": ({"group": {"by": "t", "window": 86400}}, DrawnAs.GROUPS, "28 groups by t in windows of 86400"),
    "recipe": ({"recipe": "GroupedRecipe"}, DrawnAs.GROUPS, "28 groups by card"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("keys", "drawn", "said"), WAYS.values(), ids=WAYS)
def test_noise_of_days_is_promoted_by_rows_and_held_by_days(tmp_path, keys, drawn, said):
    """The same two models and rows; what the person says of their dependence is all that differs."""
    registry = trained(opened(tmp_path, **keys))
    found = registry.gate(toy("q"))
    assert (found.verdict, found.evidence.dependence.drawn_as) == ("hold", drawn)
    assert found.evidence.dependence.said == said
    assert found.evidence.dependence.sentence in [note.text for note in decision_page(found).notes]
    assert registry.compare(toy("p"), toy("q")) == found.evidence
    # the record alone suffices to recompute it, whatever the configuration says now
    assert recomputed(registry) == recomputed(opened(tmp_path, dependence="independent")) == []
    assert recomputed(opened(tmp_path, group="p")) == []
    (replayed,) = registry.replay("toy", registry.config.model("toy").policy)
    assert replayed.now.verdict == "hold"

    by_rows = opened(tmp_path, dependence="independent").gate(toy("q"))
    assert (by_rows.verdict, by_rows.evidence.dependence.drawn_as) == ("promote", DrawnAs.INDEPENDENT)
    assert recomputed(opened(tmp_path)) == []


def test_the_record_says_how_rows_were_taken_and_says_nothing_where_nobody_did(tmp_path):
    registry = trained(opened(tmp_path, group=WINDOW, time_unit="s"))
    registry.gate(toy("q"))
    assert registry.history("toy")[-1].body["draws"] == {
        "group": {"by": "t", "window": "1d"},
        "unit": "s",
        "independent": False,
    }
    timeless = trained(opened(tmp_path / "timeless", recipe="TimelessDaysRecipe"))
    timeless.gate(toy("q"))
    (body,) = (entry.body for entry in timeless.history("toy") if entry.kind == "decision")
    assert "draws" not in body
    assert "dependence" not in body["decision"]["evidence"]


def changed(registry, change):
    """The entries, of which the decision's evidence says something else."""
    entries = registry.history("toy")
    bodies = [json.loads(json.dumps(entry.body)) for entry in entries]
    for body in bodies:
        if "draws" in body:
            change(body["decision"]["evidence"])
    return [replace(entry, body=body) for entry, body in zip(entries, bodies, strict=True)]


SAID = {
    "degrees of freedom": lambda evidence: evidence["metrics"][0].update(dof=200.0),
    "the error beside": lambda evidence: evidence["metrics"][0]["beside"].update(stderr=1e-9),
    "the challenger's": lambda evidence: evidence["metrics"][0].update(challenger_stderr=1e-9),
    "the challenger's beside": lambda evidence: evidence["metrics"][0]["challenger_beside"].update(dof=200.0),
    "how rows were taken": lambda evidence: evidence["dependence"].update(count=280),
}


@pytest.mark.parametrize("change", SAID.values(), ids=SAID)
def test_every_number_that_an_error_rests_on_is_recomputed(tmp_path, change):
    """By these alone a replay would decide otherwise, or a reader be told something else."""
    registry = trained(opened(tmp_path, time_unit="s"))
    registry.gate(toy("q"))
    (found,) = check_recomputed(
        registry.state("toy"), changed(registry, change), Reader(registry.config), registry.store
    )
    assert found.code == "AUD070"


def test_another_day_length_than_recorded_does_not_come_out(tmp_path):
    """What is recorded is what is recomputed: with the same entry under another unit, the numbers differ."""
    registry = trained(opened(tmp_path, time_unit="s"))
    registry.gate(toy("q"))
    state = registry.state("toy")
    entries = [
        replace(entry, body={**entry.body, "draws": {**entry.body["draws"], "unit": "d"}})
        if "draws" in entry.body
        else entry
        for entry in registry.history("toy")
    ]
    (found,) = check_recomputed(state, entries, Reader(registry.config), registry.store)
    assert found.code == "AUD070"
    assert "stderr" in found.expected


def test_too_few_groups_are_held_and_named(tmp_path):
    rows = rows_of_days()
    rows["card"] = rows["card"].map(lambda name: f"c{int(name[1:]) % 3}")
    decision = trained(opened(tmp_path, rows=rows, group="card")).gate(toy("q"))
    assert decision.verdict == "hold"
    assert decision.summary.startswith("The rows come from 3 groups by card, effective number 2.99 (Kish), too few")


def test_the_first_model_is_measured_by_days_too(tmp_path):
    registry = opened(tmp_path, time_unit="s")
    recipe, data = registry.reader.load("toy", options={"uses": "p"})
    training = recipe.split(data.rows).training
    made, keys = recipe.train(training, step=call), fingerprints(training["id"])
    registry.store.save("toy:p", made, metadata={}, training_rows=keys)
    registry.register(toy("p"), Origin(data=data, options={"uses": "p"}))
    by_days = registry.gate(toy("p")).evidence["log_loss"]
    by_rows = opened(tmp_path, dependence="independent").gate(toy("p")).evidence["log_loss"]
    assert by_days.value == by_rows.value
    assert by_days.stderr > 1.4 * by_rows.stderr
    assert by_days.dof < 28


def test_rows_without_a_time_are_a_block_of_their_own(tmp_path):
    rows = rows_of_days()
    rows["t"] = rows["t"].astype("Int64")
    rows.loc[rows.index % 97 == 5, "t"] = pd.NA
    registry = opened(tmp_path, rows=rows, recipe="HashedDaysRecipe", time_unit="s", policy={"min_rows": 50})
    found = trained(registry).gate(toy("q")).evidence.dependence
    assert (found.count, found.days) == (29, 2)
    assert recomputed(registry) == []


@pytest.mark.parametrize("form", ["datetime", "iso", "zoned"])
def test_days_of_datetimes_are_known_without_a_unit(tmp_path, form):
    rows = rows_of_days()
    moments = pd.Timestamp("2024-03-01") + pd.to_timedelta(rows["t"], unit="s")
    rows["t"] = {
        "datetime": moments,
        "iso": moments.dt.strftime("%Y-%m-%dT%H:%M:%S"),
        "zoned": moments.dt.strftime("%FT%TZ"),
    }[form]
    by_time = trained(opened(tmp_path / "a", rows=rows)).gate(toy("q")).evidence
    by_window = trained(opened(tmp_path / "b", rows=rows, group=WINDOW)).gate(toy("q")).evidence
    assert by_time.dependence.said == "28 blocks of 1 day"
    assert by_window.dependence.said == "28 groups by t in windows of 1d"
    assert by_time["roc_auc"].stderr == pytest.approx(by_window["roc_auc"].stderr, rel=1e-12)


WRONG = {
    "group = 3": r"'group' in \[models.toy\]: Input should be a column, \"card1\", or windows of a time, .*, found 3\.",
    'group = { by = "t", windw = "1d" }': r"has an unknown key 'windw' in \[models.toy.group\]; did you mean 'window'\?",
    'group = { window = "1d" }': r"is missing the key 'by' in \[models.toy.group\]\.",
    'group = { by = "t", window = "1 day" }': r"'window' in \[models.toy.group\]: Input should be a number from 0 up",
    'group = { by = "t", window = 0 }': r"The window of 'group' must be longer than 0, found 0\.",
    'group = "t"\ndependence = "independent"': r"group = 't' and dependence = \"independent\" contradict each other\. Leave out one of the two\.",
    'dependence = "rows"': r"'dependence' in \[models.toy\]: Input should be 'auto' or 'independent', found 'rows'\.",
}


@pytest.mark.parametrize(("text", "told"), WRONG.items(), ids=WRONG)
def test_a_wrong_key_is_a_sentence_that_names_it(tmp_path, text, told):
    policy = '[models.toy.policy]\nprimary = { metric = "roc_auc" }\n'
    (tmp_path / "promotion.toml").write_text(f'[models.toy]\nrecipe = "recipes:DaysRecipe"\n{text}\n{policy}')
    with pytest.raises(ConfigError, match=told):
        load_config(tmp_path / "promotion.toml")


UNFIT = {
    "column": (
        {"group": "crad"},
        DataError,
        r"rows.csv has no column 'crad', which `group` names. Did you mean 'card'",
    ),
    "unit": (
        {"group": WINDOW},
        DataError,
        r"^The window of 'group' is 1d, but column 't' holds numbers .* time_unit = ",
    ),
    "words": ({"group": {"by": "card", "window": "1d"}}, DataError, r"^Column 'card' is read as times and must"),
    "recipe": (
        {"recipe": "MisgroupedRecipe"},
        ConfigError,
        r"^The `group` of MisgroupedRecipe is missing the key 'by'",
    ),
}


@pytest.mark.parametrize(("keys", "kind", "told"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_the_rows_is_told_before_training(tmp_path, keys, kind, told):
    with pytest.raises(kind, match=told):
        opened(tmp_path, **keys).reader.load("toy", options={"uses": "p"})


def test_a_number_as_window_of_datetimes_is_told_before_training(tmp_path):
    rows = rows_of_days()
    rows["t"] = pd.Timestamp("2024-03-01") + pd.to_timedelta(rows["t"], unit="s")
    with pytest.raises(
        DataError, match=r"^The window of 'group' is 3600, but column 't' holds timestamps without a zone"
    ):
        opened(tmp_path, rows=rows, group={"by": "t", "window": 3600}).reader.load("toy", options={"uses": "p"})


def few_cards(n_cards=40):
    """Cards come back: rows of a day are of one card, and later days have cards of earlier ones, and new ones."""
    rows = rows_of_days()
    day = rows["t"] // 86400
    rows["card"] = (day % n_cards).map(lambda number: f"c{number}")
    return rows


def test_no_group_that_trained_a_model_judges_it(tmp_path):
    """Of the 28 later days the first 12 have cards of their own, and the last 16 those of the first days."""
    registry = trained(opened(tmp_path, rows=few_cards(), group="card", clean_by="group"))
    decision = registry.gate(toy("q"))
    assert (decision.holdout.rows, decision.holdout.removed) == (12 * 60, 16 * 60)
    assert decision.evidence.dependence.said == "12 groups by card"
    assert decision.checks[0].reason == (
        "No group by card of the 720 evaluation rows was used to train either model; 960 rows of training groups were left out."
    )
    assert "excluded: 960 of a group by card that a model was trained on" in judged_by(decision.holdout)
    assert recomputed(registry) == recomputed(opened(tmp_path)) == []
    assert registry.compare(toy("p"), toy("q")) == decision.evidence
    by_rows = opened(tmp_path, group="card").gate(toy("q"))
    assert (by_rows.holdout.rows, by_rows.holdout.removed) == (28 * 60, 0)


def test_windows_of_a_time_are_the_same_groups_in_every_file(tmp_path):
    """Of weeks since 1970, the one in which training ends and judging begins is left out."""
    rows = rows_of_days(n_days=59)
    week = {"by": "t", "window": "7d"}
    decision = trained(opened(tmp_path, rows=rows, group=week, time_unit="s", clean_by="group")).gate(toy("q"))
    # training ends within day 29 of 59, which is in the week of days 28 to 34
    assert decision.holdout.rows == (59 - 35) * 60


@pytest.mark.parametrize("other", [{"group": "card"}, {"group": {"by": "t", "window": "1d"}, "time_unit": "s"}])
def test_a_version_without_fingerprints_of_these_groups_is_unknown(tmp_path, other):
    """Saved without any: held, unless the policy takes it as clean."""
    trained(opened(tmp_path, rows=few_cards(), group="card"), groups="window" in other["group"])
    decision = opened(tmp_path, clean_by="group", **other).gate(toy("q"))
    assert decision.verdict == "hold"
    assert [check.subject for check in decision.missing] == ["challenger", "champion"]
    assert decision.summary.startswith("It is unknown which groups (by ")
    assume = {"unknown_provenance": "assume_clean"}
    taken = opened(tmp_path, clean_by="group", policy=assume, **other)
    assert taken.gate(toy("q")).holdout.rows == 28 * 60
    assert recomputed(taken) == []


def test_a_version_is_the_same_model_with_fingerprints_of_groups_and_without(tmp_path):
    """So that a retrain does not escape what people know of it by a new group in the configuration."""
    of = [
        trained(opened(tmp_path / name, rows=few_cards(), **keys)).store.digests(toy("p"))
        for name, keys in {"rows": {}, "cards": {"group": "card"}}.items()
    ]
    assert of[0].files == of[1].files
    assert of[0].whole != of[1].whole


@pytest.mark.parametrize("keys", [{}, {"dependence": "independent", "recipe": "GroupedRecipe"}])
def test_groups_that_nobody_named_cannot_be_clean(tmp_path, keys):
    with pytest.raises(ConfigError, match=r"^clean_by = \"group\" needs groups, but none are named\. Set `group` in"):
        opened(tmp_path, clean_by="group", **keys).reader.load("toy", options={"uses": "p"})


def test_a_split_by_the_hash_of_a_group_keeps_it_whole():
    rows = few_cards()
    split = split_by_hash(rows, key="card", holdout=0.3)
    assert len(split.training) + len(split.holdout) == len(rows)
    assert set(split.training["card"]).isdisjoint(split.holdout["card"])
    later = split_by_hash(rows.assign(card=rows["card"].astype("category")).iloc[::-1], key="card", holdout=0.3)
    assert set(later.holdout["card"]) == set(split.holdout["card"])
