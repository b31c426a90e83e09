"""Many processes on one model at once: one winner per entry, losers told who won, and no torn reads."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import bentoml
import pytest
from checker import check, check_claim, read_ledger
from situation import bentoml_at, toy
from world import World, do, fork, run, wait

from promotion.adapters.bento import BentoStore
from promotion.errors import Conflict, StoreError
from promotion.registry.promote import plan_promotion

pytestmark = pytest.mark.integration

WRITERS = 16


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request, first_world, tmp_path):
    """A separate world for the test; with PostgreSQL, its ledger is copied there entry by entry."""
    world = first_world.copy(tmp_path / "world")
    if request.param == "sqlite":
        return world
    return world.on_postgresql(request.getfixturevalue("postgres_server"))


def test_of_many_writers_one_wins_each_entry_and_readers_see_one_champion_always(world):
    jobs = [("promote", "twin"), ("promote", "next"), ("gate", "spoilt"), ("rollback", "good")]
    readers = [fork(read_labels, world), fork(read_champion, world), fork(read_champion, world)]
    writers = [fork(write_twice, world, number, *jobs[number % len(jobs)]) for number in range(WRITERS)]
    ended = [wait(child) for child in writers]
    (world.root / "over").touch()
    assert [wait(child) for child in readers] == [0] * len(readers)
    assert ended == [0] * WRITERS
    check(world)
    told = [json.loads(line) for line in (world.root / "acknowledged").read_text().splitlines()]
    lost = [one["lost"] for one in told if "lost" in one]
    won = [one for one in told if one["actor"].startswith("os:writer") and one.keys() & {"reason", "decision"}]
    assert won
    assert all(re.search(r"os:writer\d+ wrote entry ", sentence) for sentence in lost), lost
    champions = [json.loads(line) for line in (world.root / "champions").read_text().splitlines()]
    print(f"won {len(won)}, lost {len(lost)}, readings {Counter(champions)}")  # noqa: T201 - shown with -rP


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(8))
def test_of_two_ledgers_that_change_a_model_first_one_has_it_and_the_other_recorded_nothing(
    first_world, tmp_path, attempt
):
    here = first_world.copy(tmp_path / "here")
    claim = here.root / "bentoml" / "ledgers" / "toy.json"
    claim.unlink()
    rivals = [World(here.root, ledger=f"sqlite:///{here.root / name}.db") for name in ("left", "right")]
    children = [fork(when_sentence, rival, "promote", ("twin", "next")[attempt % 2]) for rival in rivals]
    (here.root / "go").touch()
    assert [wait(child) for child in children] == [0, 0]
    (won, lost) = sorted((read_ledger(rival.ledger_url)[0] for rival in rivals), key=len, reverse=True)
    assert lost == []
    check_claim(claim, won, settled=True)
    told = (here.root / "acknowledged").read_text()
    assert told.count("belongs to the ledger at") == 1


def when_sentence(world, *command):
    world.open().ledger.make()
    while not (world.root / "go").exists():
        time.sleep(0.001)
    do(world, *command)


def write_twice(world, number, name, version):
    for _ in range(2):
        do(world, name, version, f"os:writer{number}")


def read_labels(world):
    """As a service that knows nothing of us: every reading is whole, and says who serves while nobody writes."""
    registry, still = world.open(), 0
    with bentoml_at(world.root / "bentoml"):
        while not (world.root / "over").exists():
            before = registry.state("toy")
            listed = {model.tag: model.info.labels for model in bentoml.models.list() if model.tag.name == "toy"}
            assert {tag.version for tag in listed} >= {"weak", "good", "twin", "next"}
            assert bentoml.models.get("toy:good").info.labels["owner"] == "tests"
            # A listing reads one file after another, so it shows one instant only if nothing was recorded meanwhile.
            if registry.state("toy").seq == before.seq:
                still += 1
                prod = {str(tag) for tag, labels in listed.items() if labels["stage"] == "prod"}
                assert before.champion.tag in prod if not before.pending else prod
                assert len(prod) == 1 or (before.pending and len(prod) == 2)
    print(f"{still} listings while nothing was recorded")  # noqa: T201 - shown with -rP


def read_champion(world):
    registry, seen = world.open(), []
    while not (world.root / "over").exists():
        champion = registry.champion("toy")
        assert champion is not None
        assert champion.path.is_dir()
        seen.append(str(champion.tag))
    with (world.root / "champions").open("a") as file:
        file.writelines(f"{json.dumps(tag)}\n" for tag in seen)


def test_of_plans_worked_out_from_one_state_exactly_one_is_carried_out(world):
    gate = world.root / "go"
    children = [fork(carry_out_at_once, world, number, gate) for number in range(WRITERS)]
    while len(list(world.root.glob("ready-*"))) < WRITERS:
        time.sleep(0.01)
    before = len(read_ledger(world.ledger_url)[0])
    gate.touch()
    codes = Counter(wait(child) for child in children)
    assert codes == {0: 1, Conflict.exit_code: WRITERS - 1}
    rows, _ = read_ledger(world.ledger_url)
    winner = rows[before][3]
    sentences = [path.read_text() for path in world.root.glob("lost-*")]
    assert len(sentences) == WRITERS - 1
    assert all(
        f"{winner} wrote entry {before + 1} to the ledger of 'toy' while this command ran" in one for one in sentences
    )
    check(world)


def carry_out_at_once(world, number, gate):
    registry = world.open(f"os:writer{number}")
    plan = plan_promotion(registry.parts, toy("twin"), reason=f"by {number}", override=True)
    (world.root / f"ready-{number}").touch()
    wait_for(gate)
    try:
        registry.apply(plan)
    except Conflict as error:
        (world.root / f"lost-{number}").write_text(str(error))
        return error.exit_code
    return 0


@pytest.mark.slow
def test_two_that_complete_one_pending_transition_apply_it_once(world):
    assert run(plan_only, world) == 0
    children = [fork(complete, world) for _ in range(WRITERS)]
    assert [wait(child) for child in children] == [0] * WRITERS
    fold = check(world)
    assert fold.champion == "toy:twin"
    kinds = [row[1] for row in read_ledger(world.ledger_url)[0]]
    assert kinds.count("transition_applied") == kinds.count("transition_planned")


def plan_only(world):
    """What a promotion leaves that is killed right after its record."""
    registry = world.open()
    plan = plan_promotion(registry.parts, toy("twin"), reason="by hand", override=True)
    registry.parts.writer.append(plan.state, *plan.bodies)


def complete(world):
    assert world.open().complete("toy").pending is None


def test_one_that_is_overtaken_before_it_has_proposed_anything_is_told_by_whom(first_world, tmp_path):
    """Whoever overtook it may have planned, and be writing the labels yet: that is no interrupted change."""
    world = first_world.copy(tmp_path / "world")
    slow = world.open("os:bob")
    slow.complete("toy")
    assert run(plan_only, world) == 0
    with pytest.raises(
        Conflict, match=r"os:alice wrote entry \d+ to the ledger of 'toy' while this command ran"
    ) as told:
        plan_promotion(slow.parts, "toy:next", reason="by hand", override=True)
    assert told.value.exit_code == 6
    slow.promote("toy:next", reason="once more", override=True)
    assert check(world).champion == "toy:next"


def test_whoever_mirrors_last_mlflow_shows_what_the_ledger_says(first_world, tmp_path):
    world = first_world.copy(tmp_path / "world", mlflow=True)
    jobs = [("promote", "twin"), ("register", "last"), ("gate", "spoilt"), ("rollback", "good")]
    writers = [fork(do, world, *jobs[number % 4], f"os:writer{number}") for number in range(8)]
    assert [wait(child) for child in writers] == [0] * len(writers)
    assert run(sync, world) == 0
    check(world, synced=True)


def sync(world):
    assert world.open().sync("toy")


def test_two_that_show_mlflow_the_same_version_at_once_leave_it_there_once(first_world, tmp_path):
    world = first_world.copy(tmp_path / "world", mlflow=True)
    sleeper = fork(register_and_mirror_late, world)
    wait_for(world.root / "sending")
    assert run(sync, world) == 0
    (world.root / "go on").touch()
    assert wait(sleeper) == 0
    check(world, synced=True)


def register_and_mirror_late(world):
    registry = world.open()
    delay(world, registry.mirror, "_create_version")
    registry.register(toy("last"))


@pytest.mark.slow
@pytest.mark.parametrize("part", ["push", "_send_aliases"])
def test_one_that_sends_an_old_state_to_mlflow_late_leaves_no_old_alias(first_world, tmp_path, part):
    world = first_world.copy(tmp_path / "world", mlflow=True)
    sleeper = fork(promote_and_mirror_late, world, part)
    wait_for(world.root / "sending")
    assert run(do, world, "promote", "next") == 0
    (world.root / "go on").touch()
    assert wait(sleeper) == 0
    assert run(sync, world) == 0
    assert check(world, synced=True).champion == "toy:next"


def promote_and_mirror_late(world, part):
    registry = world.open()
    delay(world, registry.mirror, part)
    registry.promote(toy("twin"), reason="by hand", override=True)


def delay(world, mirror, part):
    send = getattr(mirror, part)

    def late(*state):
        (world.root / "sending").touch()
        wait_for(world.root / "go on")
        return send(*state)

    setattr(mirror, part, late)


@pytest.mark.slow
def test_many_open_a_fresh_ledger_at_once(world, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'fresh' / 'ledger.db'}"
    if not world.ledger_url.startswith("sqlite"):
        url = request.getfixturevalue("postgres_server").new_database()
    (world.root / "bentoml" / "ledgers" / "toy.json").unlink()  # otherwise the other ledger owns the model
    fresh = World(world.root, ledger=url)
    children = [fork(register_each, fresh, number) for number in range(WRITERS)]
    codes = Counter(wait(child) for child in children)
    assert set(codes) <= {0, Conflict.exit_code}
    assert codes[0] >= 1
    rows, _ = read_ledger(url)
    assert len(rows) == len({json.loads(row[4])["tag"] for row in rows}) >= 1


def register_each(world, number):
    try:
        world.open(f"os:writer{number}").register(toy(("weak", "good", "twin")[number % 3]))
    except Conflict as error:
        return error.exit_code
    return 0


def test_one_stopped_while_it_writes_labels_writes_no_old_one_when_it_goes_on(first_world, tmp_path):
    world = first_world.copy(tmp_path / "world")
    assert run(plan_only, world) == 0
    sleeper = fork(complete_slowly, world)
    wait_for(world.root / "applying")
    os.kill(sleeper, signal.SIGSTOP)
    os.waitpid(sleeper, os.WUNTRACED)
    assert run(complete_impatiently, world) == 0
    sentence = (world.root / "told").read_text()
    assert f"Another command (process {sleeper} of " in sentence
    assert ") has been writing the labels of 'toy' for 0.5 seconds." in sentence
    assert "Run this command again when it has finished. What is recorded stands." in sentence
    os.kill(sleeper, signal.SIGCONT)
    (world.root / "go on").touch()
    assert run(do, world, "promote", "next") == 0
    assert wait(sleeper) == 0
    assert check(world).champion == "toy:next"


def complete_slowly(world):
    registry = world.open()
    write = registry.store.write_stage

    def slow(tag, stage):
        (world.root / "applying").touch()
        wait_for(world.root / "go on")
        write(tag, stage)

    registry.store.write_stage = slow
    registry.complete("toy")


def complete_impatiently(world):
    try:
        world.open(store=BentoStore(world.root / "bentoml", patience=0.5)).complete("toy")
    except StoreError as error:
        (world.root / "told").write_text(str(error))
        return 0
    return 1


def test_one_that_slept_since_it_read_the_ledger_writes_no_old_label(first_world, tmp_path):
    world = first_world.copy(tmp_path / "world")
    assert run(plan_only, world) == 0
    sleeper = fork(complete_late, world)
    wait_for(world.root / "read")
    assert run(do, world, "promote", "next") == 0
    (world.root / "go on").touch()
    assert wait(sleeper) == 0
    assert check(world).champion == "toy:next"


def complete_late(world):
    registry = world.open()
    held = registry.store.held

    def late(model):
        (world.root / "read").touch()
        wait_for(world.root / "go on")
        return held(model)

    registry.store.held = late
    registry.complete("toy")


@pytest.mark.slow
def test_the_command_that_loses_ends_with_6_and_names_the_winner(first_world, tmp_path):
    world = first_world.copy(tmp_path / "world")
    (world.root / "slow_recipe.py").write_text(SLOW_RECIPE)
    (world.root / "promotion.toml").write_text(SETTINGS)
    loser = subprocess.Popen(
        [sys.executable, "-m", "promotion", "gate", "toy:next"],
        cwd=world.root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(world.root), *sys.path])},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(world.root / "scoring", unless=lambda: loser.poll() is not None)
    before = len(read_ledger(world.ledger_url)[0])
    assert run(do, world, "promote", "twin", "os:bob") == 0
    (world.root / "go on").touch()
    said = loser.communicate()[1]
    assert loser.returncode == Conflict.exit_code, said
    assert said == (
        f"Error: os:bob wrote entry {before + 1} to the ledger of 'toy' while this command ran, so "
        "nothing was changed. Look at `promotion history toy` and run the command again.\n"
    )
    assert check(world).champion == "toy:twin"


SETTINGS = """
ledger = "sqlite:///ledger.db"
bentoml_home = "bentoml"
mlflow_tracking_uri = "sqlite:///mlflow.db"

[models.toy]
recipe = "slow_recipe:SlowRecipe"
data = "rows.csv"

[models.toy.policy]
primary = { metric = "roc_auc" }
min_rows = 100
min_positives = 20
"""
SLOW_RECIPE = """
import time
from pathlib import Path
from recipes import ToyRecipe

class SlowRecipe(ToyRecipe):
    def score(self, trained, rows):
        Path("scoring").touch()
        while not Path("go on").exists():
            time.sleep(0.01)
        return super().score(trained, rows)
"""


def wait_for(path, unless=lambda: False):
    end = time.monotonic() + 60
    while not path.exists() and not unless():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.005)
