"""MLflow aliases that this ledger never sent: nothing is promoted over them, and nothing moves them unasked."""

import pytest
from situation import faults, kinds, settings_at, toy

from promotion.adapters.mlflow import MlflowMirror
from promotion.errors import MirrorError, Refused
from promotion.ledger.entries import FreshStart
from promotion.registry.gate import plan_gate
from promotion.registry.promote import plan_promotion
from promotion.registry.register import Origin
from promotion.registry.registry import Registry
from promotion.registry.repair import plan_repair
from promotion.vocabulary import Stage, Verdict

pytestmark = pytest.mark.integration

AWAY = "MLflow at http://away did not answer."
FOUND = "In MLflow, the alias champion of 'toy' points to version 2"
CHOOSE = "To continue, do one of the following:"
UNKNOWN = f"the ledger has no champion of 'toy'. Nothing was promoted or sent to MLflow. {CHOOSE}"
ANEW = (
    "- To start without it, add `--start-anew --reason …` to `promotion retrain`, `gate` or `promote`. The ledger "
    "records this."
)


@pytest.fixture
def theirs(mlflow):
    """Three versions of `toy` that somebody else created in MLflow."""
    mlflow.create_registered_model("toy", tags={"team": "risk"})
    return [mlflow.create_model_version("toy", source="file:///nowhere", tags={"by": "them"}) for _ in range(3)]


@pytest.fixture
def champion_of_others(mlflow, theirs):
    mlflow.set_registered_model_alias("toy", "champion", "2")
    mlflow.set_registered_model_alias("toy", "challenger", "3")


@pytest.fixture
def registry(opened, mlflow_uri) -> Registry:
    return opened(mirror=MlflowMirror(mlflow_uri))


def shown(registry):
    return dict(registry.mirror.aliases("toy"))


def away(registry, monkeypatch):
    def fail(*_):
        raise MirrorError(AWAY)

    for name in ("aliases", "push", "head"):
        monkeypatch.setattr(registry.mirror, name, fail)


ACTS = {
    "check": lambda registry: registry.check("toy"),
    "gate": lambda registry: registry.gate(toy("good")),
    "a dry run of the gate": lambda registry: plan_gate(registry.parts, toy("good")),
    "promote": lambda registry: registry.promote(toy("good"), reason="r", override=True),
    "a preview of it": lambda registry: plan_promotion(registry.parts, toy("good"), reason="r", override=True),
}


class TestNoChampionOfRecord:
    @pytest.mark.parametrize("act", ACTS)
    def test_nothing_is_promoted_over_mlflows_champion(self, registry, champion_of_others, act):
        before = shown(registry)
        assert before == {"champion": "toy/2", "challenger": "toy/3"}
        with pytest.raises(Refused) as raised:
            ACTS[act](registry)
        assert str(raised.value) == (
            f"{FOUND} (challenger to version 3), but {UNKNOWN}\n- To keep it, run `promotion adopt --from-mlflow "
            "toy@champion --trained-before TIME --reason …` (or --assume-clean, or --trained-on-everything), which copies "
            "it and makes it the champion.\n" + ANEW
        )
        assert raised.value.exit_code == 1
        assert (shown(registry), registry.history("toy")) == (before, ())
        noted = {} if act in {"a dry run of the gate", "a preview of it"} else before
        assert registry.ledger.foreign("toy") == noted

    def test_a_registration_stands_and_nothing_of_it_is_sent(self, registry, champion_of_others, mlflow):
        registry.register(toy("good"))
        (notice,) = registry.notices
        assert notice.startswith(f"{FOUND} (challenger to version 3), but {UNKNOWN}")
        assert len(mlflow.search_model_versions("name='toy'")) == 3
        assert mlflow.get_registered_model("toy").tags == {"team": "risk"}
        assert registry.sync("toy") is False
        assert {(one.code, one.subject, one.found) for one in faults(registry)} == {
            ("AUD033", "mirror", "no entry in MLflow"),
            ("AUD038", "alias champion", "toy/2"),
            ("AUD038", "alias challenger", "toy/3"),
        }
        registry.repair("toy")
        assert shown(registry) == {"champion": "toy/2", "challenger": "toy/3"}

    def test_an_approval_asks_too(self, opened, registry, theirs, mlflow, tmp_path):
        config = settings_at(tmp_path, policy={"approval": "required"})
        alice, bob = (opened(config=config, mirror=registry.mirror, actor=lambda n=n: f"os:{n}") for n in ("a", "b"))
        assert alice.gate(toy("good")).waits
        mlflow.set_registered_model_alias("toy", "champion", "2")
        with pytest.raises(
            Refused, match=r"^In MLflow, the alias champion of 'toy' points to version 2 \(challenger to toy:"
        ):
            bob.approve(toy("good"), reason="fine")
        assert shown(registry)["champion"] == "toy/2"
        bob.deny(toy("good"), reason="not yet")

    def test_a_fresh_start_is_recorded_once_and_the_aliases_follow_from_then_on(
        self, registry, champion_of_others, mlflow, monkeypatch
    ):
        with pytest.raises(Refused, match=r"^A manual change needs a reason"):
            registry.start_anew("toy", reason=" ")
        registry.start_anew("toy", reason="the old one is retired")
        entry = registry.history("toy")[0]
        aliases = {"champion": "toy/2", "challenger": "toy/3"}
        assert (entry.actor, entry.content()) == (
            "os:alice",
            FreshStart(reason="the old one is retired", aliases=aliases),
        )
        assert shown(registry)["champion"] == "toy/2"  # it serves until there is another champion
        registry.notices.clear()
        registry.start_anew("toy", reason="again")
        assert registry.notices == [
            "--start-anew was not needed: the ledger already records a fresh start of 'toy' (the old one is retired). No fresh "
            "start was recorded with the reason 'again'."
        ]
        registry.register(toy("noisy"))
        assert shown(registry) == {"champion": "toy/2", "challenger": "toy:noisy"}
        registry.check("toy")
        assert registry.gate(toy("weak")).verdict is Verdict.PROMOTE
        assert shown(registry) == {"champion": "toy:weak", "challenger": "toy:noisy"}
        assert kinds(registry).count("fresh_start") == 1
        assert faults(registry) == ()
        assert [one.tags for one in mlflow.search_model_versions("name='toy'") if int(one.version) < 4] == [
            {"by": "them"}
        ] * 3

        mlflow.set_registered_model_alias(
            "toy", "champion", "2"
        )  # not the alias that was given up, but somebody's next change
        registry.gate(toy("good"))
        assert shown(registry)["champion"] == "toy/2"
        assert {one.code for one in faults(registry)} == {"AUD038"}

    @pytest.mark.parametrize(
        "go",
        [
            lambda registry: plan_gate(registry.parts, toy("good"), start_anew="why"),
            lambda registry: plan_promotion(registry.parts, toy("good"), reason="why", override=True, start_anew=True),
        ],
        ids=["gate", "promote"],
    )
    def test_with_a_judgement_or_promotion_it_is_one_record(self, registry, champion_of_others, go):
        plan = go(registry)
        assert registry.history("toy") == ()
        registry.apply(plan)
        assert kinds(registry)[0] == "fresh_start"
        assert registry.history("toy")[0].body["reason"] == "why"
        assert shown(registry) == {"champion": "toy:good"}

    def test_adopted_it_is_judged_against_and_its_alias_stays_until_repair(self, registry, champion_of_others):
        registry.store.write_stage(toy("weak"), Stage.PROD)
        registry.adopt(toy("weak"), reason="MLflow's version 2", assume_clean=True)
        assert registry.champion("toy").tag == toy("weak")
        told = (
            "AUD038: This ledger did not set these aliases of 'toy' in MLflow: champion points to version 2, but should "
            "point to toy:weak; challenger points to version 3, but should not exist. They were not changed. Run "
            "`promotion repair toy` to restore them."
        )
        assert registry.notices == [told]
        decision = registry.gate(toy("good"))
        assert decision.champion.tag == "toy:weak"
        assert shown(registry) == {"champion": "toy/2", "challenger": "toy/3", "previous": "toy:weak"}
        assert plan_repair(registry.parts, "toy").foreign == {"champion": "toy/2", "challenger": "toy/3"}
        registry.repair("toy")
        assert shown(registry) == {"champion": "toy:good", "previous": "toy:weak"}
        assert faults(registry) == ()

    def test_a_challenger_of_others_stops_nothing_and_is_left_alone(self, registry, theirs, mlflow):
        mlflow.set_registered_model_alias("toy", "challenger", "3")
        assert registry.gate(toy("weak")).verdict is Verdict.PROMOTE
        assert shown(registry) == {"champion": "toy:weak", "challenger": "toy/3"}
        assert [(one.code, one.subject) for one in faults(registry)] == [("AUD038", "alias challenger")]
        assert registry.ledger.foreign("toy") == {"challenger": "toy/3"}

    def test_a_model_that_is_there_without_an_alias_stops_nothing(self, registry, theirs):
        registry.start_anew("toy", reason="r")
        (needless,) = registry.notices
        assert needless.startswith(
            "--start-anew was not needed: MLflow has no champion of 'toy' either. No fresh start"
        )
        registry.notices.clear()
        registry.gate(toy("weak"))
        assert (shown(registry), registry.notices) == ({"champion": "toy:weak"}, [])

    def test_of_a_ledger_that_was_lost_it_says_so(self, registry, opened, mlflow):
        registry.gate(toy("weak"))
        config = registry.config.model_copy(update={"ledger": "sqlite:///another.db"})
        later = opened(config=config, mirror=registry.mirror)
        later.take("toy", reason="the other one is lost")
        with pytest.raises(Refused) as raised:
            later.gate(toy("good"))
        assert str(raised.value) == (
            f"In MLflow, the alias champion of 'toy' points to toy:weak, but {UNKNOWN}\n- Restore the earlier ledger, which "
            "registered toy:weak in MLflow, from a backup.\n- To keep toy:weak, run `promotion adopt toy:weak --assume-clean --reason …` (or "
            f"--trained-before).\n{ANEW}"
        )
        assert shown(registry) == {"champion": "toy:weak"}


class TestMlflowDoesNotAnswer:
    def test_the_very_first_promotion_waits_for_it(self, registry, monkeypatch):
        away(registry, monkeypatch)
        for act in ACTS.values():
            with pytest.raises(Refused) as raised:
                act(registry)
            assert str(raised.value) == (
                f"{AWAY} The ledger has no champion of 'toy', but MLflow may have one. Nothing was promoted. {CHOOSE}\n"
                "- Make sure that MLflow answers, and run the command again.\n"
                + ANEW.replace("without it", "without its answer")
            )
        assert registry.history("toy") == ()
        monkeypatch.undo()
        registry.gate(toy("weak"))
        away(registry, monkeypatch)
        registry.gate(toy("good"))
        assert registry.champion("toy").tag == toy("good")

    def test_a_fresh_start_without_it_gives_up_nothing(self, registry, champion_of_others, monkeypatch):
        with monkeypatch.context() as patch:
            away(registry, patch)
            registry.start_anew("toy", reason="MLflow moves house")
            registry.check("toy")
            registry.gate(toy("weak"))
        assert registry.history("toy")[0].content() == FreshStart(reason="MLflow moves house")
        assert registry.sync("toy")
        assert shown(registry) == {"champion": "toy/2", "challenger": "toy/3"}
        assert registry.ledger.foreign("toy") == {"champion": "toy/2", "challenger": "toy/3"}


class TestMovedByOthers:
    @pytest.fixture
    def served(self, registry, mlflow):
        for version in ("weak", "noisy"):
            registry.register(toy(version), Origin(run_id=mlflow.new_run()))
        registry.gate(toy("weak"))
        return registry

    @pytest.mark.slow
    @pytest.mark.parametrize("to", ["theirs", "ours", "nowhere"])
    def test_the_transition_stands_and_the_alias_stays_until_repair(self, served, opened, mlflow, to):
        number = None
        if to == "nowhere":
            mlflow.delete_registered_model_alias("toy", "champion")
        elif to == "ours":
            number = dict(served.mirror._ours("toy"))["toy:noisy"].version
            mlflow.set_registered_model_alias("toy", "champion", number)
        else:
            number = mlflow.create_model_version("toy", source="file:///nowhere").version
            mlflow.set_registered_model_alias("toy", "champion", number)
        name = shown(served).get("champion")
        registry = opened(mirror=served.mirror)
        assert registry.gate(toy("good")).verdict is Verdict.PROMOTE
        assert registry.champion("toy").tag == toy("good")
        for _ in range(2):
            assert shown(registry).get("champion") == name
            assert shown(registry)["previous"] == "toy:weak"
            (finding,) = faults(registry)
            assert (finding.code, finding.subject, finding.expected) == ("AUD038", "alias champion", "toy:good")
            assert finding.found == (name or "no version")
            registry.notices.clear()
            assert registry.sync("toy", look=True)
            found = {"theirs": f"points to version {number}", "ours": "points to toy:noisy", "nowhere": "is missing"}[
                to
            ]
            told = f"This ledger did not set these aliases of 'toy' in MLflow: champion {found}, but should point to toy:good."
            assert told in registry.notices[0]
            assert registry.ledger.foreign("toy") == {"champion": name}
            registry.register(toy("spoilt"))
        registry.repair("toy")
        assert shown(registry)["champion"] == "toy:good"
        assert (faults(registry), registry.ledger.foreign("toy")) == ((), {})

    def test_it_is_found_while_mlflow_is_behind_as_well(self, served, mlflow, monkeypatch):
        with monkeypatch.context() as patch:
            away(served, patch)
            served.gate(toy("good"))
        mlflow.delete_registered_model_alias("toy", "champion")
        assert [one.code for one in faults(served)] == ["AUD033", "AUD038"]

    @pytest.mark.slow
    @pytest.mark.parametrize("part", ["_send_aliases", "_send_head"])
    def test_a_sender_that_was_killed_is_nobody_else(self, served, opened, mlflow_uri, monkeypatch, part):
        class Killed(BaseException):
            pass

        real = getattr(MlflowMirror, part)

        def then_die(*arguments):
            if part == "_send_aliases":
                real(*arguments)
            raise Killed

        monkeypatch.setattr(MlflowMirror, part, then_die)
        with pytest.raises(Killed):
            served.gate(toy("good"))
        monkeypatch.undo()
        registry = opened(mirror=MlflowMirror(mlflow_uri))
        assert {one.code for one in faults(registry)} == {"AUD033"}
        registry.promote(toy("twin"), reason="newer", override=True)
        assert shown(registry) == {"champion": "toy:twin", "challenger": "toy:noisy", "previous": "toy:good"}
        assert registry.notices == []
        assert faults(registry) == ()

    def test_an_mlflow_that_is_new_is_filled(self, served, opened, mlflow, tmp_path):
        mlflow.delete_registered_model("toy")
        served.gate(toy("good"))
        assert shown(served) == {"champion": "toy:good", "challenger": "toy:noisy", "previous": "toy:weak"}
        assert served.notices == []
