"""Changes by others in the model store: reported, repaired if possible, never in the way."""

import shutil

import bentoml
import pytest
import yaml
from situation import bentoml_at, kinds, stages, toy

from promotion.errors import Refused, StoreError
from promotion.ledger.entries import Move, TransitionPlanned
from promotion.registry.repair import plan_repair
from promotion.vocabulary import Stage

pytestmark = pytest.mark.integration


def edit(registry, version, /, **changes):
    path = registry.store.path(toy(version)) / "model.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))


def tear(registry, version):
    (registry.store.path(toy(version)) / "model.yaml").unlink()


def vanish(registry, version):
    shutil.rmtree(registry.store.path(toy(version)))


def cut(registry, version):
    (registry.store.path(toy(version)) / "model.yaml").write_text("labels: {stage: pr")


def listed(registry):
    """What a plain user of BentoML sees: tag to stage."""
    with bentoml_at(registry.store.home):
        return {str(model.tag): model.info.labels.get("stage") for model in bentoml.models.list()}


class Killed(BaseException):
    """A process ends here."""


@pytest.fixture
def pending(registry_with_champion, monkeypatch):
    """`toy:good` was promoted over `toy:weak`, and the process was killed before it wrote any label."""

    def killed(*_):
        raise Killed

    monkeypatch.setattr(registry_with_champion.store, "write_stage", killed)
    with pytest.raises(Killed):
        registry_with_champion.gate(toy("good"))
    monkeypatch.undo()
    return registry_with_champion


class TestForeignLabels:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        "labels",
        [
            {},
            {"stage": ""},
            {"stage": "champion"},
            {"stage": 1},
            {"stage": None},
            {"stage": "archived"},
            {"owner": "me"},
        ],
    )
    @pytest.mark.parametrize("version", ["weak", "good"])
    def test_an_edited_label_is_found_and_written_again(self, registry_with_champion, labels, version):
        registry = registry_with_champion
        registry.register(toy("good"))
        before = stages(registry)
        edit(registry, version, labels=labels)
        assert {found.subject for found in registry.audit("toy") if found.severity == "error"} == {f"toy:{version}"}
        registry.repair("toy")
        assert stages(registry) == before
        assert [found for found in registry.audit("toy") if found.severity == "error"] == []
        assert plan_repair(registry.parts, "toy").bodies == ()
        assert {key: value for key, value in registry.store.get(toy(version)).labels.items() if key != "stage"} == {
            key: value for key, value in labels.items() if key != "stage"
        }

    def test_a_champion_imported_under_another_version_goes_to_wait(self, registry_with_champion, tmp_path):
        registry = registry_with_champion
        with bentoml_at(registry.store.home):
            bentoml.models.export_model("toy:weak", str(tmp_path / "weak.bentomodel"))
        with bentoml_at(tmp_path / "other"):
            imported = bentoml.models.import_model(str(tmp_path / "weak.bentomodel"))
        shutil.copytree(imported.path, registry.store.path(toy("imported")))
        edit(registry, "imported", version="imported")
        assert {tag for tag, stage in listed(registry).items() if stage == "prod"} == {"toy:weak", "toy:imported"}

        with pytest.raises(StoreError, match="`promotion repair toy` to correct it"):
            registry.gate(toy("good"))
        registry.repair("toy")
        assert {tag for tag, stage in listed(registry).items() if stage == "prod"} == {"toy:weak"}
        assert registry.store.get(toy("imported")).stage == "staging"
        registry.gate(toy("good"))
        assert registry.champion("toy").tag == toy("good")

    def test_one_registered_without_a_stage_that_takes_prod_goes_to_wait_too(self, registry_with_champion):
        registry = registry_with_champion
        edit(registry, "twin", labels={"owner": "me"})
        registry.register(toy("twin"))
        assert plan_repair(registry.parts, "toy").bodies == ()
        edit(registry, "twin", labels={"stage": "prod"})
        assert {(found.code, found.subject) for found in registry.audit("toy")} >= {("AUD012", "toy:twin")}
        registry.repair("toy")
        assert stages(registry) == {"weak": "prod", "twin": "staging"}

    def test_a_folder_copied_by_hand_is_torn_and_moved_out_since_bentoml_lists_it_twice(self, registry_with_champion):
        registry = registry_with_champion
        shutil.copytree(registry.store.path(toy("weak")), registry.store.path(toy("copy")))
        assert [stage for stage in listed(registry).values() if stage == "prod"] == ["prod"]
        with bentoml_at(registry.store.home):
            assert [str(model.tag) for model in bentoml.models.list()].count("toy:weak") == 2
        (finding,) = (found for found in registry.audit("toy") if found.severity == "error")
        assert "has a model.yaml that names 'toy:weak': the folder was copied or renamed by hand" in finding.found
        registry.gate(toy("good"))
        registry.repair("toy")
        with bentoml_at(registry.store.home):
            assert len(bentoml.models.list()) == 5
        assert stages(registry) == {"weak": "archived", "good": "prod"}

    def test_before_any_champion_of_record_no_prod_label_is_touched(self, registry):
        registry.store.write_stage(toy("weak"), Stage.PROD)
        registry.register(toy("weak"))
        assert registry.repair("toy").bodies == ()
        assert registry.store.get(toy("weak")).stage == "prod"

    def test_metadata_of_any_kind_can_be_recorded_and_read_back(self, registry):
        edit(registry, "weak", metadata={"mlflow_run_id": 123, "version": [1, {"a": 2.5}]})
        registry.register(toy("weak"))
        registration = registry.state("toy").versions["toy:weak"].registration
        assert (registration.run_id, registration.version) == ("123", "[1, {'a': 2.5}]")


class TestWhilePending:
    @pytest.mark.slow
    @pytest.mark.parametrize("hurt", [tear, cut, vanish])
    @pytest.mark.parametrize(
        ("version", "next_command"),
        [
            *((version, command) for version in ("weak", "good") for command in ("repair", "register", "promote")),
            ("good", "rollback"),
        ],
    )
    def test_a_torn_or_deleted_version_among_the_moves_stops_no_command(
        self, pending, opened, hurt, version, next_command
    ):
        hurt(pending, version)
        registry = opened()
        {
            "repair": lambda: registry.repair("toy"),
            "register": lambda: registry.register(toy("spoilt")),
            "rollback": lambda: registry.rollback("toy", reason="the champion is broken"),
            "promote": lambda: registry.promote(toy("twin"), reason="as good", override=True),
        }[next_command]()
        assert registry.state("toy").pending is None
        assert any(f"toy:{version}" in notice for notice in registry.notices)
        champion = {"rollback": "weak", "promote": "twin"}.get(next_command, "good")
        assert registry.champion("toy").tag == toy(champion)
        serving = [one.tag.version for one in registry.store.versions("toy") if one.stage == "prod"]
        lost = version == champion  # then the label stays, so that a service finds a version
        assert serving == (["weak"] if lost else [champion])

    @pytest.mark.parametrize("hurt", [tear, cut, vanish])
    def test_a_rollback_to_what_is_broken_moves_nothing_and_says_why(self, pending, hurt):
        hurt(pending, "weak")
        with pytest.raises((Refused, StoreError), match=r"^toy:weak "):
            pending.rollback("toy", reason="complaints")
        assert pending.champion("toy").tag == toy("good")
        assert pending.store.get(toy("good")).stage == "prod"

    @pytest.mark.parametrize("hurt", [tear, cut, vanish])
    def test_a_deletion_of_what_is_torn_or_gone_is_completed(self, pending, opened, hurt, monkeypatch):
        pending.gate(toy("spoilt"))

        def killed(*_):
            raise Killed

        monkeypatch.setattr(pending.store, "delete", killed)
        with pytest.raises(Killed):
            pending.gc("toy", keep=0, reason="old")
        monkeypatch.undo()
        hurt(pending, "spoilt")
        registry = opened()
        registry.repair("toy")
        assert registry.state("toy").pending is None
        assert not registry.store.path(toy("spoilt")).exists()

    def test_a_label_that_may_not_be_read_now_stops_commands_rather_than_being_given_up(self, pending, monkeypatch):
        def unreadable(*_):
            raise StoreError(
                "The model store cannot be read at /store (Input/output error). Check that this user can read it."
            )

        monkeypatch.setattr(pending.store, "write_stage", unreadable)
        with pytest.raises(StoreError, match="Input/output error"):
            pending.repair("toy")
        monkeypatch.undo()
        assert pending.state("toy").pending is not None
        pending.repair("toy")
        assert stages(pending) == {"weak": "archived", "good": "prod"}

    def test_a_dry_run_tells_what_would_be_left(self, pending):
        edit(pending, "twin", labels={"stage": "prod"})
        before = kinds(pending)
        found = plan_repair(pending.parts, "toy")
        assert found.state.pending
        assert [(move.tag, move.after) for move in found.transition.moves] == [("toy:twin", Stage.STAGING)]
        assert kinds(pending) == before


class TestBrokenChampion:
    @pytest.mark.parametrize(
        ("hurt", "found"),
        [
            (tear, r"toy:good has no model\.yaml: its save was cut short, and BentoML .* out of the store\."),
            (cut, r"toy:good has a model\.yaml that cannot be read \(.*\)\. Move the folder .* out of the store\."),
            (vanish, r"Its folder is not in the model store\."),
        ],
    )
    def test_it_is_told_loudly_and_a_rollback_brings_the_one_before(self, registry_with_champion, hurt, found):
        registry = registry_with_champion
        registry.gate(toy("good"))
        hurt(registry, "good")
        expected = (
            rf"^The champion toy:good cannot be used\. {found} Copy it there from another host's store or a backup, or "
            r"bring back the previous champion with `promotion rollback toy --reason …`\.$"
        )
        with pytest.raises(StoreError, match=expected):
            registry.gate(toy("twin"))
        with pytest.raises(StoreError, match=expected):
            registry.check("toy")
        assert {"AUD013", "AUD014"} & {one.code for one in registry.audit("toy")}

        registry.rollback("toy", reason="its files are broken")
        assert registry.champion("toy").tag == toy("weak")
        assert stages(registry)["weak"] == "prod"
        registry.repair("toy")
        assert "toy:good" not in listed(registry)
        assert listed(registry)["toy:weak"] == "prod"

    def test_one_that_was_lost_can_be_put_back_and_serves_as_before(self, registry_with_champion, tmp_path):
        registry = registry_with_champion
        whole = tmp_path / "backup"
        shutil.copytree(registry.store.path(toy("weak")), whole)
        tear(registry, "weak")
        done = registry.repair("toy")
        assert [foreign.path.name for foreign in done.foreign_files] == ["weak"]
        (moved,) = (notice for notice in registry.notices if notice.startswith("Moved "))
        assert "quarantine" in moved
        assert ". To move it back, run `mv " in moved
        shutil.copytree(whole, registry.store.path(toy("weak")))
        assert [one for one in registry.audit("toy") if one.severity == "error"] == []
        registry.gate(toy("good"))
        assert registry.champion("toy").tag == toy("good")

    def test_a_challenger_that_was_lost_says_when_it_was_registered(self, registry_with_champion):
        registry_with_champion.register(toy("twin"))
        vanish(registry_with_champion, "twin")
        expected = (
            r"^toy:twin was registered at 2026-11-22 12:\d\d UTC, but its files are no longer in the model store\. "
            r"Restore /.*/models/toy/twin from a backup, or train a new version\.$"
        )
        with pytest.raises(Refused, match=expected):
            registry_with_champion.gate(toy("twin"))


def test_the_move_that_makes_a_champion_comes_first(registry_with_champion):
    """A plain reader of labels must never find none in `prod`."""
    registry = registry_with_champion
    edit(registry, "twin", labels={"stage": "prod"})
    edit(registry, "weak", labels={"stage": "archived"})
    plan = plan_repair(registry.parts, "toy").transition
    assert plan == TransitionPlanned(
        cause="repair",
        moves=(
            Move(tag="toy:weak", before=Stage.ARCHIVED, after=Stage.PROD),
            Move(tag="toy:twin", before=Stage.PROD, after=Stage.STAGING),
        ),
        champion="toy:weak",
        reason="Labels that disagreed with the ledger were written again.",
    )
