"""Runs the notebook of the documentation in IPython: `python tests/docs/notebooks.py` updates its outputs.

As a kernel would, a cell's last expression is displayed in every format that its value offers.
"""

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebook.ipynb"


def code_of(notebook):
    """The cells of code."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def shell():
    """A shell of IPython without a terminal, files or history of commands."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    return InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))


def run(cells):
    """Run the cells in order; returns for each the outputs as a notebook keeps them."""
    running, results = shell(), []
    for number, cell in enumerate(cells, start=1):
        values, printed = [], io.StringIO()
        running.display_trap.hook = values.append
        with redirect_stdout(printed):
            running.run_cell("".join(cell["source"])).raise_error()
        text = {"name": "stdout", "output_type": "stream", "text": lines(printed.getvalue())}
        shown = [
            {
                "data": {kind: lines(text) for kind, text in running.display_formatter.format(value)[0].items()},
                "execution_count": number,
                "metadata": {},
                "output_type": "execute_result",
            }
            for value in values
            if value is not None
        ]
        results.append([text] * bool(text["text"]) + shown)
    return results


def lines(text):
    return text.splitlines(keepends=True)


def refresh(path):
    """Write what the cells of a notebook display now into it."""
    notebook = json.loads(path.read_text("utf-8"))
    code = code_of(notebook)
    for number, (cell, outputs) in enumerate(zip(code, run(code), strict=True), start=1):
        cell |= {"execution_count": number, "outputs": outputs}
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    refresh(Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOK)
