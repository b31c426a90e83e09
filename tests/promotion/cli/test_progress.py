"""Progress at a real terminal: phases while a command works, nothing of them in its answer, none with --quiet or in a pipe."""

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import promotion

PATH = {"PYTHONPATH": str(Path(__file__).parents[2])}
SCRIPT = "import sys; from promotion.cli import main; main(sys.argv[1:])"


def at_a_terminal(*words, **environment):
    """Run `promotion …` at a pseudo-terminal; returns exit code and everything that it wrote."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *words],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**os.environ, **PATH, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    with suppress(OSError):  # the process has closed the terminal
        while chunk := os.read(ours, 65536):
            written += chunk
    os.close(ours)
    return process.wait(), written.decode()


def screen(written):
    """The text that stays on the screen, by the movements that Rich uses: up, to the left, and erase."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\n|[^\x1b\n]+", written):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith("\x1b"):
            lines[row] += part.replace("\r", "")
    return "\n".join(lines)


@pytest.mark.slow
class TestTerminal:
    def test_a_judgement_shows_its_phases_and_leaves_only_the_answer(self, with_champion):
        code, written = at_a_terminal("gate", "toy:good", "--dry-run")
        assert code == 0
        assert [phase for phase in ("Reading rows.csv", "Scoring", "Comparing") if phase not in written] == []
        left = screen(written)
        assert "PROMOTE  toy:good against toy:weak" in left
        assert not re.search(r"Reading|Scoring|Comparing", left)

    def test_a_retraining_shows_that_it_waits_for_prefect_and_trains(self, here):
        code, written = at_a_terminal("retrain", "toy", PREFECT_HOME=str(here / "prefect"))
        assert code == 0
        phases = ("Starting Prefect", "Waiting for Prefect", "Training", "Scoring", "Updating MLflow for toy")
        assert [phase for phase in phases if phase not in written] == []
        left = screen(written)
        assert "PROMOTED  toy:" in left
        assert not re.search(r"Starting|Waiting|Training|Updating|INFO|WARN", left)

    def test_quiet_shows_none(self, with_champion):
        code, written = at_a_terminal("gate", "toy:good", "--dry-run", "--quiet")
        assert (code, "Reading rows.csv" in written) == (0, False)

    def test_no_library_logs_anything(self, here):
        """In a folder in which MLflow has no database yet, which Alembic then migrates."""
        (here / "mlflow.db").unlink()
        for words in (
            ("gate", "toy:weak"),
            ("audit", "--recompute"),
            ("report", "--site", "site"),
            ("sync",),
            ("repair", "--yes"),
            ("ledger", "export", "--out", "ledger.jsonl"),
            ("ledger", "import", "ledger.jsonl"),
        ):
            _, written = at_a_terminal(*words, PROMOTION_LEDGER="sqlite:///ledger.db")
            assert not re.search(r"alembic|INFO|WARN|mlflow\.|[a-z]+\.py", written), (words, written)


def test_in_a_pipe_there_is_none(with_champion):
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT, "gate", "toy:good", "--dry-run"],
        capture_output=True, text=True, check=True, env={**os.environ, **PATH},
    )  # fmt: skip
    assert told.stderr == ""


def test_a_registry_reports_its_phases(here):
    told = []
    registry = promotion.open(progress=lambda *phase: told.append(phase))
    registry.gate("toy:weak")
    assert [phase for (phase,) in told] == [
        "Asking MLflow for a champion of toy",
        "Hashing the files of toy:weak",
        "Reading rows.csv",
        "Scoring",
        "Measuring sizes and speed",
        "Comparing",
        "Updating MLflow for toy",
    ]
    told.clear()
    registry.audit("toy", recompute=True)
    assert [phase for phase in told if len(phase) > 1] == [
        ("Reading the ledger of toy", 0, 4),
        ("Hashing the files of toy", 0, 1),
        ("Recomputing the decisions of toy", 0, 1),
    ]


def test_at_a_narrow_terminal_the_clock_still_runs(monkeypatch):
    from promotion.cli import progress

    ours, theirs = pty.openpty()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        progress.show_progress("Fetching https://example.org/a/long/address/of/rows.parquet")
        progress.clear_progress()
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "0:00:0" in shown
    assert "Fetching https://" in shown
    assert "…" in shown
