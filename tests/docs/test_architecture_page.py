"""The architecture page names existing files, and the layers that import-linter enforces."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "concepts" / "architecture.md").read_text()


def test_every_file_that_it_names_is_there():
    named = re.findall(r"`((?:promotion|registry_flows|tests)/[\w/.]*)`", PAGE)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_its_floors_are_those_of_the_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one["name"] == "lower rooms never import higher ones")
    held = [re.split(r"[. :]+", layer)[1] for layer in layers]
    drawn = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)[1]
    floors = [line.split()[0].strip(",") for line in drawn.splitlines() if line and not line.startswith(" ")]
    asked = [floor for floor in floors if floor in held]
    assert {"cli", "registry", "adapters", "ledger", "policy", "metrics", "errors"} <= {*asked}
    assert [held.index(floor) for floor in asked] == sorted(held.index(floor) for floor in asked)
