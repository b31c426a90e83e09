"""Tags and the environment: an invalid tag gives an error, and no text leads out of the store."""

import contextlib

import pytest
from doors import TRICKS, assert_civil, command, examples, tags, text
from hypothesis import assume, given
from hypothesis import strategies as st

from promotion.adapters.bento import BentoStore
from promotion.config import Config, load_config
from promotion.errors import BadTag, PromotionError
from promotion.visible import visible
from promotion.vocabulary import Tag, is_name

pytestmark = pytest.mark.slow

ALIKE = st.text(st.sampled_from("abcz019_-.:/\\\0 AZ\u0665\u00b2\uff11\u00e9\u0131\u212a\n~%"), max_size=70)
"""Of what a name is made of, and what looks like it or is taken for it by `str.isalnum`, `lower` or a file system."""


@examples(300)
@given(st.one_of(tags, ALIKE, ALIKE.map("toy:{}".format)))
def test_what_reads_as_a_tag_is_one_folder_below_the_store(tmp_path, found):
    try:
        tag = Tag.parse(found)
    except BadTag as error:
        told = str(error)
    else:
        told = ""
        assert str(tag) == found
        assert found == found.lower()
        assert found.isascii()
        place = BentoStore(tmp_path).path(tag)
        assert place.resolve().relative_to(tmp_path / "models").parts == (tag.model, tag.version)
    assert not told or told.startswith(f"There is no tag '{visible(found)}'.")


@pytest.mark.parametrize(
    "trick",
    [
        one
        for one in TRICKS
        if one not in {"toy:con", "nul:aux", "toy:latest", "neighbour:x"} and one != "toy:" + "a" * 63
    ],
)
def test_each_trick_is_told_apart_from_a_tag(trick):
    with pytest.raises(BadTag, match="A tag is MODEL:VERSION in lower case"):
        Tag.parse(trick)


@given(ALIKE)
def test_a_name_is_what_bentoml_takes_for_one(name):
    from bentoml._internal.tag import validate_tag_str

    with contextlib.suppress(ValueError):
        validate_tag_str(name)
        return  # BentoML may accept more than this project does
    assert not is_name(name)


KEYS = [name.upper() for name in Config.model_fields if name != "root"]
NAMES = st.one_of(
    st.sampled_from(KEYS).map("PROMOTION_{}".format),
    st.lists(
        st.one_of(st.sampled_from(["MODELS", "TOY", "POLICY", "PRIMARY", "METRIC", "GUARDRAILS", "0", ""]), text),
        max_size=4,
    ).map(lambda parts: "PROMOTION_" + "__".join(["MODELS", *parts])),
    st.sampled_from(
        ["BENTOML_HOME", "MLFLOW_TRACKING_URI", "PROMOTION_CONFIG", "PROMOTION_", "PROMOTION___", "promotion_ledger"]
    ),
    text.map("PROMOTION_{}".format),
)
VALUES = st.one_of(
    text,
    st.sampled_from(
        [
            "",
            "{",
            "[]",
            "{}",
            "null",
            "nan",
            '{"toy": 1}',
            '{"recipe": []}',
            '"\\u0000"',
            "1e999",
            "[" * 2000,
            "sqlite:///:memory:",
            "sqlite://",
            "postgresql://localhost:1/x",
            "://",
            "~nobody-of-that-name/x",
        ]
    ),
)


@examples(80)
@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_any_environment_gives_settings_or_a_sentence(project, environment):
    assume(not any("\0" in part or "=" in name for name, value in environment.items() for part in (name, value)))
    with pytest.MonkeyPatch.context() as patch:
        try:
            for name, value in environment.items():
                patch.setenv(name, value)
        except UnicodeEncodeError:
            assume(False)
        with contextlib.suppress(PromotionError):
            assert isinstance(load_config(), Config)
        if not {"PROMOTION_LEDGER", "PROMOTION_BENTOML_HOME", "BENTOML_HOME"} & environment.keys():
            with project.untouched_outside():
                assert_civil(*command("champion", "toy"))
