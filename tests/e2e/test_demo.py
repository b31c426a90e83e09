"""`make demo` as a newcomer runs it, in one folder; README and docs show its output."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs.pages import blocks_of, missing_lines

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]


@pytest.fixture
def told(tmp_path):
    """Output of the demo in an empty folder with promotion.toml, for a user with an empty home."""
    shutil.copy(ROOT / "promotion.toml", tmp_path)
    (tmp_path / "home").mkdir()
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "COLUMNS": "140"}
    for name in ("PREFECT_API_URL", "PREFECT_HOME"):
        environment.pop(name, None)
    return ended("registry_flows.demo", cwd=tmp_path, env=environment)


def ended(*module, **where):
    """What a module prints that ends well."""
    done = subprocess.run([sys.executable, "-m", *module], **where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_the_story_is_as_pages_show_it_and_stays_in_its_folder(told, tmp_path):
    for page in ("README.md", "docs/index.md"):
        shown = "".join(block.source for block in blocks_of(ROOT / page) if block.language == "console")
        assert shown, page
        assert missing_lines(shown, told) == [], page
    assert [path.name for path in (tmp_path / "home").iterdir()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [".demo", "home", "promotion.toml"]
    assert "(exit code 5," in told
    assert "Traceback" not in told
    # a challenger equal to the champion could pass, so the guardrails do not block every challenger
    assert "Warning" not in ended("promotion", "policy", "check", cwd=tmp_path)
