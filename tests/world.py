"""A store, a ledger and MLflow in one folder, and child processes that work there and may be killed."""

import gc
import json
import os
import random
import shutil
import sqlite3
import sys
import traceback
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from recipes import ToyRecipe, synthetic_rows
from situation import open_at, settings_at, toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.adapters.mlflow import MlflowMirror
from promotion.adapters.sql import SqlLedger
from promotion.errors import Conflict, Refused
from promotion.interfaces import call
from promotion.registry.register import Origin
from promotion.rows import fingerprints

POLICY = {"min_rows": 100, "min_positives": 20, "holdout_reuse": "ignore"}
SKILLS = {
    "weak": "weak",
    "good": "good",
    "poor": "spoilt",
    "twin": "good",
    "spoilt": "spoilt",
    "next": "good",
    "last": "good",
}
CRASHED = 70


@dataclass(frozen=True)
class World:
    """One folder with everything that belongs to the model `toy`.

    Attributes:
        root: the folder.
        ledger: the ledger's URL; None for SQLite in the folder.
        mlflow: whether the mirror is MLflow on SQLite in the folder; otherwise it is in memory and ends with its process.
    """

    root: Path
    ledger: str | None = None
    mlflow: bool = False

    @property
    def ledger_url(self):
        return self.ledger or f"sqlite:///{self.root / 'ledger.db'}"

    @property
    def mlflow_uri(self):
        return f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def store(self):
        return BentoStore(self.root / "bentoml")

    def open(self, actor="os:alice", **parts):
        mirror = MlflowMirror(self.mlflow_uri) if self.mlflow else MemoryMirror()
        settings = settings_at(self.root, policy=POLICY).model_copy(update={"ledger": self.ledger_url})
        parts = {"store": self.store, "mirror": mirror, "clock": lambda: datetime.now(UTC), **parts}
        return open_at(settings, actor=lambda: actor, **parts)

    def copy(self, root, **changes):
        """Copy the world to another folder, including MLflow's runs."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        if changes.get("mlflow"):
            with sqlite3.connect(root / "mlflow.db") as database:
                database.execute(
                    "UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?)", (str(self.root), str(root))
                )
            database.close()
        return World(root, **changes)

    def on_postgresql(self, server):
        """Return the world with its ledger in a new database of the server."""
        url = server.new_database()
        assert run(move_ledger, self, url) == 0
        return World(self.root, ledger=url, mlflow=self.mlflow)

    def acknowledge(self, **told):
        """Record durably what a command reported as done."""
        with (self.root / "acknowledged").open("a") as file:
            file.write(json.dumps(told) + "\n")
            file.flush()
            os.fsync(file.fileno())


def move_ledger(world, url):
    source = SqlLedger(world.ledger_url)
    SqlLedger(url).append(source.entries("toy"), source.head("toy"))


def fork(work, *arguments):
    """Run the work in a forked child process, whose exit code is what the work returns; returns its process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = CRASHED
    try:
        code = work(*arguments) or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def wait(child):
    """Return the child's exit code; negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(work, *arguments):
    return wait(fork(work, *arguments))


# Commands, each given a registry and a version; each returns what it reported as done.


def register(registry, tag, reason):
    run_id = registry.store.get(tag).metadata.get("run")
    return {"registered": registry.register(tag, Origin(run_id=run_id)).tag}


def gate(registry, tag, reason):
    return {"decision": registry.gate(tag).digest}


def promote(registry, tag, reason):
    return {"reason": reason, "champion": registry.promote(tag, reason=reason, override=True).champion}


def rollback(registry, tag, reason):
    return {"reason": reason, "champion": registry.rollback(tag.model, reason=reason).champion}


def repair(registry, tag, reason):
    return {"repaired": registry.repair(tag.model).transition is not None}


def collect(registry, tag, reason):
    plan = registry.gc(tag.model, keep=0, registered_before=datetime.max.replace(tzinfo=UTC), reason=reason)
    return {"reason": reason, "champion": plan.champion, "deleted": plan.deletions} if plan else {}


def save(registry, tag, reason):
    return {"saved": str(save_version(registry.store, f"v{uuid.uuid4().hex[:12]}", trained("good")))}


COMMANDS = {work.__name__: work for work in (register, gate, promote, rollback, repair, collect, save)}


SCENES = {
    "register": ("register", "last"),
    "gate": ("gate", "next"),
    "reject": ("gate", "spoilt"),
    "promote": ("promote", "twin"),
    "rollback": ("rollback", "good"),
    "repair": ("repair", "good"),
    "collect": ("collect", "good"),
    "save": ("save", "good"),
}
CHANGES = ("register", "gate", "promote", "rollback", "repair", "collect")


def obey(world, name, version=None, actor="os:alice", chooser=random):
    """Run one command as a process would, and return what it reported as done. A refusal is an answer."""
    registry = world.open(actor)
    tag = toy(version) if version else chooser.choice([one.tag for one in registry.store.versions("toy")])
    try:
        told = COMMANDS[name](registry, tag, f"{name} {uuid.uuid4().hex}")
    except Refused as error:
        told = {"refused": str(error)}
    except Conflict as error:
        told = {"lost": str(error)}
    return {"command": name, "actor": actor, **told}


def do(world, *command):
    """Run one command, and record what it reported."""
    world.acknowledge(**obey(world, *command))


# Initial contents


def trained(skill):
    if skill not in _trained:
        recipe = ToyRecipe(skill=skill)
        training = recipe.split(_rows).training
        _trained[skill] = recipe.train(training, step=call), fingerprints(training["id"])
    return _trained[skill]


def save_version(store, version, trained, **metadata):
    fitted, rows = trained
    return store.save(f"toy:{version}", fitted, metadata={"version": version, **metadata}, training_rows=rows)


def begin(root, mlflow_db):
    """Create a world in which `toy:good` serves after `toy:weak`.

    `poor` was rejected; `spoilt`, `next` and `twin` wait to be judged; `last` is unknown. It is created in this process, so
    that everything the children need is already imported.
    """
    from mlflow import MlflowClient

    world = World(root, mlflow=True)
    _rows.to_csv(root / "rows.csv", index=False)
    shutil.copy(mlflow_db, root / "mlflow.db")
    client = MlflowClient(world.mlflow_uri, world.mlflow_uri)
    experiment = client.create_experiment("toy", artifact_location=(world.root / "artifacts").as_uri())
    for version, skill in SKILLS.items():
        save_version(world.store, version, trained(skill), run=client.create_run(experiment).info.run_id)
    for name, version in (
        ("register", "weak"), ("gate", "weak"), ("gate", "good"), ("gate", "poor"), ("repair", "poor"),
        ("register", "spoilt"), ("register", "next"), ("register", "twin"),
    ):  # fmt: skip
        do(world, name, version)
    return world


_rows = synthetic_rows(600)
_trained = {}


@pytest.fixture(scope="session")
def first_world(empty_mlflow, tmp_path_factory):
    """The world that `begin` creates; tests copy it."""
    world = begin(tmp_path_factory.mktemp("world"), empty_mlflow)
    gc.collect()
    gc.freeze()  # otherwise each child's first collection copies all memory pages
    yield world
    gc.unfreeze()
