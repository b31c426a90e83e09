"""Two folders, each with its own ledger, on one model store: one ledger owns a model, and the other is refused."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import snapshot, toy
from sqlalchemy.engine import make_url

import promotion
from promotion.adapters.bento import BentoStore
from promotion.adapters.sql import SqlLedger
from promotion.errors import Refused, StoreError
from promotion.interfaces import call
from promotion.rows import fingerprints
from promotion.vocabulary import Stage, Tag
from registry_flows.under_prefect.dry_run import copied_registry

pytestmark = pytest.mark.integration

CHANGES = {
    "gate": ["gate", "toy:good"],
    "promote": ["promote", "toy:good", "--reason", "why", "--override", "--yes"],
    "rollback": ["rollback", "toy", "--reason", "why", "--yes"],
    "readmit": ["readmit", "toy:good", "--reason", "why"],
    "adopt": ["adopt", "toy:weak", "--reason", "why", "--assume-clean"],
    "approve": ["approve", "toy:good", "--reason", "why"],
    "deny": ["deny", "toy:good", "--reason", "why"],
    "repair": ["repair", "toy", "--yes"],
    "gc": ["gc", "toy", "--yes"],
    "sync": ["sync", "toy"],
}

WAY_OUT = (
    "Use that ledger (`ledger` in promotion.toml, or PROMOTION_LEDGER), or hand the model over to this ledger with "
    "`promotion ledger take toy --reason …`."
)


def claim_of(folder):
    return json.loads((folder / "bentoml" / "ledgers" / "toy.json").read_text())


def both_named(first, second, *, empty=True):
    since = claim_of(first)["since"][:16].replace("T", " ")
    here = f"the ledger at sqlite:///{second}/ledger.db {'has no entry for it' if empty else 'is a different one'}."
    return (
        f"'toy' in the model store belongs to the ledger at sqlite:///{first}/ledger.db (since {since} UTC, by "
        f"config:tests), but {here}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_something_is_refused_with_both_names(second, with_champion, at, name):
    before = snapshot(with_champion / "bentoml" / "models"), claim_of(with_champion)
    said = f"Error: {both_named(with_champion, second)} Nothing was changed. {WAY_OUT}"
    assert at(second, *CHANGES[name]) == (1, "", said)
    assert (snapshot(with_champion / "bentoml" / "models"), claim_of(with_champion)) == before
    assert not (second / "ledger.db").exists()


def test_a_training_is_refused_before_it_begins_and_so_is_python(second, with_champion):
    registry = promotion.open(second / "promotion.toml")
    dry_run = copied_registry(registry, "toy", actor=lambda: "tests")
    for change in (lambda: registry.check("toy"), lambda: registry.register(toy("good")), dry_run.__enter__):
        with pytest.raises(Refused, match=r"^'toy' in the model store belongs to the ledger at sqlite:///"):
            change()
    assert registry.history("toy") == ()


def test_what_reads_names_the_ledger_and_offers_no_adoption(second, with_champion, at):
    named = f"{both_named(with_champion, second)} {WAY_OUT}"
    code, out, _ = at(second, "status")
    assert (code, f"! {named}" in out, "adopt" in out) == (0, True, False)
    assert "no champion yet" not in out
    assert named in json.loads(at(second, "status", "--json")[1])["notes"]
    assert at(second, "champion", "toy") == (
        1,
        "",
        f"Note: {named} Error: There is no champion of 'toy' yet, according to the ledger.",
    )
    assert at(second, "history", "toy")[2] == f"Note: {named}"
    assert at(second, "metrics", "toy")[2] == f"Note: {named}"
    for look in ("show", "report"):
        code, out, err = at(second, look, "toy:weak")
        assert (code, out) == (1, "")
        assert err.startswith(f"Note: {named} Error: There is no registered version 'toy:weak'.")
    for mend in ("sync", "repair"):
        told = " ".join(at(second, mend)[1:])
        assert named in told
        assert "No model here belongs to this ledger." in told
    code, out, _ = at(second, "audit", "toy", "--json")
    (found,) = json.loads(out)["toy"]
    assert (code, found["code"], f"{found['found']} {found['mend']}") == (5, "AUD080", named)
    assert at(with_champion, "status")[1].count("belongs") == 0


def test_comparing_and_dry_runs_go_on_and_claim_nothing(second, with_champion, at):
    before = claim_of(with_champion)
    assert at(second, "compare", "toy:weak", "toy:good")[0] == 0
    code, out, err = at(second, "gate", "toy:good", "--dry-run")
    assert (code, out.startswith("Dry run: nothing was changed.")) == (0, True)
    named = both_named(with_champion, second)
    unowned = "This dry run uses a ledger that does not own the model, so the change cannot be applied."
    assert err == f"Note: {named} {WAY_OUT} {unowned}"
    for dry_run in (["rollback", "toy", "--reason", "r"], ["gc", "toy"], ["approve", "toy:good", "--reason", "r"]):
        code, out, err = at(second, *dry_run, "--dry-run")
        assert (code, out) == (1, "")
        assert err.endswith(f"Error: {named} Nothing was changed. {WAY_OUT}")
    assert claim_of(with_champion) == before
    assert not (second / "ledger.db").exists()


def test_a_dry_run_of_a_repair_is_refused_as_the_repair_is(second, at):
    assert at(second, "repair", "toy", "--dry-run") == at(second, "repair", "toy", "--yes")
    assert at(second, "repair", "toy", "--dry-run")[0] == 1


def test_on_a_shared_mlflow_a_dry_run_names_the_ledger_and_offers_no_adoption(second, with_champion, at):
    text = (second / "promotion.toml").read_text()
    shared = text.replace("sqlite:///mlflow.db", f"sqlite:///{with_champion}/mlflow.db")
    assert shared != text
    (second / "promotion.toml").write_text(shared)
    for command in (["gate", "toy:good"], ["promote", "toy:good", "--reason", "why", "--override"]):
        code, _, err = at(second, *command, "--dry-run")
        assert (code, err.count(both_named(with_champion, second))) == (1, 2)
        assert err.endswith("or hand the model over to this ledger with `promotion ledger take toy --reason …`.")
        assert "adopt" not in err


class TestTheSameLedgerElsewhere:
    @pytest.fixture(params=["copied", "imported", "migrated to PostgreSQL"])
    def moved(self, request, with_champion, command, monkeypatch):
        """URL of a copy of the first folder's ledger, set in the environment."""
        url = f"sqlite:///{with_champion}/moved.db"
        if request.param == "migrated to PostgreSQL":
            url = request.getfixturevalue("postgres_server").new_database()
        if request.param == "copied":
            with closing(sqlite3.connect("ledger.db")) as here, closing(sqlite3.connect("moved.db")) as there:
                here.backup(there)
        else:
            command("ledger", "export", "--out", "backup.jsonl")
        monkeypatch.setenv("PROMOTION_LEDGER", url)
        if request.param != "copied":
            assert command("ledger", "import", "backup.jsonl")[0] == 0
        return url

    @pytest.mark.slow
    def test_it_goes_on_and_what_was_left_behind_is_refused(self, with_champion, moved, at, monkeypatch):
        assert at(with_champion, "champion", "toy")[::2] == (0, "")
        assert "AUD080" not in at(with_champion, "audit", "toy")[1]
        before, place = claim_of(with_champion), SqlLedger(moved).place
        code, _, err = at(with_champion, "gate", "toy:good")
        assert code == 0
        assert err == (
            f"Note: The ledger of 'toy' moved from {before['place']} to {place}. From now on, commands refuse a copy "
            "left at the old place."
        )
        after = claim_of(with_champion)
        assert (after["ledger"], after["since"], after["place"]) == (before["ledger"], before["since"], place)
        assert make_url(moved).password is None or make_url(moved).password not in after["place"]

        monkeypatch.delenv("PROMOTION_LEDGER")
        code, _, err = at(with_champion, "gate", "toy:twin")
        assert code == 1
        assert f"the ledger at {before['place']} is a copy of that ledger without its entry {after['seq']}" in err
        assert at(with_champion, "ledger", "take", "toy", "--reason", "the old one counts", "--yes")[0] == 0
        monkeypatch.setenv("PROMOTION_LEDGER", moved)
        assert at(with_champion, "gate", "toy:twin")[0] == 1

    def test_a_backup_put_back_in_its_place_goes_on(self, with_champion, at):
        shutil.copy("ledger.db", "backup.db")
        assert at(with_champion, "gate", "toy:good")[0] == 0
        with closing(sqlite3.connect("backup.db")) as backup, closing(sqlite3.connect("ledger.db")) as ledger:
            backup.backup(ledger)
        assert at(with_champion, "repair", "toy", "--yes")[0] == 0
        assert at(with_champion, "promote", "toy:twin", "--reason", "why", "--override", "--yes")[0] == 0
        assert claim_of(with_champion)["hash"] in {one.hash for one in SqlLedger("sqlite:///ledger.db").entries("toy")}

    def test_a_new_one_in_its_place_is_another(self, with_champion, at):
        for path in with_champion.glob("ledger.db*"):
            path.unlink()
        code, _, err = at(with_champion, "gate", "toy:good")
        assert code == 1
        assert (
            "but the ledger there now is a different one, or empty. Nothing was changed. Restore that ledger from"
            in err
        )
        _, out, _ = at(with_champion, "ledger", "take", "toy", "--reason", "the team moved", "--dry-run")
        assert (
            f"from then on the previous ledger at sqlite:///{with_champion}/ledger.db can no longer change toy" in out
        )
        code, out, _ = at(with_champion, "audit", "toy", "--json")
        assert (code, {one["code"] for one in json.loads(out)["toy"]} >= {"AUD080", "AUD035"}) == (5, True)


class TestClaiming:
    def forget(self, folder):
        (folder / "bentoml" / "ledgers" / "toy.json").unlink()

    def test_other_models_of_the_store_may_be_another_ledgers(self, second, with_champion, at):
        recipe, rows = ToyRecipe(), synthetic_rows()
        training = recipe.split(rows).training
        trained, store = recipe.train(training, step=call), BentoStore(with_champion / "bentoml")
        store.save("pet:a", trained, metadata={}, training_rows=fingerprints(training["id"]))
        for folder in (second, with_champion):
            text = (folder / "promotion.toml").read_text()
            (folder / "promotion.toml").write_text(text + text[text.index("[models.toy]") :].replace("toy", "pet"))
        assert at(second, "gate", "pet:a")[0] == 0
        assert "'pet' in the model store belongs to" in at(with_champion, "promote", "pet:a", "--reason", "x", "-y")[2]
        for folder, other, ours in ((second, "toy", "pet"), (with_champion, "pet", "toy")):
            for name in ("repair", "sync"):
                code, out, err = at(folder, name)
                assert (code, f"Note: '{other}' in the model store belongs to" in err, ours in out) == (0, True, True)

    def test_of_a_store_by_an_earlier_release_the_ledger_that_agrees_claims_it(self, second, with_champion, at):
        before = claim_of(with_champion)
        self.forget(with_champion)
        assert "is labelled prod, but the ledger has no champion." in at(second, "status")[1]
        assert at(with_champion, "gate", "toy:spoilt")[0] == 3
        assert claim_of(with_champion)["ledger"] == before["ledger"]
        assert at(second, "gate", "toy:good")[0] == 1

    def test_a_repair_that_has_nothing_else_to_do_claims_it(self, second, with_champion, at):
        self.forget(with_champion)
        assert "AUD081" not in at(second, "audit", "toy")[1]
        found = json.loads(at(with_champion, "audit", "toy", "--json")[1])["toy"]
        assert [(one["severity"], one["mend"]) for one in found if one["code"] == "AUD081"] == [
            ("warning", "Run `promotion repair toy`. Until then, another ledger could take the model.")
        ]
        code, out, _ = at(with_champion, "repair", "toy", "--dry-run")
        told = "Dry run: nothing was changed. toy: the model store does not record which ledger owns it, and will record this one;"
        assert (code, out) == (0, told)
        assert json.loads(at(with_champion, "repair", "--dry-run", "--json")[1])["models"]["toy"]["claims"]
        assert BentoStore(with_champion / "bentoml").claim("toy") is None
        assert at(with_champion, "repair", "toy", "--yes")[0] == 0
        assert claim_of(with_champion)["place"] == f"sqlite:///{with_champion}/ledger.db"
        assert "AUD081" not in at(with_champion, "audit", "toy")[1]
        assert at(second, "gate", "toy:good")[0] == 1

    def test_a_ledger_that_labels_contradict_claims_it_only_once_it_wrote_them(self, with_champion, at):
        self.forget(with_champion)
        store = BentoStore(with_champion / "bentoml")
        store.write_stage(toy("twin"), Stage.PROD)
        store.write_stage(toy("weak"), Stage.ARCHIVED)
        registry = promotion.open(with_champion / "promotion.toml")
        registry.register(toy("noisy"))
        assert store.claim("toy") is None
        registry.repair("toy")
        assert store.claim("toy").ledger == registry.history("toy")[0].hash

    def test_one_that_is_damaged_stops_changes_and_not_who_serves(self, with_champion, at):
        path = with_champion / "bentoml" / "ledgers" / "toy.json"
        path.write_text("{}")
        said = f"{path} must name the ledger that 'toy' belongs to, but is damaged. Restore it from a backup. Or"
        code, _, err = at(with_champion, "gate", "toy:good")
        assert (code, err.startswith(f"Error: {said}")) == (1, True)
        code, out, err = at(with_champion, "champion", "toy")
        assert (code, out.startswith("toy:weak has served since "), err.startswith(f"Note: {said}")) == (0, True, True)
        found = json.loads(at(with_champion, "audit", "toy", "--json")[1])["toy"]
        (damaged,) = [one for one in found if one["code"] == "AUD018"]
        assert (damaged["subject"], damaged["expected"]) == (
            "ledger of toy", "a file that names the ledger of 'toy'"
        )  # fmt: skip
        assert damaged["found"].startswith(said)
        assert damaged["mend"].startswith(
            "Restore that file from a backup. Or delete it, and run `promotion repair toy` with"
        )
        path.unlink()
        assert at(with_champion, "gate", "toy:good")[0] == 0

    def test_bentoml_lists_models_as_before_and_no_name_leads_out_of_the_folder(self, with_champion):
        store = BentoStore(with_champion / "bentoml")
        assert store.foreign_files() == store.leftovers() == ()
        assert store.claim("../models/toy/weak") is None

    def test_where_it_cannot_be_written_what_was_asked_stands_and_the_next_command_claims(
        self, with_champion, monkeypatch
    ):
        self.forget(with_champion)
        notices = []
        registry = promotion.open(with_champion / "promotion.toml")
        monkeypatch.setattr(registry.parts.writer, "_notice", notices.append)
        with monkeypatch.context() as patch:

            def full(*_):
                raise StoreError("The model store cannot be written at /store (No space left on device).")

            patch.setattr(registry.store, "write_claim", full)
            registry.register(Tag("toy", "good"))
        assert notices == [
            "The model store cannot be written at /store (No space left on device). The change is recorded. The next "
            "command checks which ledger owns 'toy'."
        ]
        registry.register(Tag("toy", "twin"))
        assert registry.store.claim("toy") is not None
