"""docs/reference/configuration.md shows every key there is, and no other."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest
from pages import blocks_of

from promotion.config import Config, ModelConfig
from promotion.judgement import Floor, Guardrail, Limits, Policy, Primary, SliceRule

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/configuration.md"
EXAMPLE = tomllib.loads(next(block.source for block in blocks_of(PAGE) if block.title == "promotion.toml"))
MODEL = EXAMPLE["models"]["fraud_classifier"]
POLICY = MODEL["policy"]
TABLES = "\n".join(line.split("|")[1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `"))


@pytest.mark.parametrize(
    ("kind", "shown", "prefix"),
    [
        (Config, [EXAMPLE], ""),
        (ModelConfig, [MODEL], ""),
        (Policy, [POLICY], ""),
        (Primary, [POLICY["primary"]], "primary."),
        (Guardrail, POLICY["guardrails"], "guardrails[]."),
        (Floor, POLICY["floors"], "floors[]."),
        (SliceRule, POLICY["slices"], "slices[]."),
        (Limits, [POLICY["limits"]], "limits."),
    ],
)
def test_every_key_is_in_the_example_and_in_a_table(kind, shown, prefix):
    keys = {*getattr(kind, "model_fields", ())} or {field.name for field in dataclasses.fields(kind)}
    keys -= {"root"}  # no key of the file
    assert set().union(*shown) == keys
    tables = {"models", "primary", "limits"}  # told by their own keys
    assert [key for key in sorted(keys - tables) if not re.search(re.escape(f"`{prefix}{key}`"), TABLES)] == []
