"""`promotion adopt` for an estate that existed before the ledger: all versions, who served, and what trained them."""

import json

import pytest
from situation import toy

from promotion.vocabulary import Stage

pytestmark = pytest.mark.integration
SERVED = ("adopt", "toy:weak", "--served-from", "2026-05-01T00:00Z", "--served-until", "2026-06-01T00:00Z")


def codes(command):
    return {one["code"] for one in json.loads(command("audit", "toy", "--json")[1])["toy"]}


def test_every_version_is_recorded_as_found(here, store, command):
    store.write_stage(toy("weak"), Stage.PROD)
    store.write_stage(toy("noisy"), Stage.ARCHIVED)
    code, out, err = command("adopt", "toy", "--all")
    assert (code, err) == (0, "")
    assert out.split("\n")[0].startswith("Recorded 5 versions: toy:good, toy:noisy, toy:spoilt, toy:twin, toy:weak.")
    assert "To make toy:weak the champion, run `promotion adopt toy:weak --reason …` with" in " ".join(out.split())
    assert command("adopt", "toy:weak", "--assume-clean", "--reason", "serves since May")[0] == 0
    assert codes(command) == set()
    assert store.get(toy("noisy")).stage == "archived"
    assert json.loads(command("adopt", "toy", "--all", "--json")[1]) == {"dry_run": False, "registered": []}


def test_only_rows_later_than_the_adoption_judge_what_was_trained_on_everything(here, store, command):
    store.write_stage(toy("weak"), Stage.PROD)
    assert command("adopt", "toy:weak", "--trained-on-everything", "--reason", "serves since May")[0] == 0
    assert "trained on everything before 2400.0: serves since May" in " ".join(command("show", "toy:weak")[1].split())
    assert command("gate", "toy:good")[0] == 4
    rows = (here / "rows.csv").read_text().splitlines()
    later = [row.split(",") for row in rows[1:]]
    more = [",".join((str(int(one[0]) + 5000), one[1], str(int(one[2]) + 2400), *one[3:])) for one in later]
    (here / "later.csv").write_text("\n".join([*rows, *more]) + "\n")
    decision = json.loads(command("gate", "toy:good", "--data", "later.csv", "--json")[1])
    assert (decision["verdict"], decision["holdout"]["rows"]) == ("promote", 2400)


def test_who_served_before_is_a_persons_word_that_at_and_rollback_know(here, store, command):
    assert command(*SERVED, "--reason", "the old dashboard says so")[0] == 0
    assert command("promote", "toy:good", "--override", "--yes", "--reason", "first")[0] == 0
    said = " ".join(command("champion", "toy", "--at", "2026-05-15T00:00Z")[1].split())
    assert said.startswith("toy:weak served at 2026-05-15 00:00:00 UTC, as config:tests stated: 'the old dashboard")
    assert said.endswith("entry 2). The ledger recorded nothing then, so nothing proves it.")
    shown = json.loads(command("champion", "toy", "--at", "2026-05-15T00:00Z", "--json")[1])
    assert (shown["tag"], shown["until"]) == ("toy:weak", "2026-06-01T00:00:00+00:00")
    assert shown["stated_by"] == "config:tests"
    assert command("champion", "toy", "--at", "2026-06-01T00:00Z")[0] == 1
    assert "toy:weak" not in command("history", "toy", "--champions")[1]
    assert "stated that toy:weak served from 2026-05-01 00:00 to 2026-06-01" in " ".join(
        command("history", "toy")[1].split()
    )
    assert command("gc", "toy", "--keep", "0", "--yes", "--reason", "space")[0] == 0
    assert command("rollback", "toy", "--to", "toy:weak", "--yes", "--reason", "complaints")[0] == 0
    assert command("rollback", "toy", "--to", "toy:good", "--yes", "--reason", "back")[0] == 0
    assert command("rollback", "toy", "--at", "2026-05-15T00:00Z", "--yes", "--reason", "again")[0] == 0
    assert codes(command) <= {"AUD015"}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (
            ("adopt", "toy:weak", "--all"),
            2,
            "--all takes the name of a model, and no other option than --dry-run and --json.",
        ),
        (("adopt", "toy:weak", "--assume-clean"), 2, "An adoption needs a reason, which is recorded."),
        (("adopt", "--reason", "r"), 2, "Name the version to adopt, or a model with --all, or"),
        (("adopt", "no", "--all"), 1, "There is no version of 'no'."),
        ((*SERVED[:4], "--reason", "r"), 2, "--served-from and --served-until go together"),
        ((*SERVED, "--assume-clean", "--reason", "r"), 2, "and are recorded apart from other statements."),
        ((*SERVED[:5], "2026-04-01", "--reason", "r"), 1, "The period must end after it begins, and not later than"),
        ((*SERVED, "--reason", " "), 1, "A manual change needs a reason."),
        (("adopt", "--from-mlflow", "toy", "--reason", "r"), 1, "State what you know about its training rows: either"),
        (
            ("adopt", "--from-mlflow", "toy", "--reason", "r", "--assume-clean"),
            1,
            "There is no MLflow model 'toy'.",
        ),
    ],
)
def test_what_cannot_be_recorded_is_a_sentence(here, command, mlflow_uri, arguments, code, sentence):
    found, out, err = command(*arguments)
    assert (found, out) == (code, "")
    assert sentence in " ".join(err.split())
    assert json.loads(command("history", "toy", "--json")[1]) == []


def test_periods_do_not_overlap(here, command):
    command(*SERVED, "--reason", "the old dashboard says so")
    code, _, err = command(*("adopt", "toy:good", *SERVED[2:]), "--reason", "I think so")
    assert code == 1
    assert "has already stated (entry 2) that toy:weak served from 2026-05-01T00:00:00+00:00 to" in " ".join(
        err.split()
    )
