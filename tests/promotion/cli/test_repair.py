"""`promotion repair`: shows its changes, asks, and says how to undo them."""

import json
import os
import pty
import shutil
import subprocess
import sys

import pytest
import yaml
from situation import contents, toy

from promotion.adapters.bento import BentoStore
from promotion.vocabulary import Stage

pytestmark = pytest.mark.integration

NOTHING = "toy: no label disagreed with the ledger\n"


@pytest.fixture
def store_of(with_champion):
    return BentoStore(with_champion / "bentoml")


@pytest.fixture
def broken(store_of):
    """One of each: an edited label, a torn version, a foreign folder, leftovers of a killed save."""
    store_of.write_stage(toy("weak"), Stage.ARCHIVED)
    torn = store_of.path(toy("torn"))
    torn.mkdir()
    os.utime(torn, (1, 1))
    (store_of.home / "models" / ".cache").mkdir()
    left = store_of.home / "tmp" / "saving-1"
    left.mkdir(parents=True)
    (left / ".owned").touch()
    return store_of


def told(store):
    """What a repair of it says that it will do."""
    return (
        "toy: toy:weak archived → prod\n"
        f"Move {store.home}/models/.cache to quarantine: it is not a valid name of a model or version, and BentoML cannot list any "
        "model while the folder lies there.\n"
        f"Move {store.home}/models/toy/torn to quarantine: it has no model.yaml: its save was cut short, and BentoML "
        "cannot list any model while it lies there.\n"
        f"Delete {store.home}/tmp/saving-1: it was left by a save or a deletion that was killed.\n"
    )


def unwrapped(text):
    return " ".join(text.split())


class TestRepair:
    def test_nothing_to_do_asks_nothing(self, with_champion, command):
        assert command("repair") == (0, NOTHING, "")
        plan = {"completes": None, "moves": [], "aliases": {}, "claims": False}
        data = {"dry_run": False, "models": {"toy": plan}, "strays": [], "leftovers": []}
        assert json.loads(command("repair", "--json")[1]) == data

    def test_without_a_terminal_it_shows_and_asks_for_yes(self, broken, with_champion, command):
        before = contents(with_champion)
        code, out, err = command("repair")
        assert (code, unwrapped(out)) == (2, unwrapped(told(broken)))
        assert err == "Error: This asks for confirmation and there is no terminal to ask at; add --yes.\n"
        assert contents(with_champion) == before

    def test_a_dry_run_shows_the_same_and_changes_nothing(self, broken, with_champion, command):
        before = contents(with_champion)
        code, out, err = command("repair", "toy", "--dry-run")
        assert (code, err) == (0, "")
        assert unwrapped(out) == unwrapped("Dry run: nothing was changed. " + told(broken))
        data = json.loads(command("repair", "--dry-run", "--json")[1])
        assert data["dry_run"] is True
        assert [move["after"] for move in data["models"]["toy"]["moves"]] == ["prod"]
        assert len(data["strays"]) == 2
        assert contents(with_champion) == before

    def test_yes_does_it_and_says_how_to_bring_things_back(self, broken, command):
        code, out, err = command("repair", "--yes")
        assert (code, unwrapped(out)) == (0, unwrapped(told(broken) + "Repaired."))
        assert err.count("Note: Moved ") == err.count(" brings it back.") == 2
        assert "which was left by a save or a deletion that was killed." in err
        assert broken.get(toy("weak")).stage == "prod"
        assert (broken.foreign_files(), broken.leftovers()) == ((), ())
        assert command("repair") == (0, NOTHING, "")
        (line,) = (one for one in err.splitlines() if "models/toy/torn to" in one)
        subprocess.run(["sh", "-c", line.split("`")[1]], check=True)
        assert broken.path(toy("torn")).is_dir()

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("answer", "code", "last"), [("y", 0, "Repaired."), ("n", 130, "Nothing more was changed.")]
    )
    def test_at_a_terminal_it_asks(self, broken, with_champion, answer, code, last):
        ours, theirs = pty.openpty()
        done = subprocess.Popen(
            [sys.executable, "-m", "promotion", "repair"],
            cwd=with_champion,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.write(ours, f"{answer}\n".encode())
        said, _ = done.communicate(timeout=120)
        os.close(ours)
        os.close(theirs)
        assert done.returncode == code
        assert "Do this? [y/N]:" in said
        assert said.strip().endswith(last)
        assert broken.get(toy("weak")).stage == ("prod" if code == 0 else "archived")

    def test_a_champion_that_is_lost_is_told_and_stays_lost_until_a_rollback(self, store_of, command):
        shutil.rmtree(store_of.path(toy("weak")))
        code, out, _ = command("repair")
        assert code == 1
        expected = (
            "! The champion toy:weak cannot be used. Its folder is not in the Bento store. Copy it there from another "
            "host's store or a backup, or bring back the champion before it: `promotion rollback toy --reason …`."
        )
        assert expected in unwrapped(out)
        assert expected in unwrapped(command("status")[1])

    def test_an_unknown_model_is_a_sentence(self, with_champion, command):
        assert command("repair", "tooy") == (1, "", "Error: There is no model 'tooy'. Did you mean 'toy'?\n")


def test_an_interrupted_change_is_told_by_a_dry_run_and_completed_by_a_repair(with_champion, command, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(BentoStore, "write_stage", killed)
        with pytest.raises(Killed):
            command("promote", "toy:good", "--override", "--reason", "better", "--yes")
    code, out, _ = command("repair", "--dry-run")
    assert code == 0
    assert "was interrupted and will be completed" in unwrapped(out)
    assert command("repair") == (0, NOTHING, "")
    labels = {
        name: yaml.safe_load((with_champion / f"bentoml/models/toy/{name}/model.yaml").read_text())["labels"]["stage"]
        for name in ("weak", "good")
    }
    assert labels == {"weak": "archived", "good": "prod"}
