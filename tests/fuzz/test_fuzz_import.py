"""`promotion ledger import`: an export is imported completely, and anything else is refused completely."""

import json

import pytest
from doors import assert_civil, command, examples, text
from hypothesis import given
from hypothesis import strategies as st

from promotion.adapters.sql import SqlLedger
from promotion.ledger.folding import fold

pytestmark = pytest.mark.slow

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    text,
    st.just([]),
    st.just({}),
    st.just("0" * 64),
)


@pytest.fixture(scope="session")
def export(pristine):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(pristine)
        code, out, _ = command("ledger", "export")
    assert code == 0
    return out


@st.composite
def spoilings(draw):
    """What to do to an export: to its bytes, to its lines, or to the values in a line."""
    how = draw(st.sampled_from(["bytes", "lines", "values", "deep"]))
    at, more = draw(st.integers(0, 2**16)), draw(st.integers(0, 2**16))
    put = draw(
        values
        if how == "values"
        else st.one_of(
            st.binary(max_size=6), st.sampled_from([b"\n", b"NaN", b"[" * 3000, b"\0", b"\xff", b"9" * 5000])
        )
    )
    return how, at, more, put


def spoilt(export, spoiling):
    how, at, more, put = spoiling
    lines = export.splitlines(keepends=True)
    if how == "values":
        line = json.loads(lines[at % len(lines)])
        places = list(_places(line))
        inner, key = places[more % len(places)]
        inner[key] = put
        lines[at % len(lines)] = json.dumps(line, ensure_ascii=True) + "\n"
    elif how == "lines":
        moved = lines.pop(at % len(lines))
        lines[more % (len(lines) + 1) : more % (len(lines) + 1)] = [moved] * (more % 3)
    else:
        found = bytearray(export.encode())
        start = at % (len(found) + 1)
        found[start : start + more % 40] = put
        return bytes(found)
    return "".join(lines).encode("utf-8", "surrogatepass")


def _places(value):
    """Every place within a value that another can be put in."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


@examples(60)
@given(spoilings())
def test_a_spoilt_export_is_refused_whole_or_imports_a_ledger_that_holds(project, export, spoiling):
    content = spoilt(export, spoiling)
    (project.inside / "kept" / "in.jsonl").write_bytes(content)
    (project.inside / "kept" / "ledger.db").unlink(missing_ok=True)
    with project.untouched_outside():
        code, out, err = command("ledger", "import", "kept/in.jsonl")
        assert_civil(code, out, err)
        ledger = SqlLedger(f"sqlite:///{project.inside}/kept/ledger.db")
        chains = {model: ledger.entries(model) for model in ledger.models()}
        if code != 0:
            assert chains == {}
        for model, entries in chains.items():
            assert fold(model, entries).head == ledger.head(model)


def test_the_export_itself_comes_back_as_it_was(project, export):
    before = SqlLedger("sqlite:///kept/ledger.db").entries("toy")
    (project.inside / "kept" / "in.jsonl").write_text(export)
    (project.inside / "kept" / "ledger.db").unlink()
    assert command("ledger", "import", "kept/in.jsonl")[0] == 0
    assert SqlLedger("sqlite:///kept/ledger.db").entries("toy") == before
