"""The workflow on the page about comparing predictions, run as GitHub's runner does, with a `gh` that keeps the comment."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pages import blocks_of

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/compare-predictions.md"
WORKFLOW = next(yaml.safe_load(block.source) for block in blocks_of(PAGE) if block.title.endswith("compare.yml"))
GH = '#!/bin/sh\n[ ! -e forked ] || exit 1\nprintf "%s\\n" "$@" > arguments.txt\ncp "$5" comment.md\n'


@pytest.fixture
def run(tmp_path):
    rng = np.random.default_rng(27)
    labels = (rng.random(4000) < 0.1).astype(int)
    good, poor = (1 / (1 + np.exp(-(weight * labels + rng.normal(size=4000)))) for weight in (2, 0.5))
    gh = tmp_path / "gh"
    gh.write_text(GH)
    gh.chmod(0o755)
    (tmp_path / "policy.toml").write_text('primary = { metric = "average_precision" }\n')
    step = next(step for step in WORKFLOW["jobs"]["compare"]["steps"] if step.get("name") == "Compare")
    script = step["run"].replace("${{ github.event.number }}", "7")
    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(old, new):
        scores = {"good": good, "poor": poor}
        pd.DataFrame({"fraud": labels, "old": scores[old], "new": scores[new]}).to_csv(
            tmp_path / "predictions.csv", index=False
        )
        environment = {**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script], cwd=tmp_path, env=environment, check=False
        )
        return done.returncode, (tmp_path / "comment.md").read_text()

    return run


@pytest.mark.parametrize(
    ("old", "new", "code", "verdict"),
    [("poor", "good", 0, "PROMOTE"), ("good", "poor", 3, "REJECT"), ("good", "good", 4, "HOLD")],
)
def test_the_comment_shows_the_verdict_and_the_step_fails_unless_it_is_promote(run, tmp_path, old, new, code, verdict):
    found, comment = run(old, new)
    assert (found, comment.splitlines()[0]) == (code, f"### {verdict}: new against old")
    assert (tmp_path / "summary.md").read_text() == comment
    assert (tmp_path / "arguments.txt").read_text().split()[:3] == ["pr", "comment", "7"]


def test_from_a_fork_the_summary_has_the_comparison_and_the_exit_code_stays(run, tmp_path):
    (tmp_path / "forked").touch()
    (tmp_path / "comment.md").touch()
    assert run("good", "poor") == (3, "")
    assert (tmp_path / "summary.md").read_text().startswith("### REJECT: new against old")


def test_if_it_cannot_compare_it_fails_without_a_comment(run, tmp_path):
    (tmp_path / "policy.toml").write_text("primary = 5\n")
    with pytest.raises(FileNotFoundError, match=r"comment\.md"):
        run("poor", "good")
    assert not (tmp_path / "arguments.txt").exists()


def test_it_may_comment_and_needs_no_other_permission():
    assert WORKFLOW["permissions"] == {"contents": "read", "pull-requests": "write"}
