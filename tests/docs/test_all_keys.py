"""The example of docs/reference/configuration.md contains every key and no other; `keys.py` writes its tables."""

import tomllib

import pytest
from keys import PAGE, fields_of
from pages import blocks_of

from promotion.config import Config, ModelConfig
from promotion.policy import Floor, Guardrail, Limits, Policy, Primary, SliceRule

EXAMPLE = tomllib.loads(next(block.source for block in blocks_of(PAGE) if block.title == "promotion.toml"))
MODEL = EXAMPLE["models"]["fraud_classifier"]
POLICY = MODEL["policy"]


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (Config, [EXAMPLE]),
        (ModelConfig, [MODEL]),
        (Policy, [POLICY]),
        (Primary, [POLICY["primary"]]),
        (Guardrail, POLICY["guardrails"]),
        (Floor, POLICY["floors"]),
        (SliceRule, POLICY["slices"]),
        (Limits, [POLICY["limits"]]),
    ],
)
def test_every_key_is_in_the_example(kind, shown):
    assert set().union(*shown) == {*fields_of(kind)}
