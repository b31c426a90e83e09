"""What every entry point must satisfy: an exit code and a sentence, and no change outside the project."""

import io
import shutil
import sys
from contextlib import contextmanager

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from situation import snapshot

from promotion.cli import run

CODES = {0, 1, 2, 3, 4, 5, 6, 130}
OURS = {"kept", "bentoml", ".promotion"}
"""The project's folders that commands write to."""

TRICKS = [
    "", ".", "..", "../neighbour", "toy:", ":weak", "toy:..", "toy:../weak", "../toy:weak", "toy:weak/../good",
    "toy:weak:good", "a/b:c", "TOY:WEAK", "toy:weak.", "toy:.weak", "toy:weak ", " toy:weak", "toy:weak\n", "toy:weak\0",
    "toy\0:weak", "toy:con", "nul:aux", "toy:wéak", "toy:\u0665", "toy:\u00b2", "toy:\uff11", "\uff54oy:weak", "toy:\u202ekaew", "toy:weak\udcff",
    "toy:" + "a" * 63, "toy:" + "a" * 64, "a" * 5000 + ":b", "toy:latest", "toy", "neighbour:x", "~/x:y", "/etc:passwd",
    "C:\\x:y", "-", "--", "-x", "--json=1", "[red]toy", "%s", "{0}", "$(id)", "toy:weak;id",
]  # fmt: skip
GOOD = [f"toy:{name}" for name in ("weak", "good", "noisy", "spoilt", "twin")]

text = st.text(st.characters(codec=None, categories=None), max_size=30)
tags = st.one_of(st.sampled_from(GOOD), st.sampled_from(TRICKS), text, text.map("toy:{}".format))


def examples(number):
    """Run this many examples in `make test`, and as many as the profile says in `make soak`."""
    soaking = settings.default.max_examples > settings.get_profile("default").max_examples
    return settings(
        max_examples=settings.default.max_examples if soaking else number,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.large_base_example,
        ],
    )


class Project:
    """A copy of a project, which is recreated whenever an example has changed it."""

    def __init__(self, pristine, around):
        self.pristine, self.around, self.inside = pristine, around, around / "project"

    def renew(self):
        self.inside.mkdir(exist_ok=True)
        for child in self.inside.iterdir():  # keep the folder itself, because commands run in it
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        shutil.copytree(self.pristine, self.inside, dirs_exist_ok=True)
        self.before = snapshot(self.around)

    @contextmanager
    def untouched_outside(self, *, new_files=False):
        """Check that only the project's own folders change meanwhile; recreates it if they did."""
        yield
        after = snapshot(self.around)
        changed = {name for name in self.before.keys() | after.keys() if self.before.get(name) != after.get(name)}
        outside = {name for name in changed if not name.startswith(tuple(f"project/{folder}/" for folder in OURS))}
        wrong = outside & self.before.keys() if new_files else outside
        for name in after.keys() - self.before.keys():
            (self.around / name).unlink()  # also files written beside the project
        if changed:
            self.renew()
        assert not wrong


_OUT = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")
_ERR = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", newline="\n")
"""Streams in Python's default encodings; never closed, because libraries' loggers keep references to them."""


def command(*arguments):
    """Run the command without a terminal; returns exit code and output."""
    kept = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), _OUT, _ERR
    try:
        code = run(list(arguments))
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
        out, err = map(_taken, (_OUT, _ERR))
    return code, out, err


def _taken(stream):
    stream.flush()
    written = stream.buffer.getvalue().decode()
    stream.seek(0)
    stream.truncate()
    return written


def assert_civil(code, out, err):
    """Check that a user's mistake ends in a known exit code and a sentence, never in a traceback."""
    assert code in CODES
    assert "Traceback" not in out + err, out + err
    if code in {1, 2, 6, 130} and not out:
        assert err.strip()
