import sqlite3
from contextlib import closing
from datetime import datetime

import pytest
import recipes
from recipes import synthetic_rows
from situation import faults, kinds, snapshot, stages, toy

from promotion.adapters.memory import MemoryMirror
from promotion.adapters.mlflow import MlflowMirror
from promotion.config import Config
from promotion.errors import (
    ConfigError,
    Conflict,
    DataError,
    LedgerError,
    MirrorError,
    Refused,
    StoreError,
    UnknownName,
)
from promotion.ledger.folding import fold
from promotion.registry.register import Origin
from promotion.vocabulary import Verdict

pytestmark = pytest.mark.integration


class Killed(BaseException):
    """What a kill looks like from inside: no `except Exception` sees it."""


class MirrorAway(MemoryMirror):
    """A mirror that can be switched off."""

    away = True

    def push(self, state):
        if self.away:
            raise MirrorError("MLflow at http://away did not answer.")
        return super().push(state)


@pytest.fixture
def killed_at(registry, monkeypatch):
    """Make the n-th label write of this registry die before it writes."""

    def arm(n):
        real, count = registry.store.write_stage, iter(range(1, 100))

        def write_stage(tag, stage):
            if next(count) == n:
                raise Killed
            real(tag, stage)

        monkeypatch.setattr(registry.store, "write_stage", write_stage)

    return arm


def meddling(function):
    """A step that lets someone else act just before the decision."""

    def step(wrapped, *args, **kwargs):
        if wrapped.__name__ == "decide":
            function()
        return wrapped(*args, **kwargs)

    return step


class TestByHand:
    @pytest.mark.parametrize("reason", ["", "  "])
    def test_a_change_needs_a_reason(self, registry_after_three_champions, reason):
        registry = registry_after_three_champions
        for act in (
            lambda: registry.promote(toy("good"), reason=reason, override=True),
            lambda: registry.rollback("toy", reason=reason),
            lambda: registry.adopt(toy("good"), reason=reason, assume_clean=True),
        ):
            with pytest.raises(Refused, match=r"^A manual change needs a reason\. Add --reason 'why'\.$"):
                act()

    def test_who_served_when(self, registry_after_three_champions):
        registry = registry_after_three_champions
        registry.rollback("toy", reason="complaints")
        changes = [entry for entry in registry.history("toy") if entry.kind == "transition_planned"]
        times = [datetime.fromisoformat(entry.at) for entry in changes]
        assert [registry.champion("toy", at=time).tag.version for time in times] == ["weak", "good", "twin", "good"]
        assert registry.champion("toy", at=times[0].replace(year=2000)) is None
        assert registry.champion("toy", at=times[-1].replace(year=2030)) == registry.champion("toy")


class TestInterrupted:
    @pytest.mark.slow
    @pytest.mark.parametrize("n", [1, 2], ids=["before any label", "between the two"])
    @pytest.mark.parametrize("next_command", ["repair", "gate", "promote", "rollback", "register"])
    def test_the_next_command_completes_what_a_kill_left(
        self, opened, registry_with_champion, killed_at, monkeypatch, n, next_command
    ):
        killed_at(n)
        with pytest.raises(Killed):
            registry_with_champion.gate(toy("good"))
        monkeypatch.undo()
        registry = opened()
        assert registry.champion("toy").tag == toy("good")
        assert registry.state("toy").pending is not None
        assert "prod" in stages(registry).values()
        assert "AUD004" in {finding.code for finding in faults(registry)}

        {
            "repair": lambda: registry.repair("toy"),
            "gate": lambda: registry.gate(toy("spoilt")),
            "promote": lambda: registry.promote(toy("twin"), reason="newer", override=True),
            "rollback": lambda: registry.rollback("toy", reason="complaints"),
            "register": lambda: registry.register(toy("spoilt")),
        }[next_command]()
        expected = {"promote": "twin", "rollback": "weak"}.get(next_command, "good")
        serving = [version for version, stage in stages(registry).items() if stage == "prod"]
        assert serving == [expected]
        assert registry.champion("toy").tag == toy(expected)
        assert faults(registry) == ()

    def test_labels_that_cannot_be_written_leave_the_decision_standing(self, registry_with_champion, monkeypatch):
        def refuse(*_):
            raise StoreError(
                "The model store cannot be written at /store (Read-only file system); nothing was changed there."
            )

        monkeypatch.setattr(registry_with_champion.store, "write_stage", refuse)
        with pytest.raises(StoreError, match="Read-only file system"):
            registry_with_champion.gate(toy("good"))
        monkeypatch.undo()
        assert registry_with_champion.repair("toy").transition is None
        assert stages(registry_with_champion) == {"weak": "archived", "good": "prod"}

    def test_one_that_slept_since_it_read_the_ledger_writes_no_old_label(
        self, opened, registry_with_champion, killed_at, monkeypatch
    ):
        killed_at(1)
        with pytest.raises(Killed):
            registry_with_champion.gate(toy("good"))
        monkeypatch.undo()
        slow, quick = opened(), opened()
        real = slow.store.held

        def after_two_more_moves(model):
            monkeypatch.undo()
            quick.promote(toy("twin"), reason="newer", override=True)
            return real(model)

        monkeypatch.setattr(slow.store, "held", after_two_more_moves)
        slow.repair("toy")
        assert stages(slow) == {"weak": "archived", "good": "archived", "twin": "prod"}
        assert kinds(slow)[-1] == "transition_applied"
        assert faults(slow) == ()


class TestConflict:
    def test_who_comes_second_changes_nothing_and_is_told_who_was_first(self, opened, registry_with_champion):
        other = opened(actor=lambda: "config:ci")
        entered = len(kinds(registry_with_champion)) + 1
        expected = (
            rf"^config:ci wrote entry {entered} to the ledger of 'toy' while this command ran, so nothing "
            r"was changed\. Look at `promotion history toy` and run the command again\.$"
        )
        with pytest.raises(Conflict, match=expected) as raised:
            registry_with_champion.gate(
                toy("good"),
                step=meddling(lambda: other.promote(toy("twin"), reason="first", override=True)),
            )
        assert raised.value.exit_code == 6
        assert stages(registry_with_champion) == {"weak": "archived", "twin": "prod"}
        assert registry_with_champion.store.get(toy("good")).stage == "staging"
        assert "toy:good" not in registry_with_champion.state("toy").versions
        assert faults(other) == ()


class TestMirrorAway:
    def test_the_transition_stands_a_notice_is_given_and_the_mirror_catches_up(self, opened):
        mirror = MirrorAway()
        registry = opened(mirror=mirror)
        registry.register(toy("weak"), Origin(run_id="run-weak"))
        registry.gate(toy("weak"))
        assert stages(registry) == {"weak": "prod"}
        sentence = "MLflow at http://away did not answer. The decision stands. Once MLflow answers, run `promotion sync` to send it."
        assert registry.notices == [sentence, sentence]
        assert [(one.code, one.severity) for one in faults(registry)] == [("AUD033", "warning")]
        assert registry.sync("toy") is False

        mirror.away = False
        assert registry.sync("toy") is True
        assert mirror.aliases("toy") == {"champion": "toy:weak"}
        assert faults(registry) == ()

    def test_every_decision_reaches_it_also_two_on_one_version(self, opened):
        mirror = MirrorAway()
        mirror.away = False
        registry = opened(mirror=mirror)
        registry.promote(toy("good"), reason="to compare with", override=True)
        registry.register(toy("twin"), Origin(run_id="run-twin"))
        mirror.away = True
        assert [registry.gate(toy("twin")).verdict for _ in range(2)] == [Verdict.HOLD, Verdict.HOLD]
        mirror.away = False
        registry.register(toy("weak"))
        assert registry.ledger.mirrored("toy") == registry.state("toy").seq
        assert faults(registry) == ()

    def test_mlflow_shows_the_champion_that_serves(self, opened, mlflow, mlflow_uri):
        registry = opened(mirror=MlflowMirror(mlflow_uri))
        for version in ("weak", "good"):
            registry.register(toy(version), Origin(run_id=mlflow.new_run()))
            registry.gate(toy(version))
        registry.rollback("toy", reason="complaints")

        champion = mlflow.get_model_version_by_alias("toy", "champion")
        assert champion.tags["promotion.tag"] == str(registry.champion("toy").tag) == "toy:weak"
        assert champion.tags["promotion.digest"] == registry.champion("toy").digest
        assert faults(registry) == ()

    def test_a_run_that_somebody_deleted_stops_nothing_and_is_told(self, opened, mlflow, mlflow_uri):
        registry = opened(mirror=MlflowMirror(mlflow_uri))
        runs = {version: mlflow.new_run() for version in ("weak", "good")}
        for version, run_id in runs.items():
            registry.register(toy(version), Origin(run_id=run_id))
        mlflow.delete_run(runs["good"])
        for version in runs:
            registry.gate(toy(version))
        assert mlflow.get_model_version_by_alias("toy", "champion").tags["promotion.tag"] == "toy:good"
        assert registry.notices == [
            f"MLflow cannot show decisions in {runs['good']}, because these runs are missing or deleted. The decisions "
            "stand. Restore a deleted run with `mlflow runs restore --run-id RUN`, then run `promotion repair toy` to "
            "send everything again."
        ]
        assert {finding.code for finding in faults(registry)} == {"AUD032", "AUD059"}

        mlflow.restore_run(runs["good"])
        registry.repair("toy")
        assert faults(registry) == ()


def test_where_the_ledgers_end_was_cut_off_the_next_command_says_so(opened, registry_after_three_champions):
    registry = registry_after_three_champions
    whole = registry.history("toy")
    cut = whole[:-4]
    with closing(sqlite3.connect("ledger.db")) as ledger, ledger:
        ledger.execute("delete from entries")
        ledger.execute("delete from heads")
    registry.ledger.append(cut, fold("toy", cut).head)
    later = opened()
    assert later.sync("toy") is False
    assert later.notices == [
        f"MLflow has received entry {len(whole)} of 'toy', but the ledger ends at entry {len(cut)}: its end was cut off, "
        "or it is an older copy. Run `promotion audit toy` to see what to do."
    ]
    for name in ("noisy", "spoilt"):
        later.promote(toy(name), reason="grown again", override=True)
    assert later.state("toy").seq > len(whole)
    assert later.notices[-1] == (
        f"Entry {len(whole)} of 'toy' in the ledger differs from the one that MLflow received, so the ledger was cut "
        "or rewritten. MLflow was not changed. Run `promotion audit toy` to see what to do."
    )


class TestConfiguration:
    def test_nothing_configured_for_a_model_is_a_sentence(self, opened, tmp_path):
        registry = opened(config=Config(root=tmp_path))
        with pytest.raises(
            UnknownName, match=r"^There is no model 'toy'\. No model is configured in .*/.*\. Run this in "
        ):
            registry.gate(toy("good"))
        registry.promote(toy("good"), reason="by hand it works", override=True)
        assert registry.models() == ("toy",)

    @pytest.mark.parametrize(
        ("recipe", "options", "sentence"),
        [
            (
                "recipes.ToyRecipe",
                {},
                r"^A recipe must be named as package\.module:Class, but is 'recipes\.ToyRecipe'\.$",
            ),
            (
                "recipies:ToyRecipe",
                {},
                r"'recipies:ToyRecipe' cannot be imported: there is no module 'recipies' here\.$",
            ),
            ("recipes:TooyRecipe", {}, r"'recipes:TooyRecipe' cannot be created: module 'recipes' has no attribute"),
            ("recipes:ToyRecipe", {"sed": 1}, r"cannot be created: .* unexpected keyword argument 'sed'\.$"),
            (
                "builtins:dict",
                {},
                r"^'builtins:dict' is not a valid recipe: it is missing key, label, time, load, split, train, score\.$",
            ),
        ],
    )
    def test_a_recipe_that_cannot_be_made_is_a_sentence(self, opened, settings_of_toy, recipe, options, sentence):
        changes = {"recipe": recipe, "options": options}
        models = {"toy": settings_of_toy.models["toy"].model_copy(update=changes)}
        registry = opened(config=settings_of_toy.model_copy(update={"models": models}))
        with pytest.raises(ConfigError, match=sentence):
            registry.gate(toy("good"))
        assert kinds(registry) == []

    def test_a_recipe_that_fails_to_load_is_a_sentence(self, registry, monkeypatch):
        def fail(*_):
            raise KeyError("y")

        monkeypatch.setattr(recipes.ToyRecipe, "load", fail)
        with pytest.raises(DataError, match=r"^The recipe could not load .*rows\.csv \(KeyError: 'y'\)\.$"):
            registry.gate(toy("good"))

    def test_rows_are_read_once_until_the_file_changes(self, registry, rows_file):
        _, first = registry.reader.load("toy")
        assert registry.reader.load("toy")[1].rows is first.rows
        synthetic_rows(500).to_csv(rows_file, index=False)
        assert len(registry.reader.load("toy")[1].rows) == 500

    def test_a_broken_ledger_stops_commands(self, opened, registry_with_champion):
        with sqlite3.connect("ledger.db") as connection:
            connection.execute("update entries set body = '{' where seq = 2")
        connection.close()
        before = snapshot(registry_with_champion.store.home)
        with pytest.raises(LedgerError, match=r"^Entry 2 of 'toy' in the ledger is damaged"):
            opened().gate(toy("good"))
        assert snapshot(registry_with_champion.store.home) == before
