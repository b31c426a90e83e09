"""The code blocks of a page, and how each kind is run.

| fence | what happens |
|---|---|
| `bash` | run with `bash -e`; exported variables apply to the blocks after it |
| `bash`, with `title="In a second terminal"` | started, stopped after the page; the next block waits for its output |
| `python` | run by the environment's Python |
| any, with `title="NAME"` | written to that file |
| any, with `title="NAME (added)"` | appended to that file |
| `text` | output of the block before: each of its lines, in order; ids, times and numbers may differ |
| `console` | a part of what `make demo` shows; `tests/e2e/test_demo.py` compares it with the real output |
| `mermaid` | a diagram; nothing is run |
| `help` | the output of a command with `--help`; `test_reference.py` compares it with the command |

A page that starts a Prefect server expects it at :4200 like its reader, a Bento service at :3000, and an MLflow server at
:5000; here, free ports replace these.
"""

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import which

from docs.terminals import terminal
from markdown_it import MarkdownIt
from servers import free_port

TERMINAL = " terminal"
READERS_PORTS = {":4200": "PREFECT_SERVER_API_PORT", ":3000": "BENTOML_PORT", ":5000": "MLFLOW_PORT"}
PATIENCE_SECONDS = 240  # for one block; the longest takes 40 s on an idle machine
ADDED = " (added)"
LANGUAGES = {"bash", "python", "text", "toml", "yaml", "console", "mermaid", "help"}


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    title: str
    source: str

    def __str__(self):
        return f"{self.page}:{self.line} ({self.language}{f' {self.title}' if self.title else ''})"


def blocks_of(page):
    """The fenced blocks of a page, first to last."""
    return [_block(page, token) for token in MarkdownIt().parse(page.read_text("utf-8")) if _is_code(token)]


def problems_of(block):
    """Why a block cannot be run, as sentences: every block of a page must be."""
    if block.language not in LANGUAGES:
        yield f"{block} is in no language that is run; known are {', '.join(sorted(LANGUAGES))}."
    if block.language in {"toml", "yaml"} and not block.title:
        yield f"{block} needs a title: the file that it goes to."


def run_page(page, folder, environment):
    """Run all blocks of a page in order in one folder; yields each `text` block with what the block before printed.

    To be closed when it is not read to its end, since what goes on in other terminals ends with it.
    """
    ports = {readers: f":{environment[name]}" for readers, name in READERS_PORTS.items()}
    printed = ""
    with ExitStack() as terminals:
        blocks = blocks_of(page)
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            here = replace(block, source=replaced(block.source, ports))
            if block.language == "text":
                yield block, printed
            elif block.title.endswith(TERMINAL):
                wait = terminals.enter_context(terminal(here, folder, environment.copy()))
                shown = following.source if following and following.language == "text" else ""
                printed = wait(lambda text, shown=shown: not missing_lines(shown, text))
            elif block.title:
                _write(folder, here)
            elif block.language not in {"console", "mermaid", "help"}:
                printed = _run(here, folder, environment)
            printed = replaced(printed, {ours: readers for readers, ours in ports.items()})


def replaced(text, words):
    for word, other in words.items():
        text = text.replace(word, other)
    return text


def missing_lines(expected, printed):
    """The first expected line that does not come in its order, and all after it; none when all do."""
    lines = iter(masked(printed))
    wanted = masked(expected)
    return next((wanted[place:] for place, line in enumerate(wanted) if line not in lines), [])


def masked(text):
    """The lines without what differs from run to run: generated ids, times, numbers of two digits or more, spacing."""
    masks = (
        (r"\b[0-9a-f]{8}(?:-[0-9a-f]{1,12})+(?:\b|-?…)", "ID"),  # complete or cut short
        (r"\b(\w+):[a-z2-7]{16}\b", r"\1:VERSION"),
        (r"\b(?=\w*\d)[a-z0-9]{16}\b", "VERSION"),
        (r"\b[0-9a-f]{12}\b", "ID"),
        (r"\b\d{4}[-.]\d\d[-.]\d\d[ T.][\d:]{5,8}", "TIME"),
        (r"\b\d+ (?:s|min|h|days)(?= ago\b|, since )", "AGE"),
        (r"[+-]?\d[\d,]*\.\d+(?:e[+-]\d+)?", "NUMBER"),
        (r"\b\d[\d,]+\b", "NUMBER"),
        (r"─+", "─"),
        (r"\s+", " "),
    )
    for pattern, mask in masks[:-1]:
        text = re.sub(pattern, mask, text)
    return [re.sub(*masks[-1], line).strip() for line in text.splitlines() if line.strip()]


def _is_code(token):
    return token.type in {"fence", "code_block"}


def _block(page, token):
    language, _, rest = token.info.strip().partition(" ")
    title = re.search(r'title="([^"]+)"', rest)
    return Block(page, token.map[0] + 1, language, title.group(1) if title else "", token.content)


def _write(folder, block):
    path = folder / block.title.removesuffix(ADDED)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a" if block.title.endswith(ADDED) else "w", encoding="utf-8") as file:
        file.write(block.source)


def _run(block, folder, environment):
    """Run a block and return what it printed; a shell's exported variables go back into `environment`."""
    kept = folder.parent / "environment"
    commands = {
        "bash": ["bash", "-e", "-o", "pipefail", "-c", f"{block.source}\nenv -0 > '{kept}'"],
        "python": [str(which("python", path=environment["PATH"])), "-c", block.source],
    }
    with subprocess.Popen(
        commands[block.language],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # in its own process group, so that all of it can be stopped
    ) as process:
        try:
            printed = process.communicate(timeout=PATIENCE_SECONDS)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed = process.communicate()[0]
            raise AssertionError(f"{block} goes on for too long:\n{printed[-6000:]}{_terminals(folder)}") from None
    assert process.returncode == 0, (
        f"{block} left with code {process.returncode}:\n{printed[-6000:]}{_terminals(folder)}"
    )
    if block.language == "bash":
        pairs = (pair.partition("=") for pair in kept.read_text().split("\0") if pair)
        environment.update({name: value for name, _, value in pairs if name not in {"PWD", "OLDPWD", "SHLVL", "_"}})
    return printed


def _terminals(folder):
    """What the page's other terminals said last, since the cause may lie there."""
    logs = sorted(folder.parent.glob("terminal-*.log"))
    return "".join(f"\n{log.name}:\n{log.read_text(errors='replace')[-6000:]}" for log in logs)


def runs_flows(page):
    """Whether a page wants a Prefect server; commands of the others have no need of one."""
    return any(word in block.source for block in blocks_of(page) for word in ("promotion retrain", "prefect", "_flow"))


def page_environment(folder, api_url, port):
    """What a page's blocks find in their environment: the tools of this Python first, and homes of their own.

    Args:
        folder: the homes lie below it.
        api_url: of the Prefect server that the page uses; empty for one that uses none.
        port: for a Prefect server that the page starts itself.
    """
    silent = {
        "DO_NOT_TRACK": "1",
        "BENTOML_DO_NOT_TRACK": "True",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return {
        **silent,
        "PYTHONUNBUFFERED": "1",  # keeps printed and logged lines in order
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "COLUMNS": "140",
        "LOGNAME": "alice",
        "HOME": str(folder / "home"),
        "BENTOML_HOME": str(folder / "bentoml"),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": api_url,
        "PREFECT_SERVER_API_PORT": str(port),
        "BENTOML_PORT": str(free_port()),
        "MLFLOW_PORT": str(free_port()),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # otherwise seven more processes start
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",  # takes seconds, and no page uses blocks
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
