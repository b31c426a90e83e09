"""What serves follows the champion: real `bentoml serve` with two workers, on SQLite and PostgreSQL."""

import os
import signal

import pytest
from services import CONFIGURATION, ROW, Load, all_serve, served, until
from situation import toy

import promotion
from promotion.adapters.memory import MemoryMirror

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving"), pytest.mark.timeout(300)]


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(request, tmp_path, store, rows_file):
    """A registry in the test's folder, in which `toy:weak` serves."""
    sqlite = request.param == "sqlite"
    url = "sqlite:///ledger.db" if sqlite else request.getfixturevalue("postgres_server").new_database()
    (tmp_path / "promotion.toml").write_text(CONFIGURATION.format(ledger=url))
    registry = promotion.open(mirror=MemoryMirror())
    for name in ("weak", "good", "twin"):
        registry.register(toy(name))
    registry.gate(toy("weak"))
    return registry


@pytest.fixture
def service(registry, tmp_path):
    """`promotion serve toy` with two workers."""
    with served(tmp_path) as one:
        yield one


def test_every_worker_follows_a_promotion_and_a_rollback(registry, service):
    all_serve(service, "toy:weak")
    _, first = service.get("/score", {"row": ROW})
    assert first["tag"] == "toy:weak"
    assert first["decision"] == registry.champion("toy").decision_id

    registry.gate(toy("good"))
    all_serve(service, "toy:good")
    _, second = service.get("/score", {"row": ROW})
    assert second["tag"] == "toy:good"
    assert second["score"] != first["score"]

    registry.rollback("toy", reason="complaints")
    all_serve(service, "toy:weak")
    assert service.get("/score", {"row": ROW})[1] == {**first, "decision": None}  # a person brought it back
    assert service.get("/score_batch", {"rows": [ROW, ROW]})[1]["scores"] == [first["score"]] * 2
    assert service.get("/champion", {})[1]["tag"] == "toy:weak"


@pytest.mark.parametrize("registry", ["sqlite"], indirect=True)
def test_under_load_no_request_fails_and_none_is_answered_by_two_models(registry, service):
    all_serve(service, "toy:weak")
    with Load(service) as load:
        for number in range(6):
            name = ("good", "twin")[number % 2]
            registry.promote(toy(name), reason=f"number {number}", override=True)
            all_serve(service, f"toy:{name}")
        registry.rollback("toy", reason="complaints")
        all_serve(service, "toy:good")
    assert load.failures == []
    assert {tag: len(scores) for tag, scores in load.scores.items()} == dict.fromkeys(
        ("toy:weak", "toy:good", "toy:twin"), 1
    )


@pytest.mark.parametrize("registry", ["sqlite"], indirect=True)
def test_of_a_hundred_promotions_as_fast_as_they_go_each_worker_serves_the_last(registry, service, monkeypatch):
    monkeypatch.setattr(
        "promotion.registry.promote.verified", lambda parts, version, plan: plan
    )  # loading takes longer
    all_serve(service, "toy:weak")
    with Load(service) as load:
        for number in range(100):
            registry.promote(toy(("good", "twin")[number % 2]), reason=f"number {number}", override=True)
        all_serve(service, "toy:twin")
        until(lambda: service.get("/champion", {})[1]["since"] == str(registry.champion("toy").since))
    moves = [entry for entry in registry.history("toy") if entry.kind == "transition_planned"]
    assert len(moves) == 101
    assert load.failures == []
    assert {len(scores) for scores in load.scores.values()} == {1}
    assert service.log.read_text().count(" serves in place of ") < 100  # it skips what is no longer wanted


@pytest.mark.parametrize("registry", ["sqlite"], indirect=True)
def test_a_worker_killed_in_a_swap_starts_with_the_new_champion(registry, service):
    all_serve(service, "toy:weak")
    (victim, _) = service.workers()
    os.kill(victim, signal.SIGSTOP)  # so that it is killed before it has swapped
    registry.gate(toy("good"))
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in service.workers(), service.log.read_text)
    with Load(service) as load:
        until(lambda: len(service.workers()) == 2, service.log.read_text)
        all_serve(service, "toy:good")
    assert load.failures == []  # the new worker takes no request before it has a champion
    assert service.get("/score", {"row": ROW})[1]["tag"] == "toy:good"


@pytest.mark.parametrize("registry", ["postgresql"], indirect=True)
def test_while_postgresql_is_stopped_workers_serve_what_they_have_even_new_ones(registry, service, postgres_server):
    all_serve(service, "toy:weak")
    until((service.home / "bentoml" / "serving" / "toy.json").exists)
    postgres_server.stop()
    try:
        until(lambda: service.get("/champion", {})[1]["ledger_problem"])
        (victim, other) = service.workers()
        for one in (victim, other):
            os.kill(one, signal.SIGKILL)
        until(lambda: not {victim, other} & service.workers().keys() and len(service.workers()) == 2)
        until(lambda: service.get("/score", {"row": ROW})[0] == 200)
        told = service.get("/champion", {})[1]
        assert (told["tag"], told["wanted"]) == ("toy:weak", "toy:weak")
        assert told["ledger_age_seconds"] > 0
        assert postgres_server.password not in str(told) + service.log.read_text()
    finally:
        postgres_server.start()
    registry.gate(toy("good"))
    all_serve(service, "toy:good")


def test_readyz_waits_for_the_first_champion_and_mistakes_are_sentences(store, rows_file, tmp_path):
    (tmp_path / "promotion.toml").write_text(CONFIGURATION.format(ledger="sqlite:///ledger.db"))
    with served(tmp_path, wait="/livez") as service:
        until(lambda: service.status("/livez") == 200)
        assert service.readyz()[0] == 503
        assert service.readyz()[1].startswith("No champion of 'toy' is loaded yet. The ledger at sqlite:///")
        code, told = service.get("/score", {"row": ROW})
        assert code == 503
        assert told["error"].startswith("No champion of 'toy' is loaded yet. The ledger at sqlite:///")
        registry = promotion.open(mirror=MemoryMirror())
        registry.register(toy("good"))
        until(lambda: "There is no champion of 'toy' yet" in service.get("/champion")[1]["problem"])
        registry.gate(toy("good"))
        until(lambda: service.status("/readyz") == 200)
        all_serve(service, "toy:good")
        for path, body, expected in (
            ("/score", {}, 'The body must be {"row": {...}}, with one raw row as a JSON object.'),
            ("/score_batch", {"rows": []}, 'The body must be {"rows": [{...}, ...]}, with at least one raw row'),
            ("/score_batch", {"rows": [{}] * 10_001}, "A request may have 10,000 rows, but has 10,001."),
            (
                "/score_batch",
                {"rows": [ROW, {"a": 1}]},
                "The column b must have a number in each row, but row 2 has null.",
            ),
            ("/score", {"row": {"a": 1.0}}, "Each row must have the column b, which toy:good needs"),
            ("/score", {"row": {"a": "x", "b": 1}}, "The column a must have a number in each row, but row 1 has 'x'."),
        ):
            code, told = service.get(path, body)
            assert (code, told["error"].startswith(expected)) == (400, True), told
        for body in (b"{bad", b"[]", b'{"row": {"a": "\xff"}}', b'{"row": ' + b"[" * 1000):
            code, told = service.get("/score", body)
            assert (code, told) == (
                400,
                {"error": 'The body must be {"row": {...}}, with one raw row as a JSON object.'},
            )
        code, told = service.get("/score", {"row": ROW}, {"Content-Type": "multipart/form-data"})  # without a boundary
        assert (code, told["error"].startswith("The body must be")) == (400, True)
        form = {"Content-Type": "application/x-www-form-urlencoded"}  # as `curl -d` sends JSON
        assert service.get("/score", {"row": ROW}, form)[1]["tag"] == "toy:good"
        assert service.get("/champion")[1]["tag"] == "toy:good"  # as a browser asks
        log = service.log.read_text()
    assert "toy:good serves." in log
    assert "There is no champion of 'toy' yet" in log
    assert "Traceback" not in log
