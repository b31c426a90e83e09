"""The findings of an audit: all of one model; of many models each kind once, and a total."""

from datetime import datetime, timedelta, timezone

from promotion.findings import Code, finding
from promotion.report.findings import audit_pages


def found(code, subject):
    return finding(code, subject, "the version in prod", "no folder", "Restore it.")


def told(pages):
    return [" ".join(filter(None, (page.verdict.text, page.headline, *page.summary))) for page in pages]


def test_where_everything_agrees_there_is_one_line():
    agree = "the ledger, the labels, the files and MLflow agree."
    assert told(audit_pages({"toy": ()})) == [f"toy: {agree}"]
    assert told(audit_pages({f"team_{number}": () for number in range(200)})) == [f"200 models: {agree}"]


def test_an_audit_since_a_time_says_what_it_did_not_check():
    since = datetime(2026, 11, 22, 1, 30, tzinfo=timezone(timedelta(hours=1)))
    unchecked = (
        "Not checked: entries before 2026-11-22 00:30 UTC, whose results come from the ledger's checkpoint; and the "
        "files, data and MLflow runs of versions that do not serve and that no entry names since then. `promotion "
        "audit` without --since checks everything."
    )
    agree = "what was checked of the ledger, the labels, the files and MLflow agrees."
    assert told(audit_pages({"toy": ()}, since=since)) == [f"toy: {agree}", unchecked]
    assert told(audit_pages({"toy": [found(Code.MISSING, "toy:v")]}, since=since))[-1] == unchecked


def test_of_one_model_every_finding_is_shown():
    lost = [found(Code.MISSING, f"toy:v{number}") for number in range(9)]
    head, *each = told(audit_pages({"toy": lost}))
    assert head == "toy: 9 findings"
    assert each == [
        f"AUD014 toy:v{number}   expected: the version in prod   found:    no folder   fix:      Restore it."
        for number in range(9)
    ]


def test_of_many_models_those_that_agree_are_counted_and_each_kind_of_finding_is_shown_once():
    models = {f"team_{number:03}": [] for number in range(200)}
    for number in (3, 4, 5, 6, 7):
        models[f"team_{number:03}"] = [found(Code.MISSING, f"team_{number:03}:v"), found(Code.MIRROR, "mirror")]
    models["team_007"].append(found(Code.CHAIN, "entry 3"))
    table, *pages = audit_pages(models)
    assert [[cell.text for cell in cells] for cells in table.tables[0].rows] == [
        *([f"team_00{number}", "2", "AUD014, AUD034"] for number in (3, 4, 5, 6)),
        ["team_007", "3", "AUD014, AUD034, AUD001"],
    ]
    rest = "expected: the version in prod   found:    no folder   fix:      Restore it."
    assert told(pages) == [
        f"AUD014 team_003:v   {rest}   4 more like this: team_004:v, team_005:v, team_006:v and 1 more",
        f"AUD034 team_003 (mirror)   {rest}   4 more like this: team_004 (mirror), team_005 (mirror), team_006 (mirror) "
        "and 1 more",
        f"AUD001 team_007 (entry 3)   {rest}",
        "200 models, 5 with problems: 11 findings. `promotion audit MODEL` shows every finding on a model.",
    ]
