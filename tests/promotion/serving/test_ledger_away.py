"""A process serves what it has while its ledger is away, and starts with what was last verified."""

import json
import sqlite3
import time
from contextlib import contextmanager

import pytest
from services import until
from situation import toy

from promotion.serving import NoChampion

pytestmark = pytest.mark.integration


@contextmanager
def moved_away(path):
    aside = path.with_name("aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


def test_it_serves_what_it_has_and_tells_so(registry_with_champion, serve, tmp_path):
    served = serve().wait(60)
    with moved_away(tmp_path / "ledger.db"):
        until(lambda: served.status()["ledger_problem"])
        assert "cannot be read (No such file or directory)" in served.status()["ledger_problem"]
        assert served.status()["tag"] == "toy:weak"
        assert not (tmp_path / "ledger.db").exists()
    until(lambda: served.status()["ledger_problem"] is None)


def test_it_starts_with_the_last_verified_version(registry_with_champion, serve, tmp_path):
    serve().wait(60)
    kept = tmp_path / "bentoml" / "serving" / "toy.json"
    until(kept.exists)
    with moved_away(tmp_path / "ledger.db"):
        again = serve().wait(60)
        assert again.status()["tag"] == "toy:weak"
        assert again.status()["ledger_age_seconds"] >= 0
        registry_with_champion.store.path(toy("weak")).joinpath("model.yaml").unlink()
        assert not serve().ready  # it verifies the files all the same
    assert json.loads(kept.read_text())["champion"]["tag"] == "toy:weak"


def test_an_empty_ledger_in_its_place_takes_nothing_away(registry_with_champion, serve, tmp_path, caplog):
    served = serve().wait(60)
    until((tmp_path / "bentoml" / "serving" / "toy.json").exists)
    with moved_away(tmp_path / "ledger.db"):
        until(lambda: served.status()["ledger_problem"])
        (tmp_path / "ledger.db").touch()
        again, absent = serve().wait(60), "There is no champion of 'toy' yet, according to the ledger."
        until(lambda: served.status()["ledger_problem"] == absent)
        assert [(one.status()["tag"], one.status()["ledger_problem"]) for one in (served, again)] == [
            ("toy:weak", absent)
        ] * 2
        confirmed = served._confirmed
        time.sleep(0.2)  # ten looks
        assert served._confirmed == confirmed  # no look at such a ledger makes what is known fresher
    assert f"{absent} toy:weak goes on serving." in caplog.text


def test_nobody_sees_that_it_is_away_before_what_is_wanted(registry_with_champion, serve, tmp_path):
    """Else a new worker would take requests that it cannot answer yet."""
    serve().wait(60)
    until((tmp_path / "bentoml" / "serving" / "toy.json").exists)
    with moved_away(tmp_path / "ledger.db"):
        for _ in range(20):
            served = serve()
            until(lambda served=served: served.status()["ledger_problem"])
            assert served.status()["wanted"] == "toy:weak"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"champion": {"tag": "toy:good"}}', "\0" * 100])
def test_what_was_kept_is_damaged(registry_with_champion, serve, tmp_path, content):
    (tmp_path / "bentoml" / "serving").mkdir()
    (tmp_path / "bentoml" / "serving" / "toy.json").write_text(content)
    unread = pytest.raises(NoChampion, match=r"The ledger at .* cannot be read")
    with moved_away(tmp_path / "ledger.db"), unread:
        serve().wait(0.3)
    assert serve().wait(60).status()["tag"] == "toy:weak"


def test_a_restored_ledger_is_read_anew(registry_with_champion, serve, tmp_path):
    served, ledger = serve().wait(60), tmp_path / "ledger.db"
    with sqlite3.connect(tmp_path / "backup.db") as backup, sqlite3.connect(ledger) as now:
        now.backup(backup)
    registry_with_champion.register(toy("good"))
    registry_with_champion.gate(toy("good"))
    until(lambda: served.status()["tag"] == "toy:good")
    for one in tmp_path.glob("ledger.db*"):
        one.unlink()
    (tmp_path / "backup.db").rename(ledger)
    until(lambda: served.status()["tag"] == "toy:weak")
