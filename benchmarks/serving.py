"""Time a service that follows the champion, next to a plain Bento service with one fixed model.

    python benchmarks/serving.py [--quick]

Both are real `bentoml serve` with two workers, and score the same raw transaction at the same fixed rate. They take
turns: while one is under load, another process makes five changes of the champion (four promotions and a rollback).
During the plain service's turn, it makes them in a copy of the project that nothing follows. Latency counts from the
moment at which a request was due, so that a stall counts for every request that waited. Afterwards, quick changes
follow until each worker has swapped fifty times. Exits with 1 if a target is missed.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Annotated, Any
from urllib.request import urlopen

import numpy as np
import psutil
import typer

from promotion.adapters.bento import BentoStore
from promotion.interfaces import call
from promotion.rows import fingerprints
from promotion.vocabulary import Tag
from registry_flows.fraud import FraudRecipe
from registry_flows.fraud.data import write

MODEL, VERSIONS, WORKERS = "fraud_classifier", 6, 2
FOLLOWING, PLAIN = 3471, 3472
ROW = {"TransactionAmt": 117.0, "ProductCD": "C", "P_emaildomain": "gmail.com", "card4": "visa"}
SETTINGS = """
ledger = "sqlite:///ledger.db"
bentoml_home = "bentoml"
[models.fraud_classifier]
recipe = "registry_flows.fraud:FraudRecipe"
data = "transactions.csv"
policy.primary.metric = "average_precision"
"""
PLAIN_SERVICE = """
from pathlib import Path
import bentoml
from promotion.adapters.bento import BentoStore
from promotion.vocabulary import Tag
from registry_flows.fraud import FraudRecipe

@bentoml.service(name="plain", workers=2)
class Plain:
    def __init__(self):
        store = BentoStore(Path("bentoml"))
        tag = Tag("fraud_classifier", "v0")
        self.recipe, self.trained = FraudRecipe(), store.load(tag, digest=store.digest(tag))

    @bentoml.api
    def score(self, row: dict) -> dict:
        scores = self.recipe.score(self.trained, self.recipe.rows_from([row])).tolist()
        return {"score": scores[0], "tag": "fraud_classifier:v0"}
"""
CHANGER = """
import sys
import promotion
from promotion.adapters.memory import MemoryMirror
registry = promotion.open(mirror=MemoryMirror())
for line in sys.stdin:
    tag = line.strip()
    if tag == "rollback":
        registry.rollback("fraud_classifier", reason="benchmark")
    else:
        registry.promote(tag, reason="benchmark", override=True)
    print(registry.champion("fraud_classifier").since, registry.champion("fraud_classifier").tag, flush=True)
"""


class Project:
    """A folder with a store of versions and a ledger, and a process that changes its champion on request."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._next = folder, 0
        command = [sys.executable, "-c", CHANGER]
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def change(self, what: str = "") -> tuple[float, str]:
        """Promote the next version, or roll back; returns when the ledger recorded it, and the champion."""
        if not what:
            self._next += 1
            what = f"{MODEL}:v{self._next % VERSIONS}"
        print(what, file=self.process.stdin, flush=True)
        since, tag = self.process.stdout.readline().split()
        return datetime.fromisoformat(since).timestamp(), tag


def projects(folder: Path) -> tuple[Project, Project, dict[str, float]]:
    """Return the project that is followed, its copy, and the score of the row by each version."""
    first, recipe, expected = folder / "followed", FraudRecipe(), {}
    first.mkdir()
    (first / "promotion.toml").write_text(SETTINGS)
    (first / "plain.py").write_text(PLAIN_SERVICE)
    write(first / "transactions.csv", 7_500, days=15, seed=6)
    store, training = BentoStore(first / "bentoml"), recipe.split(recipe.load(first / "transactions.csv")).training
    for number in range(VERSIONS):
        trained = FraudRecipe(seed=number).train(training, step=call)
        tag = store.save(
            f"{MODEL}:v{number}",
            trained,
            metadata={"version": f"{number}"},
            training_rows=fingerprints(training["TransactionID"]),
        )
        expected[str(tag)] = float(
            recipe.score(store.load(Tag.parse(tag), digest=store.digest(tag)), recipe.rows_from([ROW]))[0]
        )
    assert len(set(expected.values())) == VERSIONS, "two versions give the same score"
    shutil.copytree(first, folder / "copy")
    found = Project(first), Project(folder / "copy")
    for one in found:
        one.change(f"{MODEL}:v0")
    return *found, expected


@contextmanager
def serving(folder: Path, port: int, service: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `bentoml serve` until the context ends."""
    command = [sys.executable, "-m", "bentoml", "serve", service, "--port", str(port)]
    settings = {"BENTOML_CONFIG_OPTIONS": f"services.{MODEL}.workers={WORKERS}", "BENTOML_DO_NOT_TRACK": "True"}
    if port == PLAIN:  # BentoML deletes the metrics of other services with the same home when it starts
        settings["BENTOML_HOME"] = str(folder / "home")
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, **settings}, stdout=log, stderr=log)
    try:
        while True:
            assert process.poll() is None, (folder / f"{port}.log").read_text()[-3000:]
            try:
                urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5)
                break
            except OSError:
                time.sleep(0.5)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


class Load:
    """A load generator: requests at a fixed rate, each on a free connection, timed from when it was due."""

    def __init__(self, port: int, rate: float, seconds: float, connections: int = 24) -> None:
        self.port, self.rate, self.seconds, self._connections = port, rate, seconds, connections
        body = json.dumps({"row": ROW}).encode()
        head = "POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        self._request = f"{head}{len(body)}\r\n\r\n".encode() + body
        self.latencies: list[float] = []
        self.answers: list[tuple[float, str, float]] = []  # when, tag, score
        self.failures: list[str] = []

    async def run(self) -> None:
        """Send them all, and return when the last is answered."""
        self._free: asyncio.Queue[Any] = asyncio.Queue()
        for _ in range(self._connections):
            self._free.put_nowait(await asyncio.open_connection("127.0.0.1", self.port))
        begin, sent = time.perf_counter() + 0.1, []
        for number in range(int(self.rate * self.seconds)):
            due = begin + number / self.rate
            await asyncio.sleep(max(0, due - time.perf_counter()))
            sent.append(asyncio.create_task(self._ask(due)))
        await asyncio.gather(*sent)

    async def _ask(self, due: float) -> None:
        reader, writer = connection = await self._free.get()
        try:
            writer.write(self._request)
            status = int((await reader.readline()).split()[1])
            length = 0
            while (line := await reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answer = json.loads(await reader.readexactly(length))
            self.latencies.append(time.perf_counter() - due)
            if status == 200:
                self.answers.append((time.time(), answer["tag"], answer["score"]))
            else:
                self.failures.append(f"{status} {answer}")
        except Exception as error:
            self.failures.append(repr(error))
            connection = await asyncio.open_connection("127.0.0.1", self.port)
        self._free.put_nowait(connection)

    @property
    def p50_p99(self) -> np.ndarray:
        """Median and 99th percentile in milliseconds."""
        return np.percentile(self.latencies, [50, 99]) * 1000


def metric(name: str) -> dict[str, float]:
    """Return the samples of a metric of the following service, by process id; "" if the processes add up."""
    text = urlopen(f"http://127.0.0.1:{FOLLOWING}/metrics").read().decode()
    found = re.findall(rf"^{name}{{(.*)}} (\S+)$", text, re.MULTILINE)
    return {(re.search(r'pid="(\d+)"', labels) or ["", ""])[1]: float(value) for labels, value in found}


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return the processor time that the workers of a service have used."""
    return sum(sum(one.cpu_times()[:2]) for one in psutil.Process(process.pid).children(recursive=True))


async def under_load(load: Load, project: Project, gap: float) -> list[tuple[float, str, dict[str, float]]]:
    """Run a load with four promotions and a rollback; returns each with the delay of every worker that follows."""
    running, changes = asyncio.create_task(load.run()), []
    await asyncio.sleep(gap / 2)
    for what in ("", "", "", "", "rollback"):
        at, tag = await asyncio.to_thread(project.change, what)
        await asyncio.sleep(gap)
        since = await asyncio.to_thread(metric, "promotion_served_since_timestamp_seconds")
        changes.append((at, tag, {pid: moment - at for pid, moment in since.items()}))
    await running
    return changes


def main(quick: Annotated[bool, typer.Option(help="One turn each.")] = False, rate: float = 20.0) -> None:
    """Measure and print."""
    turns, gap, missed = (1 if quick else 5), 3.0, []
    with tempfile.TemporaryDirectory() as root:
        followed, copied, expected = projects(Path(root))
        print(
            f"load average {os.getloadavg()[0]:.1f}; {rate:g} requests a second; {turns} turns of {5.5 * gap + 4:g} s"
        )
        with (
            serving(followed.folder, FOLLOWING, "registry_flows.service:FraudService") as service,
            serving(followed.folder, PLAIN, "plain:Plain") as plainly,
        ):
            cold = metric("promotion_load_seconds_sum")[""] + metric("promotion_warm_up_seconds_sum")[""]
            asyncio.run(Load(FOLLOWING, rate, 3).run())
            asyncio.run(Load(PLAIN, rate, 3).run())
            delays, ratios, changed, answered, cpu = [], [], 0, 0, {}
            for turn in range(turns):
                pair = {}
                for port, project in ((FOLLOWING, followed), (PLAIN, copied))[:: 1 if turn % 2 else -1]:
                    load = pair[port] = Load(port, rate, 5.5 * gap + 4)
                    process = service if port == FOLLOWING else plainly
                    before = cpu_seconds(process)
                    changes = asyncio.run(under_load(load, project, gap))
                    cpu[port] = cpu.get(port, 0) + (cpu_seconds(process) - before) / len(load.latencies) * 1000 / turns
                    missed += [f"{len(load.failures)} requests failed: {load.failures[0]}"] if load.failures else []
                    mixed = [one for one in load.answers if abs(one[2] - expected[one[1]]) > 1e-6]
                    missed += [f"{len(mixed)} answers were mixed"] if mixed else []
                    if port == FOLLOWING:
                        delays += [delay for _, _, by in changes for delay in by.values()]
                        changed, answered = changed + len(changes), answered + len(load.answers)
                ours, plain = pair[FOLLOWING].p50_p99, pair[PLAIN].p50_p99
                ratios.append(ours / plain)
                print(f"turn {turn + 1}: p50 {ours[0]:.1f} ms, plain {plain[0]:.1f};", end=" ")
                print(f"p99 {ours[1]:.1f} ms, plain {plain[1]:.1f}", flush=True)
            p50, p99 = np.median(ratios, axis=0)
            loads = metric("promotion_load_seconds_count")[""] - WORKERS
            warm = (
                metric("promotion_load_seconds_sum")[""] + metric("promotion_warm_up_seconds_sum")[""] - cold
            ) / loads
            print(f"{changed} changes, {answered:,} requests, {len(missed)} kinds of failures")
            print(f"first load in a worker {cold / WORKERS:.2f} s, later loads {warm:.2f} s, with warm-up")
            print(f"from the ledger's append to the swap: median {median(delays):.2f} s, longest {max(delays):.2f} s")
            print(f"p50 ratio {p50:.2f}, p99 ratio {p99:.2f} (medians of {turns} turns)")
            print(f"processor time of a request: {cpu[FOLLOWING]:.1f} ms with all swaps, plain {cpu[PLAIN]:.1f} ms")
            missed += [f"a worker took {max(delays):.2f} s"] if max(delays) > 2 else []
            missed += [f"ratios {p50:.2f} and {p99:.2f}"] if max(p50, p99) > 1.1 else []
            workers = [psutil.Process(int(pid)) for pid in metric("promotion_behind")]
            after = {}
            for number in range(changed + 1, 51):
                followed.change()
                time.sleep(1.5)
                after[number] = [round(one.memory_info().rss / 1e6) for one in workers]
            print(
                "memory of the workers in MB, after each tenth swap:",
                *(after[one] for one in sorted(after) if not one % 10),
            )
            assert service.poll() is None
        for one in (followed, copied):
            one.process.stdin.close()
            one.process.wait(timeout=30)
    for sentence in missed:
        print(f"missed: {sentence}")
    raise typer.Exit(bool(missed))


if __name__ == "__main__":
    typer.run(main)
