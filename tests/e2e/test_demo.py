"""`make demo`, as a newcomer runs it: the whole story, in one folder, and README shows what it prints."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs.pages import blocks_of, missing_lines

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]


@pytest.fixture
def told(tmp_path):
    """What the demo prints in an empty folder with promotion.toml, by a user whose home is empty."""
    shutil.copy(ROOT / "promotion.toml", tmp_path)
    (tmp_path / "home").mkdir()
    environment = {**os.environ, "HOME": str(tmp_path / "home")}
    for name in ("PREFECT_API_URL", "PREFECT_HOME"):
        environment.pop(name, None)
    story = [sys.executable, "-m", "registry_flows.demo"]
    done = subprocess.run(story, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_the_story_is_as_readme_shows_it_and_stays_in_its_folder(told, tmp_path):
    shown = "".join(block.source for block in blocks_of(ROOT / "README.md") if block.language == "console")
    assert missing_lines(shown, told) == []
    assert [path.name for path in (tmp_path / "home").iterdir()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [".demo", "home", "promotion.toml"]
    assert "(exit code 5," in told
    assert "Traceback" not in told
