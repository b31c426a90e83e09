"""Processes killed at every step and at any moment: the next command completes the state, and nothing is lost.

A read-only step leaves the state of the previous one, so a kill after it shows nothing new.
`pytest --hypothesis-profile soak` kills after those as well, and 5,000 times instead of some hundred.
"""

import os
import random
import shutil
import signal
import time

import pytest
from checker import check, check_claim, read_ledger
from hypothesis import settings
from steps import after_effects, kill_at, numbered
from world import CHANGES, SCENES, World, do, fork, obey, run, wait

pytestmark = pytest.mark.slow

SOAK = settings.get_current_profile_name() == "soak"
WORLDS, KILLS_EACH = (310, 10) if SOAK else (4, 10)
MLFLOW_PARTS = range(8) if SOAK else range(1)


@pytest.mark.parametrize("scene", SCENES)
def test_killed_at_any_step_of_a_command_the_next_one_completes_the_state(first_world, tmp_path, scene):
    names = name_steps(first_world.copy(tmp_path / "counted"), scene)
    assert len(names) > 20
    steps = range(1, len(names) + 1) if SOAK else after_effects(names)
    if scene == "save" and not SOAK:  # most of its steps write another file into a folder that nothing reads yet
        steps = sorted(random.Random(scene).sample(steps, len(steps) // 3))
    for step in steps:
        kill_and_go_on(first_world.copy(tmp_path / "here"), scene, step)


@pytest.mark.parametrize("part", MLFLOW_PARTS)
@pytest.mark.parametrize("scene", SCENES)
def test_killed_at_any_step_mlflow_catches_up(first_world, tmp_path, scene, part):
    names = name_steps(first_world.copy(tmp_path / "counted", mlflow=True), scene)
    chosen = range(1 + part, len(names) + 1, len(MLFLOW_PARTS))
    for step in chosen if SOAK else random.Random(scene).sample(after_effects(names), 5):
        kill_and_go_on(first_world.copy(tmp_path / "here", mlflow=True), scene, step)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_killed_at_any_moment_of_their_lives_processes_lose_nothing(first_world, tmp_path, seed):
    kill_again_and_again(first_world.copy(tmp_path / "here", mlflow=seed % 2 == 0), random.Random(seed))


@pytest.mark.parametrize("seed", range(30 if SOAK else 2))
def test_killed_at_any_moment_processes_on_postgresql_lose_nothing(first_world, tmp_path, postgres_server, seed):
    here = first_world.copy(tmp_path / "here").on_postgresql(postgres_server)
    kill_again_and_again(here, random.Random(f"postgresql {seed}"))


def test_killed_while_a_model_becomes_a_ledgers_one_next_change_makes_it_so(first_world, tmp_path):
    def unclaimed(name):
        copy = first_world.copy(tmp_path / name)
        claim_at(copy).unlink()
        return copy

    steps = after_effects(name_steps(unclaimed("counted"), "register"))
    for step in steps:
        here = unclaimed("here")
        assert run(killed, here, "register", step) == -signal.SIGKILL
        check(here, settled=False)
        assert run(do, here, "promote", "twin") == 0
        check(here)
        assert run(is_refused, rival_of(here)) == 0
        shutil.rmtree(here.root)


def test_killed_while_one_ledger_takes_a_model_over_it_is_one_or_the_others(first_world, tmp_path):
    def counted(world):
        with numbered() as names:
            take(world)
        (world.root / "steps").write_text("\n".join(names))

    world = first_world.copy(tmp_path / "counted")
    assert run(counted, rival_of(world)) == 0
    for step in after_effects((world.root / "steps").read_text().splitlines()):
        here = first_world.copy(tmp_path / "here")
        rival = rival_of(here)
        assert run(killed, rival, take, step) == -signal.SIGKILL
        taken = run(is_refused, here) == 0
        assert taken or run(take, rival) == 0
        check_claim(claim_at(here), read_ledger(rival.ledger_url)[0], settled=True)
        assert (run(is_refused, here), run(is_refused, rival)) == (0, 1)
        shutil.rmtree(here.root)


def claim_at(world):
    return world.root / "bentoml" / "ledgers" / "toy.json"


def rival_of(world):
    """Another ledger on the same store."""
    return World(world.root, ledger=f"sqlite:///{world.root / 'rival.db'}")


def take(world):
    world.open().take("toy", reason="it is ours now")


def is_refused(world):
    return 0 if "refused" in obey(world, "promote", "last") else 1


def kill_again_and_again(here, chooser):
    for _ in range(KILLS_EACH):
        child = fork(live, here, chooser.random())
        time.sleep(chooser.uniform(0.0, 0.4))
        os.kill(child, signal.SIGKILL)
        assert wait(child) == -signal.SIGKILL
        go_on(here, chooser)


def kill_and_go_on(world, scene, step):
    assert run(killed, world, scene, step) == -signal.SIGKILL, f"step {step} did not come"
    go_on(world, random.Random(f"{scene} {step}"))
    shutil.rmtree(world.root)


def go_on(world, chooser):
    """What a kill left, one next command in a new process, and what it left."""
    check(world, settled=False)
    name = chooser.choice(CHANGES)
    assert run(do, world, name, None, "os:bob", chooser) == 0
    check(world)
    if world.mlflow:
        assert run(sync, world) == 0
        check(world, synced=True)


def sync(world):
    assert world.open().sync("toy")


def live(world, seed):
    chooser = random.Random(seed)
    while True:
        do(world, chooser.choice((*CHANGES, "save")), None, "os:alice", chooser)


def killed(world, scene, step):
    with numbered(kill_at(step)):
        scene(world) if callable(scene) else act(world, scene)


def name_steps(world, scene):
    def counted():
        with numbered() as names:
            act(world, scene)
        (world.root / "steps").write_text("\n".join(names))

    assert run(counted) == 0
    check(world, synced=world.mlflow and scene != "save")
    return (world.root / "steps").read_text().splitlines()


def act(world, scene):
    do(world, *SCENES[scene])
