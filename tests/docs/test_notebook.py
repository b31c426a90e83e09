"""The notebook runs from top to bottom in IPython, and displays what it shows."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import notebooks
import pytest
from pages import masked

pytestmark = pytest.mark.slow
COMPLETED = """
import json, sys
sys.path.insert(0, sys.argv[1])
import notebooks, promotion
from IPython.core.completer import provisionalcompleter
running = notebooks.shell()
running.push({"registry": promotion.open()})
with provisionalcompleter():  # a kernel completes in this way
    print(json.dumps([one.text for one in running.Completer.completions("registry.", 9)]))
"""


def python(*arguments):
    """Run Python in a process of its own: IPython replaces `__main__` and hooks of `sys`."""
    done = subprocess.run([sys.executable, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def outputs_of(path):
    """By cell and format, the masked text of each output."""
    for number, cell in enumerate(notebooks.code_of(json.loads(path.read_text("utf-8"))), start=1):
        for output in cell["outputs"]:
            for kind, text in output.get("data", {"printed": output.get("text")}).items():
                yield number, kind, masked("".join(text))


def test_each_cell_displays_what_the_notebook_shows(tmp_path):
    copy = shutil.copy(notebooks.NOTEBOOK, tmp_path)
    python(notebooks.__file__, copy)
    shown, displayed = list(outputs_of(notebooks.NOTEBOOK)), list(outputs_of(Path(copy)))
    assert displayed == shown, "python tests/docs/notebooks.py updates it"
    assert sum(kind == "text/html" for _, kind, _ in shown) == 8


def test_completion_in_ipython_offers_the_public_names_of_a_registry():
    offered = set(json.loads(python("-c", COMPLETED, str(Path(notebooks.__file__).parent))))
    assert {"champion", "config", "gate", "history", "state"} <= offered
    assert not {"parts", "reader", "apply", "collect"} & offered
    assert not [name for name in offered if name.startswith("_")]
