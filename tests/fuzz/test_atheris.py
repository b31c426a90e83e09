import subprocess
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

pytestmark = pytest.mark.slow

HARNESS = Path(__file__).with_name("harness.py")
RUNS = 100_000
soaking = settings.default.max_examples > settings.get_profile("default").max_examples


@pytest.fixture
def seeds(pristine):
    """Initial inputs of mutations, by entry point."""
    from doors import command

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(pristine)
        exported = command("ledger", "export")[1]
    template = files("promotion.cli").joinpath("promotion.toml").read_text("utf-8")
    return {
        "settings": [template, (pristine / "promotion.toml").read_text()],
        "export": [exported],
        "tag": ["toy:weak"],
    }


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed; it is in the group `soak`")
@pytest.mark.skipif(not soaking, reason="coverage-guided fuzzing belongs to `make soak`")
@pytest.mark.parametrize("door", ["settings", "export", "tag"])
def test_no_bytes_at_a_front_door_end_in_a_traceback(door, seeds, tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds[door]):
        (corpus / f"seed{number}").write_text(seed)
    done = subprocess.run(
        [sys.executable, HARNESS, door, corpus, f"-runs={RUNS}", "-max_total_time=60", "-timeout=10", "-seed=27"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Done " in done.stderr
