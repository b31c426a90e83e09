"""What goes wrong while a real `promotion serve` with two workers runs, and what it says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs.pages import blocks_of
from servers import PROGRAMS
from services import CONFIGURATION, ROW, Load, Service, all_serve, served, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving"), pytest.mark.timeout(300)]

RECIPE = """
from recipes import ToyRecipe

class Recipe(ToyRecipe):
    def score(self, trained, rows):
        if (rows["a"] == 13).any():
            raise RuntimeError("thirteen")
        return super().score(trained, rows)
"""


@pytest.fixture
def folder(store, rows_file, tmp_path):
    """A folder with a recipe of its own, in which `toy:weak` is champion."""
    (tmp_path / "promotion.toml").write_text(
        CONFIGURATION.format(ledger="sqlite:///ledger.db").replace("recipes:ToyRecipe", "ours:Recipe")
    )
    (tmp_path / "ours.py").write_text(RECIPE)
    command(tmp_path, "gate", "toy:weak")
    return tmp_path


def command(folder, *words):
    """What a `promotion` command prints, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [PROGRAMS / "promotion", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return " ".join(done.stdout.split()) + done.stderr


def test_a_fault_of_the_model_is_answered_with_500_and_logged(folder):
    with served(folder) as service:
        all_serve(service, "toy:weak")
        sentence = "toy:weak could not score the rows (RuntimeError: thirteen)."
        assert service.get("/score", {"row": {**ROW, "a": 13}}) == (500, {"error": sentence})
        assert service.get("/score_batch", {"rows": [ROW, {**ROW, "a": 13}]}) == (500, {"error": sentence})
        assert service.get("/score", {"row": ROW})[0] == 200
        assert "RuntimeError: thirteen" in service.log.read_text()


def test_an_endpoint_of_ones_own_as_the_guide_shows_it(folder):
    page = Path(__file__).parents[2] / "docs/how-to/serve.md"
    (block,) = (block for block in blocks_of(page) if block.title == "service.py")
    (folder / "service.py").write_text(block.source)
    homes = {"BENTOML_HOME": str(folder / "home"), "PROMOTION_BENTOML_HOME": str(folder / "bentoml")}
    paths = os.pathsep.join([str(folder), *sys.path])
    service = Service(folder, PROGRAMS / "bentoml", "serve", "service:Toy", PYTHONPATH=paths, **homes)
    service.start()
    try:
        service.wait()
        assert service.get("/decline", {"row": {"a": 30.0, "b": 30.0}}) == (200, {"decline": True, "tag": "toy:weak"})
        code, told = service.get("/decline", {"row": {"a": 1.0}})
        assert (code, told["error"].partition(",")[0]) == (400, "Each row must have the column b")
        assert service.get("/decline", {"row": {**ROW, "a": 13}})[0] == 500
        assert service.get("/score", {"row": ROW})[1]["tag"] == "toy:weak"
    finally:
        service.stop()


def test_a_champion_of_changed_code_serves_after_a_restart_and_until_then_the_audit_tells(folder):
    with served(folder) as service:
        serving = f'serving = "{service.url}/champion"\npolicy.primary'
        text = (folder / "promotion.toml").read_text()
        (folder / "promotion.toml").write_text(text.replace("policy.primary", serving))
        all_serve(service, "toy:weak")
        assert "AUD065" not in command(folder, "audit", "toy")
        (folder / "ours.py").write_text(
            RECIPE.replace("super().score(trained, rows)", "super().score(trained, rows) ** 0.5")
        )
        assert "PROMOTED" in command(folder, "gate", "toy:good")
        with Load(service) as load:
            until(lambda: service.get("/champion", {})[1]["problem"])
            told = service.get("/champion", {})[1]
            assert (told["tag"], told["wanted"]) == ("toy:weak", "toy:good")
            assert "toy:good scores sample rows differently here than at the gate" in told["problem"]
            changed = "ours.py changed after this process imported it. Restart the service. toy:weak goes on serving."
            assert told["problem"].endswith(changed)
            audited = command(folder, "audit", "toy")
            assert "AUD065" in audited
            assert "toy:weak with digest" in audited
            assert "Restart the service" in audited
            # What the service still serves has served, so retention keeps it; and its files are no longer needed.
            command(folder, "gc", "toy", "--keep", "0", "--yes", "--reason", "room")
            assert (folder / "bentoml/models/toy/weak").exists()
            shutil.rmtree(folder / "bentoml/models/toy/weak")
            answered = len(load.answers)
            until(lambda: len(load.answers) > answered + 20)
        assert load.failures == []
        assert load.scores.keys() == {"toy:weak"}
    with served(folder) as service:
        all_serve(service, "toy:good")
