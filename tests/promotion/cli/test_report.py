"""`promotion report`: a decision as a file, here and in MLflow."""

import json
import re
import shutil
from pathlib import Path

import pytest
from situation import toy

from promotion.assembly import open_registry
from promotion.registry.register import Origin
from promotion.vocabulary import Tag

pytestmark = pytest.mark.integration


def test_the_command_writes_the_last_decision_on_a_version_or_the_one_named(with_champion, command):
    code, said, _ = command("report", "toy:weak")
    (path,) = with_champion.glob("decision-*.html")
    assert (code, said) == (0, f"Wrote {path.name}, the report of decision {path.stem[9:]} on toy:weak.\n")
    assert command("report", path.stem[9:], "--out", with_champion / "named.html")[0] == 0
    assert (with_champion / "named.html").read_text() == path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["toy:gone"], "There is no registered version 'toy:gone'"),
        (
            ["toy:good"],
            "toy:good has not been judged yet, so there is no decision to report. `promotion gate toy:good` judges it.",
        ),
        (["abcdef"], "There is no decision 'abcdef'"),
        (
            ["toy:weak", "--out", "no/such/folder.html"],
            "no/such/folder.html cannot be written (No such file or directory). Name another file with --out.",
        ),
    ],
)
def test_a_mistake_is_a_sentence(with_champion, command, arguments, sentence):
    registry = open_registry(with_champion / "promotion.toml")
    registry.register(toy("good"))
    code, said, told = command("report", *arguments)
    assert (code, said) == (1, "")
    assert sentence in told


def test_a_picture_that_fails_is_a_notice_and_the_decision_stands(here, command, monkeypatch, mlflow):
    def fails(found, **kept):
        raise ValueError("no ink")

    monkeypatch.setattr("promotion.report.decision_report.decision_document", fails)
    registry = open_registry(here / "promotion.toml", notice=(notices := []).append)
    registry.register(toy("weak"), Origin(run_id=mlflow.new_run()))
    registry.gate(toy("weak"))
    assert "The report of entry 2 of 'toy' could not be drawn (no ink). The record is complete." in notices
    assert registry.ledger.mirrored("toy") == registry.state("toy").seq


def test_mlflow_keeps_the_report_under_the_decisions_id_and_it_is_drawn_once(here, mlflow, monkeypatch):
    registry, run_id = open_registry(here / "promotion.toml"), mlflow.new_run()
    registry.register(toy("weak"), Origin(run_id=run_id))
    decision = registry.gate(toy("weak"))
    names = [one.path for one in mlflow.list_artifacts(run_id, "decisions")]
    assert names == [f"decisions/{decision.id}.html", f"decisions/{decision.id}.json"]
    kept = Path(mlflow.download_artifacts(run_id, names[0]))
    assert "PROMOTED" in kept.read_text()
    last = registry.history("toy")[-1]
    assert (
        f"This page shows the state at {last.at[:10]} {last.at[11:16]} UTC (entry {last.seq}) and is never updated. "
        f"promotion report {decision.id} shows what followed."
    ) in re.sub(r"<[^>]+>", "", kept.read_text())
    monkeypatch.setattr("promotion.report.html.page_html", lambda document: "drawn again")
    assert registry.sync("toy", everything=True)
    assert "PROMOTED" in Path(mlflow.download_artifacts(run_id, names[0])).read_text()


def test_a_report_that_an_earlier_release_named_by_the_entry_stays_and_is_not_drawn_again(here, mlflow):
    registry, run_id = open_registry(here / "promotion.toml"), mlflow.new_run()
    registry.register(toy("weak"), Origin(run_id=run_id))
    mlflow.log_text(run_id, "as it was", "decisions/2.html")
    decision = registry.gate(toy("weak"))
    assert registry.state("toy").versions["toy:weak"].decided_seq == 2
    names = [one.path for one in mlflow.list_artifacts(run_id, "decisions")]
    assert set(names) == {"decisions/2.html", f"decisions/{decision.id}.json"}
    assert Path(mlflow.download_artifacts(run_id, "decisions/2.html")).read_text() == "as it was"


def test_the_site_is_written_beside_the_registry_and_says_what_it_did(with_champion, command, weak_alone):
    code, out, err = command("report", "--site", "public")
    assert (code, err) == (0, "")
    assert out == "Wrote 3 pages; 0 were up to date. Open public/index.html in a browser.\n"
    told = json.loads(command("report", "--site", "public", "--json")[1])
    assert told == {"index": "public/index.html", "drawn": [], "kept": 3, "unread": []}
    assert "toy" in (with_champion / "public" / "index.html").read_text()


def roll_back_row(folder):
    """The words of the row `roll back` on the model's page, and what its buttons copy."""
    cell = re.search(r"<dt>roll back</dt><dd>(.*?)</dd>", (folder / "public" / "model-toy.html").read_text(), re.DOTALL)
    return re.sub(r"<[^>]+>", "", cell[1]), re.findall(r'data-copy="([^"]+)"', cell[1])


def test_the_site_names_the_same_way_back_as_status_whatever_happened(with_champion, store, command):
    def agreed():
        assert command("report", "--site", "public")[0] == 0
        words, copied = roll_back_row(with_champion)
        assert " ".join(command("status", "toy")[1].split()).endswith(words)
        assert all(words.endswith(line) for line in copied)
        return words, len(copied)

    assert agreed() == ("There is no previous champion to roll back to.", 0)
    assert command("gate", "toy:good")[0] == 0
    assert agreed() == ("To roll back to toy:weak: promotion rollback toy --reason …", 1)
    assert command("rollback", "toy", "--reason", "complaints", "--yes")[0] == 0
    words, copied = agreed()
    assert (words.partition(": promotion ")[2], copied) == ("rollback toy --to good --reason …", 1)
    assert command("promote", "toy:twin", "--override", "--reason", "r", "--yes")[0] == 0
    shutil.rmtree(store.path(Tag("toy", "weak")))  # the page is drawn again although the ledger has no new entry
    words, copied = agreed()
    assert words.startswith("The previous champion cannot be brought back. ")
    assert (words.partition(": promotion ")[2], copied) == ("rollback toy --to good --reason …", 1)


def test_a_folder_that_cannot_be_had_is_one_sentence(with_champion, command):
    assert command("report", "--site", "rows.csv") == (
        1,
        "",
        "Error: The site cannot be written to rows.csv (it is a file). Give --site a folder, or the name of a new one.\n",
    )
