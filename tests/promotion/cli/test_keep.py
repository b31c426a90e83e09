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

NOTHING = "toy: no label disagreed with the ledger\n"


@pytest.fixture
def store_of(with_champion):
    return BentoStore(with_champion / "bentoml")


@pytest.fixture
def broken(store_of):
    """One of each: a label edited, a torn version, a foreign folder, what a killed save left."""
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
        f"Move {store.home}/models/.cache to quarantine: it is no name of a model or version, and BentoML cannot list any "
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
        assert (broken.strays(), broken.leftovers()) == ((), ())
        assert command("repair") == (0, NOTHING, "")
        (line,) = (one for one in err.splitlines() if "models/toy/torn to" in one)
        subprocess.run(["sh", "-c", line.split("`")[1]], check=True)
        assert broken.path(toy("torn")).is_dir()

    @pytest.mark.parametrize(
        ("answer", "code", "last"), [("y", 0, "Repaired."), ("n", 130, "nothing more was changed.")]
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


class TestGc:
    @pytest.fixture
    def rejected(self, with_champion, command):
        """`spoilt` and `noisy` are rejected."""
        for name in ("spoilt", "noisy"):
            assert command("gate", f"toy:{name}")[0] == 3
        return BentoStore(with_champion / "bentoml")

    def test_it_shows_what_goes_and_why_the_others_stay_and_a_dry_run_ends_there(
        self, rejected, with_champion, command
    ):
        before = contents(with_champion)
        code, out, err = command("gc", "toy", "--keep", "1", "--older-than", "0d", "--dry-run")
        assert (code, err) == (0, "")
        assert [line.split() for line in out.splitlines() if line.strip() and "─" not in line] == [
            ["Dry", "run:", "nothing", "was", "changed."],
            ["toy:", "1", "version", "to", "delete."],
            ["version", "what", "why"],
            ["spoilt", "goes", "judged,", "never", "served,", "and", "neither", "new", "nor", "young"],
            ["good", "stays", "not", "registered:", "nobody", "recorded", "where", "it", "comes", "from"],
            ["noisy", "stays", "among", "the", "newest", "1", "that", "might", "go"],
            ["twin", "stays", "not", "registered:", "nobody", "recorded", "where", "it", "comes", "from"],
            ["weak", "stays", "serves"],
        ]
        assert contents(with_champion) == before

    def test_yes_deletes_and_show_still_tells_the_life(self, rejected, command):
        code, out, _ = command(
            "gc", "toy", "--keep", "1", "--older-than", "0d", "--yes", "--reason", "the disk is full"
        )
        assert (code, out.splitlines()[-1]) == (0, "Deleted toy:spoilt.")
        assert not rejected.path(toy("spoilt")).exists()
        code, out, _ = command("show", "toy:spoilt")
        assert code == 0
        assert "the disk is full" in unwrapped(out)
        assert "deleted toy:spoilt" in command("history", "toy")[1]
        code, _, err = command("gate", "toy:spoilt")
        assert code == 1
        assert "toy:spoilt was deleted at " in err
        assert ": the disk is full `promotion show toy:spoilt` tells its life" in err

    def test_json_is_one_value(self, rejected, command):
        code, out, _ = command("gc", "toy", "--keep", "0", "--older-than", "0d", "--yes", "--json")
        data = json.loads(out)
        assert (code, data["gone"], data["dry_run"]) == (0, ["toy:spoilt", "toy:noisy"], False)
        assert data["kept"]["toy:weak"] == "serves"
        assert json.loads(command("gc", "toy", "--json")[1])["gone"] == []

    def test_by_default_the_young_stay(self, rejected, command):
        code, out, err = command("gc", "toy", "--keep", "0")
        assert (code, err) == (0, "")
        assert out.startswith("toy: no version may go.\n")
        assert out.count("registered after 2") == 2

    def test_without_a_terminal_it_asks_for_yes_and_nothing_goes(self, rejected, with_champion, command):
        before = contents(with_champion)
        code, _, err = command("gc", "toy", "--keep", "0", "--older-than", "0d")
        assert (code, err) == (2, "Error: This asks for confirmation and there is no terminal to ask at; add --yes.\n")
        assert contents(with_champion) == before

    @pytest.mark.parametrize(
        "age",
        ["", "30", "-1d", "d", "1.5d", "30 days", "1y", "٣d", "9999999999d", "999999999w", "999999999d", "1000000w"],
    )
    def test_an_age_that_is_none_is_a_sentence(self, rejected, with_champion, command, age):
        before = contents(with_champion)
        expected = f"Error: '{age}' is no age: expected hours, days or weeks up to now, like 12h, 30d or 2w.\n"
        assert command("gc", "toy", f"--older-than={age}", "--yes") == (2, "", expected)
        assert contents(with_champion) == before

    def test_other_mistakes_are_sentences_too(self, rejected, command):
        assert command("gc", "tooy")[::2] == (1, "Error: There is no model 'tooy'. Did you mean 'toy'?\n")
        code, _, err = command("gc", "toy", "--keep", "-1")
        assert code == 2
        assert "Invalid value for '--keep'" in err
        code, _, err = command("gc", "toy", "--keep", "0", "--older-than", "0d", "--yes", "--reason", " ")
        assert (code, err) == (1, "Error: A change by hand needs a reason: --reason 'why'.\n")


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
