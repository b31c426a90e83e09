import pytest
import typer
from doors import assert_civil, command, examples, tags, text
from hypothesis import given
from hypothesis import strategies as st

from promotion.cli.app import app_for

pytestmark = pytest.mark.slow

WRITERS = {"init", "key", "ledger", "metrics", "report"}
"""Write a new file where they are told to, and over none that is there."""
SLOW = {"retrain"}
"""Trains under Prefect; asked only for models that are not there."""


def leaves(group, before=()):
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from leaves(found, (*before, name))
        else:
            yield (*before, name), found


COMMANDS = dict(leaves(typer.main.get_command(app_for())))
VALUES = st.one_of(
    tags,
    st.sampled_from(["toy", "0", "1", "-1", "0.95", "nan", "inf", "1e999", "9" * 400, "rows.csv", "promotion.toml"]),
    st.sampled_from(
        ["2026-11-22", "2026-11-22T25:00", "0001-01-01", "9999-12-31T23:59+23:59", "30d", "0d", "deadbeef"]
    ),
    st.sampled_from(["kept", "kept/ledger.db", "bentoml", "/dev/null", "/proc/self/mem", "absent/rows.csv"]),
    text,
)


@st.composite
def lines(draw):
    """A command with some of its own options, values of any kind, and now and then one that does not exist."""
    words = draw(st.sampled_from(sorted(COMMANDS)))
    parts = []
    for parameter in COMMANDS[words].params:
        if parameter.param_type_name == "argument":
            parts.append(draw(st.lists(VALUES, max_size=2)))
        elif parameter.required or draw(st.booleans()):
            name = draw(st.sampled_from(parameter.opts))
            parts.append([name] if getattr(parameter, "is_flag", False) else [name, draw(VALUES)])
    parts += draw(
        st.lists(
            st.one_of(st.sampled_from([["--nonsense"], ["--json"], ["--"], ["-h"]]), st.lists(text, max_size=1)),
            max_size=1,
        )
    )
    rest = [word for part in draw(st.permutations(parts)) for word in part]
    if words[0] in SLOW:
        rest = [word for word in rest if word != "toy"]
    if words[0] in WRITERS:
        rest = [word for word in rest if not word.startswith("/")]  # absolute paths are outside the project
    return [*words, *rest]


@examples(200)
@given(lines())
def test_no_command_line_ends_in_a_traceback_or_writes_outside(project, line):
    with project.untouched_outside(new_files=line[0] in WRITERS):
        assert_civil(*command(*line))
