"""A process follows the champion: a real ledger and store; the ledger is asked every few milliseconds."""

import os
import shutil
import threading
import time
import weakref

import psutil
import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import toy

from promotion.errors import UnknownName
from promotion.interfaces import call
from promotion.rows import fingerprints
from promotion.serving import NoChampion, ServedChampion

pytestmark = pytest.mark.integration


def until(held, patience=60):
    limit = time.monotonic() + patience
    while not held():
        assert time.monotonic() < limit
        time.sleep(0.01)


def tag(served):
    return served.status()["tag"]


def problem(served):
    return served.status()["problem"] or ""


def unverified(monkeypatch):
    """Promote at once: loading and scoring are then the service's alone."""
    monkeypatch.setattr("promotion.registry.promote.verified", lambda parts, version, plan: plan)


class TestItFollows:
    def test_a_request_is_answered_by_one_model_from_start_to_end(self, registry_after_three_champions, serve):
        registry, served = registry_after_three_champions, serve().wait(60)
        with served.lease() as champion:
            registry.rollback("toy", reason="complaints")
            until(lambda: tag(served) == "toy:good")
            assert champion.tag == "toy:twin"
            assert champion.score(champion.rows([{"a": 1.0, "b": 0.5}])).shape == (1,)
        with served.lease() as champion:
            assert (champion.tag, champion.decision) == ("toy:good", None)

    def test_a_version_is_let_go_when_its_last_request_ends(self, registry_after_three_champions, serve):
        served = serve().wait(60)
        with served.lease() as champion, served.lease():
            model = weakref.ref(champion.trained.model)
            registry_after_three_champions.rollback("toy", reason="complaints")
            until(lambda: tag(served) == "toy:good")
            assert model() is not None
        del champion
        until(lambda: model() is None)

    def test_without_a_champion_it_is_not_ready_and_tells_why(self, registry, serve):
        served = serve()
        with pytest.raises(NoChampion, match=r"^No champion of 'toy' is loaded yet\. The ledger at .* cannot be read"):
            served.wait(0.3)
        assert not served.ready
        registry.register(toy("good"))
        absent = "There is no champion of 'toy' yet, according to the ledger."
        until(lambda: served.status()["ledger_problem"] == absent)
        with pytest.raises(NoChampion, match=absent), served.lease():
            pass
        registry.gate(toy("good"))
        assert served.wait(60).ready

    def test_a_version_that_becomes_champion_again_is_not_loaded_again(self, registry_after_three_champions, serve):
        registry, served = registry_after_three_champions, serve().wait(60)
        before, looked = served.status(), served._source.champion("toy")
        with pytest.MonkeyPatch.context() as patch:  # it does not look in between
            patch.setattr(served._source, "champion", lambda _: looked)
            patch.setattr(served._loader, "load", None)
            registry.rollback("toy", reason="complaints")
            registry.promote(toy("twin"), reason="it was another cause", override=True)
            patch.delattr(served._source, "champion")
            until(lambda: served.status()["since"] != before["since"])
        with served.lease() as champion:
            assert (champion.tag, champion.since) == ("toy:twin", str(registry.champion("toy").since))

    def test_of_a_hundred_promotions_it_ends_on_the_last_and_loads_one_at_a_time(
        self, registry_after_three_champions, serve, monkeypatch
    ):
        registry, at_once, most, loaded = registry_after_three_champions, [], [0], []
        load = registry.store.load

        def counted(self, tag, *, digest):
            at_once.append(tag)
            most[0] = max(most[0], len(at_once))
            loaded.append(str(tag))
            time.sleep(0.2)
            try:
                return load(tag, digest=digest)
            finally:
                at_once.pop()

        monkeypatch.setattr("promotion.serving.served.BentoStore.load", counted)
        unverified(monkeypatch)
        served = serve().wait(60)
        for number in range(100):
            name = "good" if number % 2 else "twin"
            if str(registry.champion("toy").tag) != f"toy:{name}":
                registry.promote(toy(name), reason=f"number {number}", override=True)
        last = str(registry.champion("toy").tag)
        until(lambda: tag(served) == last and served.status()["wanted"] == last)
        assert most == [1]
        assert len(loaded) < 50

    def test_a_forked_copy_tells_that_it_does_not_follow(self, registry_with_champion, serve, monkeypatch):
        served = serve().wait(60)
        monkeypatch.setattr("promotion.serving.served.os.getpid", lambda: -1)
        assert problem(served) == "This process was forked, so it no longer follows the ledger."

    def test_a_model_that_the_configuration_lacks_is_refused(self, settings_of_toy):
        with pytest.raises(UnknownName, match=r"There is no model 'tory'\. Did you mean 'toy'\?"):
            ServedChampion("tory", config=settings_of_toy)


class TestTheOldOneGoesOn:
    """If the new champion cannot serve, the previous version goes on serving, and the status says why."""

    @pytest.fixture
    def serving(self, registry_with_champion, serve):
        """`toy:weak` serves, and `toy:good` is about to be promoted."""
        registry_with_champion.register(toy("good"))
        return serve(patience=2).wait(60)

    def promoted(self, registry, served, expected):
        registry.promote(toy("good"), reason="newer", override=True)
        until(lambda: problem(served))
        assert expected in problem(served)
        assert problem(served).endswith("toy:weak goes on serving.")
        assert served.status()["wanted"] == "toy:good"
        with served.lease() as champion:
            assert champion.tag == "toy:weak"

    def test_a_byte_of_its_files_was_changed(self, registry, serving, monkeypatch):
        file = next(path for path in registry.store.path(toy("good")).rglob("*.pkl"))
        whole = file.read_bytes()
        with serving._changed:
            registry.promote(toy("good"), reason="newer", override=True)
            file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        until(lambda: "are not the ones that were registered" in problem(serving))
        assert tag(serving) == "toy:weak"
        file.write_bytes(whole)  # restored; it is tried again by itself
        until(lambda: tag(serving) == "toy:good")
        assert problem(serving) == ""

    def test_its_folder_was_deleted_and_a_rollback_needs_no_load(self, registry, serving):
        with serving._changed:
            registry.promote(toy("good"), reason="newer", override=True)
            shutil.rmtree(registry.store.path(toy("good")))
        until(lambda: "There is no version 'toy:good'" in problem(serving))
        registry.rollback("toy", reason="it is lost")
        until(lambda: problem(serving) == "")
        assert tag(serving) == "toy:weak"

    def test_it_raises(self, registry, serving, monkeypatch):
        def raising(self, trained, rows):
            raise MemoryError("out of memory")

        monkeypatch.setattr(ToyRecipe, "score", raising)
        unverified(monkeypatch)
        self.promoted(registry, serving, "toy:good could not score the rows (MemoryError: out of memory)")

    def test_its_scores_are_not_numbers(self, registry, serving, monkeypatch):
        unverified(monkeypatch)
        monkeypatch.setattr(ToyRecipe, "score", lambda self, trained, rows: rows["a"] * float("nan"))
        self.promoted(registry, serving, "toy:good could not score 100 of 100 rows: their scores are not numbers")

    def test_its_scores_are_not_those_of_the_gate(self, registry, serving, monkeypatch):
        score = ToyRecipe.score
        registry.gate(toy("good"))
        until(lambda: tag(serving) == "toy:good")
        registry.rollback("toy", reason="complaints")
        until(lambda: tag(serving) == "toy:weak")
        monkeypatch.setattr(ToyRecipe, "score", lambda self, trained, rows: score(self, trained, rows) ** 2)
        self.promoted(registry, serving, "toy:good scores sample rows differently here than at the gate, by up to 0.")

    def test_it_is_too_slow_and_a_later_one_is_not_kept_waiting(self, registry, serving, monkeypatch):
        load, stuck = registry.store.load, threading.Event()

        def slow(self, tag, *, digest):
            if tag == toy("good"):
                stuck.wait(60)
            return load(tag, digest=digest)

        monkeypatch.setattr("promotion.serving.served.BentoStore.load", slow)
        unverified(monkeypatch)
        self.promoted(
            registry, serving, "toy:good cannot serve: TimeoutError: loading and warming up took longer than 2"
        )
        registry.promote(toy("twin"), reason="quicker", override=True)
        until(lambda: tag(serving) == "toy:twin")
        stuck.set()  # the abandoned load ends, and changes nothing
        time.sleep(0.5)
        assert tag(serving) == "toy:twin"

    def test_its_failure_does_not_delay_a_later_one(self, registry, serving, monkeypatch, caplog):
        load, loading, stuck = registry.store.load, threading.Event(), threading.Event()

        def failing(self, tag, *, digest):
            if tag == toy("good"):
                loading.set()
                stuck.wait(60)
                raise MemoryError
            return load(tag, digest=digest)

        monkeypatch.setattr("promotion.serving.served.BentoStore.load", failing)
        unverified(monkeypatch)
        registry.promote(toy("good"), reason="newer", override=True)
        assert loading.wait(60)
        registry.promote(toy("twin"), reason="newer still", override=True)
        until(lambda: serving.status()["wanted"] == "toy:twin")
        stuck.set()
        until(lambda: tag(serving) == "toy:twin")
        assert "toy:good cannot serve: MemoryError" in caplog.text
        assert (serving._retry_at, problem(serving)) == (0.0, "")


@pytest.mark.slow
def test_memory_comes_back_over_fifty_swaps(store, registry, serve, monkeypatch):
    """Each version keeps 20 MB; without a way back, fifty swaps would keep a gigabyte."""
    import numpy as np

    rows = synthetic_rows()
    training = ToyRecipe().split(rows).training
    for name in ("big", "huge"):
        trained = ToyRecipe().train(training, step=call)
        trained.model.ballast_ = [np.random.default_rng(7).random(2_500) for _ in range(1000)]
        store.save(f"toy:{name}", trained, metadata={"version": name}, training_rows=fingerprints(training["id"]))
        registry.register(toy(name))
    registry.gate(toy("big"))
    unverified(monkeypatch)
    served, process = serve().wait(60), psutil.Process(os.getpid())
    used = []
    for number in range(50):
        name = "big" if number % 2 else "huge"
        registry.promote(toy(name), reason=f"number {number}", override=True)
        until(lambda name=name: tag(served) == f"toy:{name}")
        used.append(process.memory_info().rss / 1e6)
    assert used[-1] - used[9] < 60, used
