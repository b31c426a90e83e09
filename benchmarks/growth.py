"""Growth of everyday commands with the ledger: each as a whole process, on 1,000 and on 100,000 entries of one model.

    python benchmarks/growth.py [--entries 100000] [--turns 3] [--postgresql URL]

The ledger is that of hourly retraining: every version registered, judged and promoted, rejected or held, with decisions
as a gate records them, on rows that change once a day. The last checkpoint is half as old as it becomes. MLflow, on a
database of its own, has received all but a version that is registered before each `sync`. Seconds are medians; memory
is the peak of the process.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import numpy as np
import typer
from sklearn.linear_model import LogisticRegression

from promotion.adapters.bento import BentoStore
from promotion.adapters.sql import SqlLedger
from promotion.assembly import open_registry
from promotion.canonical import plain
from promotion.comparison import compare
from promotion.comparison.drawing import draw_curves
from promotion.interfaces import Trained
from promotion.ledger.chain import chain
from promotion.ledger.checkpoint import checkpoint_of, condensed, is_due
from promotion.ledger.entries import Body, Judgement, Move, Registration, TransitionApplied, TransitionPlanned
from promotion.ledger.folding import advance
from promotion.ledger.state import State
from promotion.policy import Budget, HoldoutSketch, HoldoutUsed, Judged, Policy, Primary, decide
from promotion.registry.foreign_aliases import to_send
from promotion.registry.mirror_state import mirror_state
from promotion.vocabulary import Stage, Tag

SHORT, MODEL, PAGE, ROWS = 1_000, "toy", 500, 600
STORED = 20
"""Number of versions whose files the store holds: the newest."""
METRICS = ("roc_auc", "average_precision", "brier_score", "log_loss")
CONFIGURATION = """
bentoml_home = "bentoml"
ledger = "{url}"
[models.toy]
recipe = "registry_flows.fraud:FraudRecipe"
data = "rows.csv"
[models.toy.policy]
primary = {{ metric = "roc_auc" }}
"""
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
seconds, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([done.returncode, done.stderr, seconds, peak / 1000]))
"""
"""Runs a command from a small process, because the peak of a process includes that of the one it was forked from."""


class Measured(NamedTuple):
    """Seconds and megabytes of a command."""

    seconds: float
    megabytes: float

    def __str__(self) -> str:
        return f"{self.seconds:8.2f} s {self.megabytes:6.0f} MB"


def main(
    entries: Annotated[int, typer.Option(help="Entries of the long ledger.")] = 100_000,
    turns: Annotated[int, typer.Option(help="Runs of each command.")] = 3,
    postgresql: Annotated[str, typer.Option(help="URL of an empty database, to measure there too.")] = "",
) -> None:
    print(f"{os.cpu_count()} cores; medians of {turns} whole processes", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-growth-") as folder:
        for database, url in _databases(Path(folder), postgresql):
            roots = [filled(Path(folder) / f"{database}{size}", url(size), size) for size in (SHORT, entries)]
            print(f"\n{database:30} {SHORT:>12,} entries {entries:>12,} entries    ratio")
            for name in commands(roots[0]):
                few, many = (measured_command(root, commands(root)[name], turns) for root in roots)
                print(f"  {name:28} {few} {many} {many.seconds / few.seconds:8.2f}", flush=True)


def _databases(folder: Path, postgresql: str) -> Iterator[tuple[str, Callable[[int], str]]]:
    yield "SQLite", lambda size: f"sqlite:///{folder / f'ledger{size}.db'}"
    if postgresql:
        yield "PostgreSQL", lambda size: f"{postgresql}{'&' if '?' in postgresql else '?'}application_name=growth{size}"


def commands(root: Path) -> dict[str, list[str]]:
    newest = json.loads((root / "newest.json").read_text())
    model = newest["model"]
    return {
        "champion": ["champion", model],
        "champion --at": ["champion", model, "--at", newest["middle"]],
        "status": ["status", model],
        "history --limit 20": ["history", model, "--limit", "20"],
        "history --champions --limit 5": ["history", model, "--champions", "--limit", "5"],
        "show TAG": ["show", newest["tag"]],
        "show DECISION": ["show", newest["decision"]],
        "metrics --json --limit 20": ["metrics", model, "--json", "--limit", "20"],
        "promote --dry-run": ["promote", newest["held"], "--override", "--reason", "try", "--dry-run"],
        "gc --dry-run": ["gc", model, "--dry-run"],
        "sync": ["sync", model],
    }


def measured_command(root: Path, arguments: list[str], turns: int) -> Measured:
    """Measure a `promotion` command; before each `sync`, registers a version."""
    command, found = [str(Path(sys.executable).with_name("promotion")), *arguments], list[Measured]()
    for _ in range(turns):
        if arguments[0] == "sync":
            _register(root, arguments[1])
        found.append(measured(root, command))
    return Measured(*(median(each) for each in zip(*found, strict=True)))


def measured(
    root: Path, command: list[str], environment: Mapping[str, str] | None = None, codes: Collection[int] = (0,)
) -> Measured:
    """Measure a process, which must end with one of these codes; its memory is that of its largest process."""
    runner = [sys.executable, "-c", MEASURE, *command]
    done = subprocess.run(runner, cwd=root, env=environment, capture_output=True, text=True, check=True)
    code, err, *numbers = json.loads(done.stdout)
    if code not in codes:
        sys.exit(f"{' '.join(command)}: exit {code}: {err}")
    return Measured(*numbers)


def _register(root: Path, model: str) -> None:
    """Register a version, so that MLflow is one entry behind."""
    ledger = open_registry(root / "promotion.toml").ledger
    head = ledger.head(model)
    assert head
    new = Registration(tag=f"{model}:new{head.seq}", digest=f"{head.seq:064x}", stage=Stage.STAGING)
    made = tuple(chain(model, head, [new], at=datetime.now(UTC), actor="os:bench"))
    ledger.append(made, replace(head, seq=made[-1].seq, hash=made[-1].hash))


def filled(root: Path, url: str, entries: int) -> Path:
    root.mkdir()
    (root / "promotion.toml").write_text(CONFIGURATION.format(url=url).replace("toy", f"toy{entries}"))
    (root / "rows.csv").write_text("a,b\n1,2\n")
    model = f"{MODEL}{entries}"
    ledger, history = SqlLedger(url), History(model, BentoStore(root / "bentoml"))
    state, at, middle = State(model=model), datetime.now(UTC) - timedelta(hours=entries), ""
    behind = next(age for age in range(entries) if is_due(entries, entries - age)) // 2
    while state.seq < entries:
        before, bodies = state, list[Body]()
        while len(bodies) < (PAGE if state.seq + PAGE + behind < entries else behind):
            bodies += history.hour(state.seq + len(bodies), stored=entries - state.seq - len(bodies) < STORED * 4)
        made = tuple(chain(model, state.head, bodies, at=at + timedelta(hours=state.seq), actor="os:bench"))
        state = advance(state, *made)
        ledger.append(made, state.head)
        state = condensed(state, partial(ledger.entries, model))
        middle = middle or (made[-1].at if state.seq >= entries // 2 else "")
    ledger.keep(checkpoint_of(before))
    mirror(root, ledger, state)
    (root / "newest.json").write_text(json.dumps({"model": model, "middle": middle, **history.newest}))
    return root


def mirror(root: Path, ledger: SqlLedger, state: State) -> None:
    """Send MLflow the newest entries, and note in it and in the ledger that it has all."""
    registry = open_registry(root / "promotion.toml")
    history, names = registry.history(state.model), to_send(state, lambda _: [{}])
    registry.mirror.push(mirror_state(state, history, registry.store.path, names, seen=state.seq - STORED))
    ledger.mark_mirrored(state.model, state.seq)


class History:
    """Hourly retraining: a version each hour, of which one in ten is promoted, and the others rejected or held."""

    def __init__(self, model: str, store: BentoStore, *, a_day: int = 24, data: str | None = None) -> None:
        self.model, self.store, self.number, self.a_day, self.data = model, store, 0, a_day, data
        self.judged = _judged()
        self.champion: Judged | None = None
        self.newest: dict[str, str] = {}

    def hour(self, before: int, *, stored: bool) -> list[Body]:
        """Return what one hour records after this many entries."""
        self.number += 1
        tag = Tag(self.model, f"v{self.number}")
        if stored:
            trained = Trained(model=LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
            self.store.save(str(tag), trained, metadata={}, training_rows=np.arange(3, dtype=np.uint64))
        version = Judged(tag=str(tag), digest=self.store.digest(tag) if stored else f"{self.number:064x}")
        skill = 2.5 if self.number % 10 == 1 else (0.3, 1.0)[self.number % 2]
        sentence = self._decided(self.judged[skill][self.number % 20], version)
        moves = self._moves(version, skill)
        if moves and stored:
            self.store.write_stage(tag, moves[0].after)
        self.newest |= {"tag": str(tag), "decision": sentence.decision_digest[:12]}
        self.newest |= {} if moves else {"held": str(tag)}
        registered = Registration(
            tag=str(tag), digest=str(version.digest), stage=Stage.STAGING, data="rows.csv", training_rows=40_000
        )
        return [registered, sentence, *(self._transition(moves, sentence, before + 3) if moves else ())]

    def _decided(self, sentence: Judgement, version: Judged) -> Judgement:
        day = self.number // self.a_day
        sketch = HoldoutSketch.of(np.random.default_rng(day).integers(0, 2**63, ROWS).astype(np.uint64))
        used = HoldoutUsed(
            digest=f"{day:064x}",
            data="rows.csv",
            data_digest=self.data or f"{day:064x}",
            rows=ROWS,
            positives=30,
            removed=0,
        )
        decision = replace(sentence.decision, challenger=version, champion=self.champion, holdout=used)
        return replace(sentence, tag=version.tag, decision=decision, decision_digest=decision.digest, sketch=sketch)

    def _moves(self, version: Judged, skill: float) -> tuple[Move, ...]:
        if skill == 1.0:
            return ()
        up = Move(tag=version.tag, before=Stage.STAGING, after=Stage.PROD if skill > 1 else Stage.REJECTED)
        if skill < 1:
            return (up,)
        down = (Move(tag=self.champion.tag, before=Stage.PROD, after=Stage.ARCHIVED),) if self.champion else ()
        self.champion = version
        return (up, *down)

    def _transition(self, moves: tuple[Move, ...], sentence: Judgement, seq: int) -> Iterator[Body]:
        cause = "promotion" if moves[0].after is Stage.PROD else "rejection"
        champion = self.champion.tag if self.champion else None
        reason, digest = sentence.decision.summary, sentence.decision_digest
        yield TransitionPlanned(cause=cause, moves=moves, champion=champion, reason=reason, decision=digest)
        yield TransitionApplied(planned=seq)


@cache
def _judged() -> dict[float, list[Judgement]]:
    """Return twenty decisions for each skill of the challenger."""
    rng, policy = np.random.default_rng(27), Policy(primary=Primary(metric="roc_auc"), metrics=METRICS)

    def one(skill: float) -> Judgement:
        labels = (np.arange(5_000) % 20 == 0).astype(np.int64)
        shared, own = rng.normal(size=5_000), rng.normal(size=(2, 5_000))
        scores = [
            1 / (1 + np.exp(2 - each * labels - 0.8 * shared - 0.4 * own[n])) for n, each in enumerate((1, skill))
        ]
        decision = decide(compare(labels, *scores, metrics=METRICS), policy, budget=Budget(alpha=0.05, use=1.0))
        curves = draw_curves(labels, scores[1], scores[0])
        return Judgement(tag="", decision=decision, decision_digest="", curves=curves, policy=plain(policy))

    return {skill: [one(skill) for _ in range(20)] for skill in (2.5, 0.3, 1.0)}


if __name__ == "__main__":
    typer.run(main)
