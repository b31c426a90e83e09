"""Real processes on consoles that are closed, full, narrow, in another encoding, or interrupted."""

import fcntl
import json
import os
import pty
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest
import recipes

from promotion import __version__, cli
from promotion.adapters.sql import SqlLedger
from promotion.ledger.export import export_lines

pytestmark = pytest.mark.slow

LOUD = """
import os
import subprocess

from recipes import ToyRecipe


class LoudRecipe(ToyRecipe):
    def load(self, path):
        os.write(1, b"by a library\\n")
        subprocess.run(["echo", "by a program"])
        return super().load(path)
"""
HERE = str(Path(recipes.__file__).parent)
COMMAND = [sys.executable, "-m", "promotion"]
BACK = ["rollback", "toy", "--reason", "complaints", "--yes"]


def run(*arguments, redirect="", **environment):
    """Run `promotion …` under a shell that redirects its streams; gives exit code, standard output and error."""
    line = f"exec {shlex.join([*COMMAND, *map(str, arguments)])} {redirect}"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, env={**os.environ, **environment}, check=False)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return done.returncode, done.stdout, done.stderr.decode()


def ledger():
    return SqlLedger("sqlite:///ledger.db")


def champion():
    return ledger().head("toy").champion.tag


@pytest.fixture(autouse=True)
def recipes_of_the_tests(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", HERE)


@pytest.fixture
def with_two(with_champion, command):
    """`toy:good` serves, and `toy:weak` served before."""
    assert command("gate", "toy:good")[0] == 0
    return with_champion


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_verdict_is_told_in_every_encoding(with_champion, encoding):
    code, out, err = run("gate", "toy:good", PYTHONIOENCODING=encoding)
    assert (code, err) == (0, "")
    assert out.decode(encoding).splitlines()[0].strip() == "PROMOTED  toy:good against toy:weak"
    assert json.loads(run("show", "toy:good", "--json", PYTHONIOENCODING=encoding)[1].decode(encoding))
    exported = run("ledger", "export", PYTHONIOENCODING=encoding)[1].decode()
    assert list(export_lines({"toy": ledger().entries("toy")}, release=__version__)) == exported.splitlines()


@pytest.mark.parametrize(
    ("redirect", "why"), [(">/dev/full", "No space left on device"), (">&-", "it is closed"), (">&- 2>&- <&-", None)]
)
def test_what_was_done_stands_and_is_told_where_standard_output_takes_nothing(with_champion, command, redirect, why):
    gate, back = run("gate", "toy:good", redirect=redirect), run(*BACK, redirect=redirect)
    assert (gate[0], back[0], champion()) == (0, 0, "toy:weak")
    asked = run("champion", "toy", redirect=redirect)
    assert asked[0] == 1
    if why:
        lost = f"Standard output could not be written ({why})"
        assert gate[2].startswith(
            f"Note: {lost}; the command itself finished. PROMOTED toy:good against toy:weak. The gain in"
        )
        assert f"Note: {lost}; the command itself finished. Rollback done: toy:weak is the champion" in back[2]
        assert asked[2] == f"Error: {lost}, so the output was lost. Run the command again with more space.\n"


def test_a_reader_that_has_enough_is_no_error(with_two):
    read, written = os.pipe()
    os.close(read)
    for arguments in (["history", "toy"], ["--help"]):
        done = subprocess.run([*COMMAND, *arguments], stdout=written, stderr=subprocess.PIPE, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
    os.close(written)


def test_without_standard_input_it_says_what_to_add_and_with_it_needs_none(with_two):
    said = "Error: The command must ask for confirmation, but there is no terminal. Add --yes.\n"
    assert run(*BACK[:-1], redirect="<&-") == (2, b"", said)
    assert run(*BACK, redirect="<&-")[0] == 0
    assert champion() == "toy:weak"


def test_arguments_that_are_no_utf_8_are_named_and_files_of_such_names_are_read(with_two):
    reason = b"caf\xe9 complaints"
    done = subprocess.run([*COMMAND, *BACK, b"--reason", reason], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(rb"Error: The argument 'caf\xe9 complaints' is not UTF-8: expected text in UTF-8.")
    assert champion() == "toy:good"
    with open(b"caf\xe9.csv", "w", encoding="utf-8") as file:  # noqa: PTH123 - bytes are no Path
        file.write("y,a,b\n" + "1,0.9,0.8\n0,0.1,0.2\n" * 50)
    asked = ["compare", b"caf\xe9.csv", "--label", "y", "--champion", "a", "--challenger", "b"]
    for more in ([], ["--json"]):
        done = subprocess.run([*COMMAND, *asked, *more], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"roc_auc" in done.stdout
    for option in ("--holdout", "--data"):
        done = subprocess.run([*COMMAND, "gate", "toy:twin", option, b"caf\xe9.csv"], capture_output=True, check=False)
        said = b"Error: The name of caf\\udce9.csv is not UTF-8, so it cannot be recorded. Rename the file.\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, b"", said)


def test_what_a_recipe_has_printed_from_outside_python_is_not_in_the_answer(with_champion, configuration):
    """As a library in C does it, and a program that a recipe starts."""
    (with_champion / "loud.py").write_text(LOUD)
    file = with_champion / "promotion.toml"
    file.write_text(configuration.replace("recipes:ToyRecipe", "loud:LoudRecipe"))
    code, out, err = run("gate", "toy:good", "--json")
    assert code == 0
    assert json.loads(out)["verdict"] == "promote"
    assert {"by a library", "by a program"} <= {*err.splitlines()}


@pytest.mark.parametrize("columns", [0, 1])
def test_a_terminal_of_any_width_shows_the_verdict(with_champion, columns):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([*COMMAND, "gate", "toy:good"], stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    assert b"PROMOTED" in shown
    assert b"Traceback" not in shown


class Interrupted:
    """Python gives a RuntimeError for whatever this raises, as for Ctrl-C while an imported module makes an `Enum`."""

    def __set_name__(self, owner, name):
        raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["promotion.cli.streams.standard_streams", "promotion.cli.app.app_for"])
def test_ctrl_c_that_an_import_turns_into_another_error_ends_in_the_same_sentence(step, monkeypatch, capsys):
    monkeypatch.setattr(step, lambda *_: type("Imported", (), {"attribute": Interrupted()}))
    assert cli.run(["status"]) == 130
    assert capsys.readouterr().err == "Stopped. Nothing more was changed.\n"


def status():
    return ["status"]


def to_the_other():
    """Back to whichever does not serve: both did once."""
    other = {"toy:weak", "toy:good"} - {champion()}
    return [*BACK, "--to", *other]


@pytest.mark.parametrize("words", [status, to_the_other])
def test_ctrl_c_at_any_moment_ends_in_a_sentence_that_says_what_stands(with_two, words):
    started = time.monotonic()
    run(*words())
    step, moment, codes = (time.monotonic() - started) / 6, 0.15, []
    while 0 not in codes:  # until one finishes before its interrupt
        before, arguments, moment = ledger().head("toy").seq, words(), moment + step
        process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        codes.append(process.returncode)
        assert "Traceback" not in err, err
        if process.returncode == 130:
            recorded = ledger().head("toy").seq > before
            assert err.strip().startswith("Note: Stopped. This was" if recorded else "Stopped. Nothing more"), err
        else:
            assert process.returncode in {0, -signal.SIGINT}  # the latter before Python runs
    assert 130 in codes
