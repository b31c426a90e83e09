"""The two readers of `model.yaml` give the same result, because digests are made from it."""

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from promotion.adapters.bento import description

pytestmark = pytest.mark.integration

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.datetimes() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=12,
)
DUMPED = st.builds(yaml.safe_dump, VALUES, default_flow_style=st.sampled_from([None, True, False]))
WRITTEN = st.text(st.sampled_from("ab01:-?,[]{}&*!|>%@`'\"#. \n~<=") | st.characters(codec="ascii"), max_size=40)


def read(text, *loader):
    try:
        return repr(description._parsed(text, *loader))  # also equal for NaN
    except description.DamagedDescription:
        return "damaged"


@pytest.mark.skipif(not hasattr(yaml, "CBaseLoader"), reason="PyYAML without libyaml")
@given(DUMPED | WRITTEN | st.builds("{}{}".format, DUMPED, WRITTEN))
@example("a: 'it''s'\nb: |+\n  two\n\n  lines\n\n")
@example('a: >-\n  folded\n  text\n\n  more\nb: "tab\\tand \\\n  broken"\n')
@example("- {a: 1, b: [2, ~]}\n- 12\n- &x [1]\n- *x\n")
@example("? complex\n: value\n")
def test_both_readers_read_the_same_of_plain_characters(text):
    text = "".join(one for one in text if description._PLAIN.fullmatch(one))
    assert read(text, yaml.CBaseLoader) == read(text, yaml.BaseLoader)
    assert read(text, yaml.CSafeLoader) == read(text, yaml.SafeLoader)


@given(DUMPED | WRITTEN)
@example("? [a, b]\n: value\n")
@example("a: 1\na: 2\n1: ~\n1.0: no\n")
@example("=: =\n")
def test_the_short_way_for_simple_texts_gives_the_same(text):
    for loader in (yaml.CSafeLoader, yaml.CBaseLoader):
        found = read(text, loader)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(description, "_is_simple", lambda _: False)
            assert found == read(text, loader)


@given(DUMPED | WRITTEN)
def test_one_reading_gives_both_what_it_describes_and_its_strings(text):
    if description._is_simple(text):
        assert read(text, yaml.CSafeLoader, lambda node, _: description._texts(node)) == read(text, yaml.CBaseLoader)


@pytest.mark.parametrize("nested", ["[" * 150, "{a: " * 150, "- " * 150, "".join(f"{' ' * n}a:\n" for n in range(150))])
def test_no_text_that_nests_deeply_is_simple(nested):
    assert not description._is_simple(nested)
