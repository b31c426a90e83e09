"""Time commands on a fleet: 1,000 models of 64 entries each, judged daily, on SQLite, and an empty MLflow.

    python benchmarks/fleet.py [--models 1000] [--entries 64] [--turns 3] [--keep FOLDER] [--site]

With `--site`, the site is drawn first, a fiftieth of a CPU second for each report and page, and then with nothing new.
Seconds are medians of whole processes, of the machine's clock and of CPU; memory is the peak of the process. With
`--keep`, the fleet is made in that folder unless it is there, and stays.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import typer
from growth import History

from promotion.adapters.bento import BentoStore
from promotion.assembly import open_registry
from promotion.interfaces import Trained
from promotion.ledger.chain import Entry, Head, chain
from promotion.ledger.checkpoint import checkpoint_of, is_due
from promotion.ledger.entries import Body
from promotion.ledger.folding import advance
from promotion.ledger.state import State
from promotion.vocabulary import Stage, Tag

STORED = 64
"""Entries of each model whose versions are in the store; the files of earlier ones are gone."""
CONFIGURATION = (
    'bentoml_home = "bentoml"\nledger = "sqlite:///ledger.db"\nmlflow_tracking_uri = "sqlite:///mlflow.db"\n'
)
COMMANDS = {
    "status": (["status"], {0}),
    "audit --since yesterday": (["audit", "--since", "yesterday"], {5}),
    "audit, the first": (["audit"], {5}),
    "audit, the next": (["audit"], {5}),
}
SITE = {
    "report --site, the first": (["report", "--site", "site"], {0}),
    "report --site, the next": (["report", "--site", "site"], {0}),
}
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
seconds, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
print(json.dumps([done.returncode, done.stderr, seconds, cpu, used.ru_maxrss / 1000]))
"""


def main(
    models: Annotated[int, typer.Option(help="Number of models.")] = 1_000,
    entries: Annotated[int, typer.Option(help="Entries of each.")] = 64,
    turns: Annotated[int, typer.Option(help="Runs of each command.")] = 3,
    keep: Annotated[Path | None, typer.Option(help="Folder to keep the fleet in.")] = None,
    site: Annotated[bool, typer.Option(help="Draw the site, too.")] = False,
) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-fleet-") as folder:
        root = keep or Path(folder)
        if not (root / "promotion.toml").exists():
            fill(root, models, entries)
        print(f"{os.cpu_count()} cores; {models:,} models of {entries} entries; medians of {turns} whole processes")
        for name, (arguments, codes) in (COMMANDS | (SITE if site else {})).items():
            found = [_measured(root, arguments, codes) for _ in range(1 if "first" in name else turns)]
            seconds, cpu, peak = (median(each) for each in zip(*found, strict=True))
            print(f"  {name:28} {seconds:8.2f} s {cpu:8.2f} s CPU {peak:6.0f} MB", flush=True)


def _measured(root: Path, arguments: list[str], codes: set[int]) -> list[float]:
    command = [sys.executable, "-c", MEASURE, str(Path(sys.executable).with_name("promotion")), *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    code, err, *numbers = json.loads(done.stdout)
    if code not in codes:
        sys.exit(f"{' '.join(arguments)}: exit {code}: {err}")
    return numbers


def fill(root: Path, models: int, entries: int) -> None:
    """Make the fleet: a version each day, registered, judged and stored; MLflow is empty."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "promotion.toml").write_text(CONFIGURATION)
    (root / "rows.csv").write_text("a,b\n1,2\n")
    data = hashlib.sha256((root / "rows.csv").read_bytes()).hexdigest()
    store = CopyingStore(root / "bentoml")
    for number in range(models):
        registry = open_registry(root / "promotion.toml")
        history = History(f"model{number}", store, a_day=1, data=data)
        state, bodies, kept = State(model=history.model), list[Body](), 0
        days, chains = list[list[Body]](), list[tuple[Sequence[Entry], Head]]()
        while len(bodies) < entries:
            days.append(history.hour(len(bodies), stored=len(bodies) >= entries - STORED))
            bodies += days[-1]
        for age, day in zip(range(len(days), 0, -1), days, strict=True):
            at = datetime.now(UTC) - timedelta(days=age - 0.9)
            made = tuple(chain(history.model, state.head, day, at=at, actor="os:bench"))
            if is_due(state.seq, kept):
                kept = state.seq
                registry.ledger.keep(checkpoint_of(state))
            state = advance(state, *made)
            assert state.head
            chains.append((made, state.head))
        registry.ledger.append_all(chains)
        present = {str(one.tag) for one in store.versions(history.model)}
        for tag, stage in state.versions.stages.items():
            if tag in present:
                store.write_stage(Tag.parse(tag), Stage(str(stage)))
        registry.parts.writer.claim(history.model)
        if number % 100 == 99:
            print(f"made {number + 1} models", flush=True)
    time.sleep(2.5)  # the digest cache skips files that were just written


class CopyingStore(BentoStore):
    """Saves a version once; every other is a copy with its own name."""

    def save(self, model: str, trained: Trained, **_: object) -> Tag:
        """Copy the first version."""
        tag, first = Tag.parse(model), self.home.parent / "first"
        if not first.exists():
            other = BentoStore(self.home.parent / "other")
            other.save("toy:one", trained, metadata={}, training_rows=np.arange(3, dtype=np.uint64))
            shutil.move(other.path(Tag("toy", "one")), first)
        shutil.copytree(first, self.path(tag))
        text = (first / "model.yaml").read_text()
        text = text.replace("name: toy", f"name: {tag.model}").replace("version: one", f"version: {tag.version}")
        (self.path(tag) / "model.yaml").write_text(text)
        return tag

    def write_stage(self, tag: Tag, stage: Stage) -> None:
        """Replace the stage without syncing the disk."""
        path = self.path(tag) / "model.yaml"
        path.write_text(re.sub(r"stage: \w+", f"stage: {stage}", path.read_text()))


if __name__ == "__main__":
    typer.run(main)
