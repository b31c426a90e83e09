"""Failing disks and databases: one sentence per fault, an unchanged state, and the next command completes the work.

In each run, every step of every writing command fails once; of a read-only transaction, one step in turn.
`pytest --hypothesis-profile soak` lets each step fail in every way.
"""

import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess

import pytest
from checker import check, read_ledger
from hypothesis import settings
from situation import toy
from steps import FAULTS, fail_at, numbered
from world import CHANGES, SCENES, World, do, obey, run

from promotion.adapters.sql import SqlLedger
from promotion.errors import PromotionError

pytestmark = pytest.mark.slow

SOAK = settings.get_current_profile_name() == "soak"
READING = ("sql BEGIN", "sql SELECT", "sql PRAGMA")
WAYS = [(fault, lasting) for lasting in (False, True) for fault in FAULTS]


@pytest.mark.parametrize("way", range(len(WAYS)) if SOAK else [0])
@pytest.mark.parametrize("scene", SCENES)
def test_any_step_that_fails_is_a_sentence_and_the_next_command_completes_the_state(first_world, tmp_path, scene, way):
    for number, step in enumerate(choose_steps(first_world.copy(tmp_path / "counted"), scene)):
        world = first_world.copy(tmp_path / "here")
        fault, lasting = WAYS[(way + number) % len(WAYS)]
        complaint(world, scene, numbered(fail_at(step, fault, lasting=lasting)))
        go_on(world, f"{scene} {step}")
        shutil.rmtree(world.root)


@pytest.mark.parametrize("scene", ["promote", "register"])
def test_what_is_said_not_to_be_recorded_is_not(first_world, tmp_path, scene):
    untrue = []
    for step in choose_steps(first_world.copy(tmp_path / "counted"), scene):
        world = first_world.copy(tmp_path / "here")
        before = len(read_ledger(world.ledger_url)[0])
        said = complaint(world, scene, numbered(fail_at(step)))
        if "othing was recorded" in said and len(read_ledger(world.ledger_url)[0]) > before:
            untrue.append((step, said))
        shutil.rmtree(world.root)
    assert untrue == []


def choose_steps(world, scene):
    """The numbers of those that shall fail."""
    with numbered() as names:
        obey(world, *SCENES[scene])
    assert len(names) > 20
    return range(1, len(names) + 1) if SOAK else differing(names)


def differing(names):
    """All but those of a transaction that only reads: of its BEGIN, SELECT and COMMIT one, by turns."""
    steps, reading = [], []
    for number, name in enumerate(names, 1):
        if name.startswith(READING) and name != "sql BEGIN IMMEDIATE":
            reading.append(number)
        elif name == "sql COMMIT" and reading:
            reading.append(number)
            steps.append(reading[len(steps) % len(reading)])
            reading = []
        else:
            steps += [*reading, number]
            reading = []
    return steps + reading


def complaint(world, scene, fault=None):
    """The sentence that the command ends with under the fault; empty where it did its work all the same."""
    said, told = "", {}
    try:
        with fault or contextlib.nullcontext():
            told = obey(world, *SCENES[scene])
    except PromotionError as error:
        said = str(error)
    if told:  # written without the fault: this is the test's own file
        world.acknowledge(**told)
    assert "\n" not in said
    assert not said or said.endswith(".")
    return said


def go_on(world, seed=0):
    """What a fault left, one next command without it, and what it left."""
    check(world, settled=False)
    chooser = random.Random(seed)
    do(world, chooser.choice(CHANGES), None, "os:bob", chooser)
    check(world)


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("scene", SCENES)
def test_a_full_disk(first_world, small_disk, scene):
    world = first_world.copy(small_disk / "world")
    for free in (0, 4096, 8192, 20480, 40960, 81920):
        with full(small_disk / "ballast", free):
            complaint(world, scene)
        check(world, settled=False)
    go_on(world)


@contextlib.contextmanager
def full(ballast, free):
    """Leave that many bytes on the disk."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    os.truncate(ballast, max(ballast.stat().st_size - free, 0))
    try:
        yield
    finally:
        ballast.unlink()


@pytest.mark.parametrize("scene", SCENES)
def test_files_that_may_not_grow(first_world, tmp_path, scene):
    world = first_world.copy(tmp_path / "world")
    assert run(confined, world, scene) == 0
    check(world, settled=False)
    go_on(world)


def confined(world, scene):
    """As under `ulimit -f`: a write that goes past the limit fails."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for size in (64, 400, 2000, 40_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        with contextlib.suppress(PromotionError):
            obey(world, *SCENES[scene])
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone who may not write")
@pytest.mark.parametrize("scene", SCENES)
def test_someone_who_may_only_read_is_told_so_and_changes_nothing(first_world, tmp_path_factory, scene):
    base = tmp_path_factory.mktemp("shared")
    for folder in (base, base.parent, base.parent.parent):
        folder.chmod(0o755)
    world = first_world.copy(base / "world")
    assert run(as_nobody, world, scene) == 0
    check(world)
    go_on(world)


def as_nobody(world, scene):
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    said = complaint(world, scene)
    assert "cannot be" in said, said


def test_a_locked_ledger(first_world, tmp_path):
    world = first_world.copy(tmp_path / "world")
    impatient = World(world.root, ledger=f"{world.ledger_url}?timeout=0.2")
    with contextlib.closing(sqlite3.connect(world.root / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        said = complaint(impatient, "promote")
        other.execute("ROLLBACK")
    assert "(database is locked). Nothing was recorded." in said
    go_on(world)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_postgresql_that_ends_in_mid_transition(first_world, tmp_path, postgres_server, how):
    copied = first_world.copy(tmp_path / "world")
    world = World(copied.root, ledger=postgres_server.new_database())
    SqlLedger(world.ledger_url).append(
        SqlLedger(copied.ledger_url).entries("toy"), SqlLedger(copied.ledger_url).head("toy")
    )
    registry = world.open()
    write = registry.store.write_stage

    def stop_first(tag, stage):
        postgres_server.stop(how)
        registry.store.write_stage = write
        write(tag, stage)

    registry.store.write_stage = stop_first
    try:
        with pytest.raises(PromotionError) as caught:
            registry.promote(toy("twin"), reason="by hand", override=True)
    finally:
        postgres_server.start()
    assert str(caught.value).startswith(
        "The change is recorded; the next command completes it. The ledger at postgresql+psycopg://***@"
    )
    fold = check(world, settled=False)
    assert (fold.champion, bool(fold.pending)) == ("toy:twin", True)
    registry.repair("toy")
    assert check(world).champion == "toy:twin"
