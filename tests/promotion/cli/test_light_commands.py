"""Commands that only look import no heavy library, and commands that change something answer before they import MLflow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import promotion

HEAVY = {
    "alembic", "asyncio", "bentoml", "jinja2", "matplotlib", "mlflow", "numpy", "pandas", "prefect", "pyarrow", "pydantic_settings",
    "registry_flows", "rich.console", "scipy", "sklearn", "sqlalchemy", "xgboost", "yaml",
}  # fmt: skip
COMMANDS = {f"promotion.cli.{name}" for name in ("approve", "audit", "gate", "promote", "rollback", "status", "sync")}
WATCHER = """
import io, json, sys
from promotion.cli import run

class Watched(io.StringIO):
    def flush(self):
        flushed.append([self.getvalue(), sorted(sys.modules)])

flushed, sys.stdout = [], Watched()
code = run(sys.argv[1:])
out = sys.stdout.getvalue()
at_answer = next(modules for text, modules in flushed if text == out)
json.dump([code, out, at_answer, sorted(sys.modules)], sys.__stdout__)
"""


def watched(*words):
    """Run a command in a process of its own; returns exit code, output, and the modules at the answer and at the end."""
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    told = subprocess.run(
        [sys.executable, "-c", WATCHER, *words],
        check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    code, out, answered, ended = json.loads(told.stdout)
    return code, out, set(answered), set(ended)


@pytest.mark.slow
def test_commands_that_look_import_nothing_heavy(three_champions):
    """On a real ledger, store and MLflow.

    Rich is only there for tables and colours, SciPy for bounds by Student's t, PyYAML for labels, and another package for
    the list of commands. No command imports the module of another.
    """
    decision = promotion.open().state("toy").versions["toy:good"].decision.id
    rich, bounds, labels = {"rich.console"}, {"numpy", "scipy"}, {"yaml"}
    watched("report", "--site", "site")
    for words, said, needed in (
        (("champion", "toy"), "toy:weak has served since", set()),
        (("champion", "toy", "--at", three_champions[1].at), "toy:good", rich),
        (("champion", "toy", "--json"), '"tag": "toy:weak"', set()),
        (("status",), "toy:weak", rich | labels),
        (("status", "--json"), '"champion": {', labels),
        (("history", "toy"), "complaints since noon", rich),
        (("history", "toy", "--json"), "complaints since noon", set()),
        (("show", "toy:good"), "roc_auc", rich | bounds),
        (("show", decision), "roc_auc", rich | bounds),
        (("show", decision, "--json"), '"roc_auc"', bounds),
        (("report", "--site", "site"), "Wrote 0 pages", labels),
        (("--help",), "Judge", {"registry_flows"}),
        (("champion", "--help"), "--at TIME", set()),
    ):
        code, out, _, ended = watched(*words)
        assert (words, code, HEAVY & ended) == (words, 0, needed)
        assert said in out
        if not words[0].startswith("-"):
            assert COMMANDS & ended <= {f"promotion.cli.{words[0]}"}


def test_the_names_of_heavy_modules_are_those_that_the_libraries_have():
    """So that none is missed for a wrong name."""
    script = f"import importlib\nfor name in {sorted(HEAVY)}: importlib.util.find_spec(name) or print(name)"
    told = subprocess.run([sys.executable, "-c", f"import importlib.util\n{script}"], check=True, capture_output=True)
    assert told.stdout == b""


@pytest.mark.slow
def test_a_change_by_hand_is_told_before_mlflow_is_imported(here, configuration, command, by):
    """Except for the first champion: only MLflow shows whether there is one that the ledger does not know (I11)."""
    (here / "promotion.toml").write_text(f'{configuration}approval = "required"\n')
    reason = ("--reason", "as asked")
    assert command("gate", "toy:weak")[0] == 4
    by("bob")
    assert asks_first("approve", "toy:weak", *reason, said="toy:weak is the champion")
    by("ann")
    assert command("gate", "toy:good")[0] == 4
    by("bob")
    for *words, said in (
        ("deny", "toy:good", "toy:good"),
        ("promote", "toy:twin", "--override", "--yes", "toy:twin is the champion"),
        ("rollback", "toy", "--yes", "toy:weak is the champion"),
        ("readmit", "toy:twin", "toy:twin is readmitted"),
        ("adopt", "toy:noisy", "--assume-clean", "Recorded what you know about toy:noisy"),
    ):
        assert not asks_first(*words, *reason, said=said)


def asks_first(*words, said):
    """Whether a command by hand imports MLflow before its answer is out; it sends to MLflow at its end."""
    code, out, answered, ended = watched(*words)
    assert (words, code, "mlflow" in ended) == (words, 0, True)
    assert said in out
    return "mlflow" in answered
