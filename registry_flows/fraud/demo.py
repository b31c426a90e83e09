"""A demo of the main workflow at the terminal: `python -m registry_flows.demo`, or `make demo`.

Runs every command shown as a separate process, on generated data with drift, and writes only to `.demo/` next to
promotion.toml.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import Request, urlopen

from rich.console import Console

from registry_flows.fraud.data import write

FOLDER = Path(".demo")
DATA = FOLDER / "train_transaction.csv"
MODEL = "fraud_classifier"
ROWS_A_DAY, FIRST_DAYS, ALL_DAYS = 500, 60, 120
# Chosen from data seeds 1 to 8: the second sample's model scores higher, by a gain that may be noise. With another
# seed it may be no better, or so much better that it is promoted.
DATA_SEED = 6
DONE, REJECTED, HELD, FOUND = 0, 3, 4, 5
TRANSACTION = {"TransactionAmt": 117.0, "ProductCD": "C", "card4": "visa", "P_emaildomain": "gmail.com"}
_SERVICE_SECONDS, _LOOK_SECONDS = 120, 0.2


class StoryBroken(Exception):
    """A command of the demo did not end as expected."""


class Narrator:
    """Announces each step, runs it, and checks that it ends as announced."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._command = str(Path(sys.executable).with_name("promotion"))
        self._environment = {
            **os.environ,
            "PROMOTION_CONFIG": str(Path("promotion.toml").absolute()),
            "PREFECT_HOME": str((FOLDER / "prefect").absolute()),
            "MPLCONFIGDIR": str((FOLDER / "matplotlib").absolute()),
            "COLUMNS": str(max(console.width, 100)),
        }
        for name in ("BENTOML_HOME", "MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
            self._environment.pop(name, None)
        if console.is_terminal:
            self._environment["FORCE_COLOR"] = "1"

    def tell(self, chapter: str) -> None:
        """Announce the next step and its reason."""
        self._console.print()
        self._console.rule(style="dim")
        self._console.print(chapter, style="bold", markup=False, highlight=False)

    def run(self, *arguments: str, expect: int = DONE) -> None:
        """Run a command, and show it with its output."""
        shown = [f"'{one}'" if " " in one else one for one in arguments]
        _show_command(self._console, f"promotion {' '.join(shown)}")
        started = time.monotonic()
        code = subprocess.run([self._command, *arguments], env=self._environment, check=False).returncode  # noqa: S603
        self._console.print(f"(exit code {code}, {time.monotonic() - started:.0f} s)", style="dim", highlight=False)
        if code != expect:
            message = f"`promotion {' '.join(arguments)}` must exit with {expect} in this demo, but exited with {code}."
            raise StoryBroken(message)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Run the service until the context ends; gives its address."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        _show_command(self._console, f"promotion serve {MODEL} --port {port} &")
        command = [self._command, "serve", MODEL, "--port", str(port)]
        with (
            (FOLDER / "service.log").open("wb") as log,
            subprocess.Popen(command, env=self._environment, stdout=log, stderr=log) as process,  # noqa: S603
        ):
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()

    def ask(self, service: str, tag: str) -> None:
        """Let the service score a transaction; wait until the version answers, as at the start of the service."""
        body = json.dumps({"row": TRANSACTION})
        _show_command(self._console, f"curl {service}/score --json '{body}'")
        request = Request(f"{service}/score", data=body.encode(), headers={"Content-Type": "application/json"})  # noqa: S310
        answer, until = {"error": "there is no answer"}, time.monotonic() + _SERVICE_SECONDS
        while answer.get("tag") != tag:
            if time.monotonic() > until:
                log = FOLDER / "service.log"
                raise StoryBroken(f"The service must answer with {tag} in this demo, but answers {answer}. See {log}.")
            with suppress(OSError), urlopen(request, timeout=_SERVICE_SECONDS) as response:  # noqa: S310
                answer = json.load(response)
            time.sleep(_LOOK_SECONDS)
        self._console.print(json.dumps(answer), markup=False, highlight=False, soft_wrap=True)

    def champion(self) -> str:
        """Return the tag of the present champion."""
        ask = [self._command, "status", MODEL, "--json"]
        answer = subprocess.run(ask, env=self._environment, check=True, capture_output=True)  # noqa: S603
        return str(json.loads(answer.stdout)["models"][0]["champion"]["tag"])


def main() -> None:
    """Run the demo; exit with 1 if a command does not end as announced."""
    console = Console()
    if not Path("promotion.toml").is_file():
        sys.exit("Error: run the demo in the folder of the repository, which contains promotion.toml.")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    try:
        _story(Narrator(console), console)
    except StoryBroken as error:
        sys.exit(f"Error: {error}")


def _story(narrator: Narrator, console: Console) -> None:
    narrator.tell(f"{FIRST_DAYS} days of card transactions arrive (generated, with drift). There is no model yet.")
    _generate(console, FIRST_DAYS)
    narrator.tell("There is no champion to compare the first model with, so the policy's floors alone decide.")
    narrator.run("retrain", MODEL)

    narrator.tell("A service starts. It serves the champion, and will follow it.")
    with narrator.serving() as service:
        narrator.ask(service, narrator.champion())
        _changes(narrator, console, service)
    _record(narrator, console)


def _changes(narrator: Narrator, console: Console, service: str) -> None:
    narrator.tell(
        "The model is retrained on the same data with another random sample. Its score is higher, so `if new > old` "
        "would promote it. The gain may be noise, so the gate holds it."
    )
    narrator.run("retrain", MODEL, "--option", "seed=28", expect=HELD)

    narrator.tell(
        f"{ALL_DAYS - FIRST_DAYS} more days arrive, and the pattern of fraud has drifted. Now retraining pays off."
    )
    first = narrator.champion()
    _generate(console, ALL_DAYS)
    narrator.run("retrain", MODEL)
    narrator.tell("The service has changed to the new champion, without a restart.")
    narrator.ask(service, narrator.champion())

    narrator.tell("A candidate is crippled on purpose: one tree of depth one. The gate rejects it, and says why.")
    narrator.run("retrain", MODEL, "--option", "n_estimators=1", "--option", "max_depth=1", expect=REJECTED)

    narrator.tell("Which version serves, and how did it become champion?")
    narrator.run("status")
    narrator.run("history", MODEL)

    narrator.tell("Complaints come in. One command brings back the previous champion, and records why.")
    narrator.run("rollback", MODEL, "--yes", "--reason", "merchants complain about declined cards since noon")
    narrator.ask(service, first)


def _record(narrator: Narrator, console: Console) -> None:

    narrator.tell("Do the ledger, the labels, the model files and MLflow agree?")
    narrator.run("audit")

    narrator.tell("Someone edits a label by hand. `audit` finds it, and `repair` fixes it.")
    _edit_label(narrator.champion(), console)
    narrator.run("audit", expect=FOUND)
    narrator.run("repair", MODEL, "--yes")
    narrator.run("audit")
    _what_next(console)


def _generate(console: Console, days: int) -> None:
    rows = days * ROWS_A_DAY
    write(DATA, rows, days=days, seed=DATA_SEED, drift=1.0)
    console.print(f"{rows:,} rows over {days} days in {DATA}", style="dim", highlight=False)


def _edit_label(tag: str, console: Console) -> None:
    path = FOLDER / "bentoml" / "models" / tag.replace(":", "/") / "model.yaml"
    path.write_text(path.read_text().replace("stage: prod", "stage: archived"))
    _show_command(console, f"sed -i 's/stage: prod/stage: archived/' {path}")


def _show_command(console: Console, command: str) -> None:
    console.print(f"\n$ {command}", style="cyan", markup=False, highlight=False, soft_wrap=True)


def _what_next(console: Console) -> None:
    console.print()
    console.rule(style="dim")
    console.print("What to look at next", style="bold")
    lines = (
        ("promotion show TAG", "the history of one version, with its decision"),
        ("promotion report TAG --open", "a decision as a web page: checks, curves, slices, lineage"),
        ("promotion report --site .demo/site", "the whole registry as a static site"),
        ("mlflow ui --backend-store-uri sqlite:///.demo/mlflow.db", "runs, metrics, the alias `champion`"),
        (f"PREFECT_HOME={FOLDER.absolute()}/prefect prefect server start", "the flow runs, at http://127.0.0.1:4200"),
        ("docs/tutorial.md", "the same workflow, step by step"),
        ("docs/how-to/own-model.md", "a gate for your own model"),
    )
    for command, shows in lines:
        console.print(f"  {command}\n      {shows}", markup=False, highlight=False, soft_wrap=True)
    console.print("`make clean` removes .demo/; the commands are in .venv/bin.", style="dim")
