import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion import errors
from promotion.errors import BadTag, DigestMismatch, UnknownName
from promotion.secrets import without_password
from promotion.visible import visible
from promotion.vocabulary import Direction, Tag, is_name

names = st.from_regex(r"[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?", fullmatch=True)


@given(names, names)
def test_a_tag_reads_back_as_it_is_written(model, version):
    assert Tag.parse(str(Tag(model, version))) == Tag(model, version)


@given(st.text(max_size=70))
def test_any_other_text_is_refused_in_one_sentence(text):
    model, _, version = text.partition(":")
    if is_name(model) and is_name(version):
        return
    with pytest.raises(BadTag) as raised:
        Tag.parse(text)
    meant = f" Did you mean '{text.lower()}'?" if is_name(model.lower()) and is_name(version.lower()) else ""
    assert str(raised.value) == visible(
        f"There is no tag '{text}'.{meant} A tag is MODEL:VERSION in lower case, for example fraud_classifier:abc123. "
        "`promotion history MODEL` lists the versions of a model."
    )


@pytest.mark.parametrize("text", ["", "a" * 64, "A", "ä", "-a", "a-", "a b", "a/b", "..", "a:b", "a\n"])
def test_what_bentoml_does_not_take_is_no_name(text):
    assert not is_name(text)


def test_a_gain_is_positive_when_it_is_better():
    assert Direction.HIGHER.gain(0.5, 0.75) == Direction.LOWER.gain(0.75, 0.5) == 0.25


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("rocauc", ["roc_auc", "f1"], "There is no metric 'rocauc'. Did you mean 'roc_auc'?"),
        ("xyz", ["roc_auc", "f1"], "There is no metric 'xyz'. Available: roc_auc, f1."),
        ("xyz", [], "There is no metric 'xyz'."),
    ],
)
def test_an_unknown_name_says_what_there_is(name, known, text):
    assert str(UnknownName("metric", name, known)) == text


def test_every_error_is_one_that_the_command_tells_as_a_sentence():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    tree = errors.__doc__
    for kind in kinds:
        assert issubclass(kind, errors.PromotionError)
        assert f" {kind.__name__} " in f"{tree} ".replace("\n", " ")
    assert DigestMismatch("a:b", "1" * 64, "2" * 64).exit_code == 1


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters="'\""), min_size=1))
def test_no_password_of_a_url_is_ever_shown(password):
    url = f"postgresql+psycopg://promotion:{password}@db.example:5432/ledger"
    assert without_password(f"cannot reach {url} now") == (
        "cannot reach postgresql+psycopg://***@db.example:5432/ledger now"
    )


def test_passwords_in_the_query_are_not_shown_either_and_other_text_stays():
    assert without_password("postgresql://db/x?user=bob&password=s3cret&sslmode=on") == (
        "postgresql://db/x?user=bob&password=***&sslmode=on"
    )
    assert without_password("sqlite:////data/ledger.db, mail bob@example.org") == (
        "sqlite:////data/ledger.db, mail bob@example.org"
    )
