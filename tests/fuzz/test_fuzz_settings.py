"""promotion.toml and the environment: any content gives settings or an error with a sentence."""

import contextlib
import re
from importlib.resources import files

import pytest
from doors import assert_civil, command, examples, text
from hypothesis import given
from hypothesis import strategies as st

from promotion.config import Config, ModelConfig, load_config
from promotion.errors import PromotionError
from promotion.policy import Policy

pytestmark = pytest.mark.slow

TEMPLATE = files("promotion.cli").joinpath("promotion.toml").read_text("utf-8")
EVERYTHING = re.sub(r"(?m)^# (?=\w+ += |    \{|\])", "", TEMPLATE)
"""The template with what it comments out, where that reads as TOML."""

scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    text,
    st.sampled_from(
        [
            "roc_auc",
            "recall_at_fpr(0.01)",
            "recall_at_fpr(",
            "f1",
            "expected_cost(1,2)",
            "confident",
            "recipes:ToyRecipe",
            "os:system",
        ]
    ),
    st.dates(),
    st.datetimes(),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=8
)
TABLES = {
    "": [name for name in Config.model_fields if name != "root"],
    "models.toy": list(ModelConfig.model_fields),
    "models.toy.policy": list(Policy.__dataclass_fields__),
    "models.toy.policy.primary": ["metric", "min_gain", "min_gain_relative", "require", "max_loss"],
}
"""Every key that there is, by its table."""


def written(value):
    """A value in TOML; what TOML cannot say, it says wrongly, and that is an example too."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08x}" if c in '"\\' or not c.isprintable() else c for c in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{written(key)} = {written(one)}' for key, one in value.items())} }}"
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)


@st.composite
def spoilt_bytes(draw):
    """The template with pieces of it cut out, doubled, swapped or written over."""
    found = bytearray(draw(st.sampled_from([TEMPLATE, EVERYTHING])).encode())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(found)))
        piece = found[start : start + draw(st.integers(0, 40))]
        put = draw(
            st.one_of(
                st.binary(max_size=8),
                st.just(b""),
                st.just(bytes(piece) * 2),
                st.sampled_from([b"[", b"]", b'"', b"=", b"\n", b"nan", b"-1", b"1e999"]),
            )
        )
        found[start : start + len(piece)] = put
    return bytes(found)


@st.composite
def spoilt_keys(draw):
    """A valid configuration in which some keys have other values, or names, than they should."""
    lines = [
        "[models.toy]",
        'recipe = "recipes:ToyRecipe"',
        'data = "rows.csv"',
        "[models.toy.policy]",
        'primary = { metric = "roc_auc" }',
    ]
    for _ in range(draw(st.integers(1, 3))):
        table = draw(st.sampled_from(sorted(TABLES)))
        key, value = draw(st.one_of(st.sampled_from(TABLES[table]), text)), draw(values)
        line = f"{key if re.fullmatch(r'[A-Za-z0-9_-]+', key) else written(key)} = {written(value)}"
        header = f"[{table}]"
        lines = [line for line in lines if not line.startswith(f"{key} =")]
        at = lines.index(header) + 1 if header in lines else 0 if not table else len(lines)
        lines[at:at] = [line] if header in lines or not table else [header, line]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


@examples(250)
@given(st.one_of(spoilt_bytes(), spoilt_keys(), st.binary(max_size=60)))
def test_any_promotion_toml_gives_settings_or_a_sentence(tmp_path, content):
    path = tmp_path / "promotion.toml"
    path.write_bytes(content)
    with contextlib.suppress(PromotionError):
        config = load_config(path)
        assert all(isinstance(model.policy, Policy) for model in config.models.values())


@examples(30)
@given(spoilt_keys())
def test_commands_answer_any_promotion_toml_in_words(project, content):
    project.renew()
    (project.inside / "promotion.toml").write_bytes(content)
    for line in (["policy", "check"], ["status"], ["gate", "toy:good"]):
        assert_civil(*command(*line))


def test_the_template_with_all_its_keys_is_what_examples_begin_from(tmp_path):
    path = tmp_path / "promotion.toml"
    path.write_text(EVERYTHING)
    policy = load_config(path).model("fraud_classifier").policy
    assert (len(policy.slices), policy.rule.value, policy.limits.max_size_mb) == (2, "point", 50)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('ledger = "sqlite:///a\\u0000b"', "contains a NUL character"),
        ("x = " + "9" * 5000, "is not valid TOML: Exceeds the limit (4300 digits)"),
        ("x = " + "[" * 3000, "is not valid TOML: maximum recursion depth exceeded"),
        ("x." * 3000 + "y = 1", "is not valid TOML: maximum recursion depth exceeded"),
        ('bentoml_home = "~nobody-of-that-name/x"', "there is no home folder of that name"),
    ],
    ids=["nul", "digits", "lists", "dots", "home"],
)
def test_what_once_ended_in_a_traceback_is_one_sentence(tmp_path, content, says):
    (tmp_path / "promotion.toml").write_text(content)
    code, _, err = command("champion", "toy")
    assert (code, err.count("\n")) == (1, 1)
    assert says in err


@pytest.mark.parametrize(("name", "value"), [("PROMOTION_MODELS", "[" * 3000), ("PROMOTION_CONFIG", "a" * 3000)])
def test_a_variable_in_the_environment_that_once_ended_in_a_traceback_is_one_sentence(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    code, _, err = command("champion", "toy")
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("Error: ")
