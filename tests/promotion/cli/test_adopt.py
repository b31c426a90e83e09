"""`promotion adopt --trained-before`: a number or a moment, recorded as given, and compared with the rows' times."""

import json

import pandas as pd
import pytest
from recipes import synthetic_rows
from situation import toy

from promotion.adapters.sql import SqlLedger
from promotion.canonical import canonical_json, plain, restore
from promotion.ledger.entries import Adoption
from promotion.vocabulary import Stage

FORMS = {
    "number": lambda minutes: minutes,
    "naive": lambda minutes: pd.Timestamp("2024-12-01") + pd.to_timedelta(minutes, unit="min"),
    "zoned": lambda minutes: pd.Timestamp("2024-12-01", tz="UTC") + pd.to_timedelta(minutes, unit="min"),
}
"""A row of minute 1500 is of one o'clock on the second of December."""


@pytest.fixture
def dated(here, store):
    """`here`, with `toy:weak` labelled `prod` by others; returns it with times in a given form."""

    def written(form):
        rows = synthetic_rows()
        rows.assign(t=FORMS[form](rows["t"])).to_csv(here / "rows.csv", index=False)
        text = (here / "promotion.toml").read_text()
        (here / "promotion.toml").write_text(text.replace("ToyRecipe", "DatedRecipe"))
        store.write_stage(toy("weak"), Stage.PROD)
        return here

    return written


def adoption(here):
    (body,) = (
        entry.content() for entry in SqlLedger(f"sqlite:///{here}/ledger.db").entries("toy") if entry.kind == "adoption"
    )
    return body


@pytest.mark.parametrize(
    ("bound", "text"),
    [(None, "null"), (1500, "1500.0"), (0.1 + 0.2, "0.30000000000000004"), ("2024-12-02", '"2024-12-02"')],
)
def test_a_number_is_written_as_earlier_releases_write_it(bound, text):
    body = plain(Adoption(tag="toy:weak", reason="serves", trained_before=bound))
    assert canonical_json(body) == (
        f'{{"assumed_clean":false,"reason":"serves","tag":"toy:weak","trained_before":{text}}}'
    )
    assert plain(restore(Adoption, body)) == body


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "bound", "recorded"),
    [
        ("number", "1500", 1500.0),
        ("number", "1.5e3", 1500.0),
        ("naive", "2024-12-02T01:00", "2024-12-02T01:00"),
        ("naive", "2024-12-02 01:00:00", "2024-12-02 01:00:00"),
        ("zoned", "2024-12-02T01:00", "2024-12-02T01:00"),
        ("zoned", "2024-12-02T02:00:00+01:00", "2024-12-02T02:00:00+01:00"),
        ("zoned", "20241202T010000Z", "20241202T010000Z"),
    ],
)
def test_the_same_bound_in_each_form_leaves_out_the_same_rows(dated, command, form, bound, recorded):
    here = dated(form)
    assert command("adopt", "toy:weak", "--reason", "serves", "--trained-before", bound)[0] == 0
    assert adoption(here) == Adoption(tag="toy:weak", reason="serves", trained_before=recorded)

    decision = json.loads(command("gate", "toy:good", "--json")[1])
    assert (decision["holdout"]["rows"], decision["holdout"]["removed"]) == (900, 300)
    assert decision["verdict"] == "promote"
    assert f"trained before {recorded}: serves" in command("show", "toy:weak")[1]
    assert f"adopted toy:weak (trained before {recorded}): serves" in command("history", "toy")[1]
    (shown,) = (one for one in json.loads(command("history", "toy", "--json")[1]) if one["kind"] == "adoption")
    assert shown["body"]["trained_before"] == recorded
    findings = json.loads(command("audit", "toy", "--recompute", "--json")[1])["toy"]
    assert {finding["code"] for finding in findings} == {"AUD015"}  # versions that this test does not use


@pytest.mark.parametrize(
    ("form", "bound", "sentence"),
    [
        (
            "number",
            "2024-12-02",
            "--trained-before 2024-12-02 does not fit column 't', which holds numbers such as 0. Adopt the version with a "
            "number in the column's own unit.",
        ),
        (
            "naive",
            "1500",
            "--trained-before 1500 does not fit column 't', which holds timestamps without a zone such as 2024-12-01. Adopt "
            "the version with a date or a time, like 2024-12-01.",
        ),
        (
            "naive",
            "2024-12-02T01:00Z",
            "--trained-before 2024-12-02T01:00Z does not fit column 't', which holds timestamps without a zone such as "
            "2024-12-01. Adopt the version with a time without a zone, as the column has it.",
        ),
    ],
)
def test_a_bound_of_another_kind_than_the_rows_is_refused_before_anything_is_recorded(
    dated, command, form, bound, sentence
):
    dated(form)
    code, out, err = command("adopt", "toy:weak", "--reason", "serves", "--trained-before", bound)
    assert (code, out, err) == (1, "", f"Error: {sentence}\n")
    assert json.loads(command("history", "toy", "--json")[1]) == []


@pytest.mark.parametrize("bound", ["31/12/2024", "nan", "inf", "7d", "2023-02-29"])
def test_a_bound_that_is_no_time_is_a_mistake_in_the_command(here, command, bound):
    code, out, err = command("adopt", "toy:weak", "--reason", "serves", "--trained-before", bound)
    assert (code, out) == (2, "")
    told = " ".join(err.replace("│", " ").split())
    assert f"Invalid value for '--trained-before': '{bound}' is no time: expected a number in the unit" in told
