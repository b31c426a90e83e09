"""The wheel as a user installs it: with the newest versions of all packages, in an empty environment and folder."""

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from pages import missing_lines, page_environment, run_page
from servers import free_port

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
HOW_TO = DOCS / "how-to" / "compare-predictions.md"
WALK = ("index.md", "how-to/own-model.md", "how-to/existing-registry.md", "how-to/compare-predictions.md")
NOTEBOOK = """
import json, sys
sys.path.append(sys.argv[1])
import notebooks
cells = notebooks.code_of(json.load(open(sys.argv[2], encoding="utf-8")))
print(json.dumps(notebooks.run(cells)))
"""
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
NO_INDEX = ("Failed to fetch", "client error", "dns error", "Network is unreachable")
PREDICTIONS = "bad,old,new\n" + "".join(f"{i % 5 // 4},{i % 7 / 7},{(i % 5 + i % 3) / 7}\n" for i in range(2000))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("wheel")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    builders = pytest.importorskip("hatchling.builders.wheel", reason="hatchling, which builds, is not installed")
    (path,) = builders.WheelBuilder(str(ROOT)).build(
        directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"]
    )
    return path


def environment_at(folder, python, *installs):
    """Install packages into an empty environment; returns the folder of its programs."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv, which installs, is not installed")
    interpreter = sys.executable if python == THIS else found(uv, python)
    quick = {**os.environ, "UV_HTTP_RETRIES": "1"}  # without a network, it fails within seconds
    ended(uv, "venv", "--python", interpreter, folder)
    for words in installs:
        ended(uv, "pip", "install", "--system-certs", "--python", folder / "bin" / "python", *words, env=quick)
    return folder / "bin"


@pytest.fixture(scope="module")
def walkers_programs(wheel, tmp_path_factory):
    """Programs of an environment with the wheel, and with what its pages tell their readers to install."""
    return environment_at(tmp_path_factory.mktemp("walk") / "environment", THIS, [wheel], ["lightgbm", "ipython"])


@pytest.fixture
def installed(tmp_path):
    """Installs packages into an empty environment; returns what runs a program of it, in an empty folder."""
    for name in ("home", "project"):
        (tmp_path / name).mkdir()
    programs = tmp_path / "environment" / "bin"

    def install(python, *installs):
        environment_at(programs.parent, python, *installs)
        return run

    def run(program, *words):
        return ended(programs / program, *words, cwd=tmp_path / "project", env=environment)

    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        "BENTOML_DO_NOT_TRACK": "True",
        "HOME": str(tmp_path / "home"),
        "PATH": f"{programs}{os.pathsep}{os.defpath}",
    }
    return install


def found(uv, python):
    known = subprocess.run(
        [uv, "python", "find", "--no-project", "--system", "--no-python-downloads", python],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if known.returncode:
        pytest.skip(f"Python {python} is not on the PATH")
    return known.stdout.strip()


def ended(*words, **where):
    """Standard output of a program that ends well; skips when it cannot reach the package index."""
    done = subprocess.run([str(word) for word in words], **where, capture_output=True, text=True, check=False)
    if done.returncode and "install" in words and any(sign in done.stderr for sign in NO_INDEX):
        pytest.skip(f"the package index cannot be reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, f"{words}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    assert "WARNING" not in done.stderr
    return done.stdout


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_the_first_model_is_trained_judged_and_promoted(wheel, installed, python, tmp_path):
    run = installed(python, [wheel])
    where = run("python", "-c", "import promotion, sys; print(promotion.__file__, sys.version)")
    assert where.startswith(str(tmp_path))
    assert f" {python}." in where
    assert "Wrote promotion.toml." in run("promotion", "init")
    rows = ("--rows", "8000", "--days", "30", "--drift", "1", "--out", "data/train_transaction.csv")
    run("python", "-m", "registry_flows.data", *rows)
    told = run("promotion", "retrain", "fraud_classifier")
    tag = re.search(r"^PROMOTED  (fraud_classifier:\w+) ", told, re.MULTILINE)[1]
    assert f"{tag} has served for" in run("promotion", "status")
    assert "the ledger, the labels, the files and MLflow agree." in run("promotion", "audit")


def test_predictions_are_compared_with_the_few_packages_of_the_how_to(wheel, installed, tmp_path):
    few = re.search(r"`pip install (jinja2 [^`]+)`", HOW_TO.read_text("utf-8"))[1].split()
    run = installed(THIS, ["--no-deps", wheel], few)
    (tmp_path / "project" / "predictions.csv").write_text(PREDICTIONS)
    columns = ("--label", "bad", "--champion", "old", "--challenger", "new")
    assert "new is significantly better by" in run("promotion", "compare", "predictions.csv", *columns)
    assert "Compare two models" in run("promotion", "--help")


@pytest.mark.parametrize("name", WALK)
def test_a_new_user_walks_the_pages(walkers_programs, tmp_path, name):
    environment = without_checkout(page_environment(tmp_path, "", free_port()), walkers_programs)
    for part in ("page", "home"):
        (tmp_path / part).mkdir()
    with closing(run_page(DOCS / name, tmp_path / "page", environment)) as blocks:
        for shown, printed in blocks:
            assert missing_lines(shown.source, printed) == [], f"{shown} is not what was printed:\n{printed}"
    if name == "how-to/compare-predictions.md":
        check_comment(tmp_path / "page", environment)


def test_a_new_user_runs_the_notebook(walkers_programs, tmp_path):
    environment = without_checkout(page_environment(tmp_path, "", free_port()), walkers_programs)
    told = ended(
        walkers_programs / "python", "-c", NOTEBOOK, DOCS.parent / "tests" / "docs", DOCS / "notebook.ipynb",
        cwd=tmp_path, env=environment,
    )  # fmt: skip
    shown = [output for cell in json.loads(told.splitlines()[-1]) for output in cell]
    pages = [one["data"]["text/html"] for one in shown if "text/html" in one.get("data", {})]
    assert any("REJECT" in "".join(page) for page in pages)


def without_checkout(environment, programs):
    """The environment of a page with the programs of the wheel; nothing of this repository is found."""
    found = subprocess.run(
        [programs / "python", "-c", "import promotion, registry_flows; print(promotion.__file__)"],
        capture_output=True, text=True, check=True, cwd=programs,
    )  # fmt: skip
    assert found.stdout.startswith(str(programs.parent))
    return {**environment, "PATH": f"{programs}{os.pathsep}{os.defpath}"}


def check_comment(folder, environment):
    """Check that the page's workflow writes the comment, and fails with the exit code of the verdict."""
    workflow = yaml.safe_load((folder / ".github/workflows/compare.yml").read_text())
    (step,) = (one for one in workflow["jobs"]["compare"]["steps"] if one.get("name") == "Compare")
    gh = folder / "programs" / "gh"
    gh.parent.mkdir()
    gh.write_text('#!/bin/sh\ncp "$5" comment.md\n')
    gh.chmod(0o755)
    path = f"{gh.parent}{os.pathsep}{environment['PATH']}"
    script = step["run"].replace("${{ github.event.number }}", "7")
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], cwd=folder, check=False,
        env={**environment, "PATH": path, "GITHUB_STEP_SUMMARY": str(folder / "summary.md")},
    )  # fmt: skip
    assert done.returncode == 3
    assert (folder / "comment.md").read_text().startswith("### REJECT: new against old\n")
