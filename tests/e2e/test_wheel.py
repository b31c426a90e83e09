"""The wheel as a user installs it: with the newest versions of all packages, in an empty environment and folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOW_TO = ROOT / "docs" / "how-to" / "compare-predictions.md"
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


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs packages into an empty environment; returns what runs a program of it, in an empty folder."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv, which installs, is not installed")
    for name in ("home", "project"):
        (tmp_path / name).mkdir()
    programs = tmp_path / "environment" / "bin"

    monkeypatch.setenv("UV_HTTP_RETRIES", "1")  # so that a computer without a network is told in seconds

    def install(python, *installs):
        interpreter = sys.executable if python == THIS else found(uv, python)
        ended(uv, "venv", "--python", interpreter, programs.parent)
        for words in installs:
            ended(uv, "pip", "install", "--system-certs", "--python", programs / "python", *words)
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


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
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
