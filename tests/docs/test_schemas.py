"""The schemas of what commands print with `--json`; the `command` fixture checks every such output of the tests with them."""

import json

import pytest
from jsonschema import Draft202012Validator
from schemas import OUTPUTS, PAGE, check_output
from typer.main import get_command

from promotion.cli.app import app_for


def with_json(command, name=""):
    """The commands that take `--json`."""
    if any("--json" in one.opts for one in command.params):
        yield name
    for word, below in getattr(command, "commands", {}).items():
        yield from with_json(below, f"{name} {word}".strip())


def test_every_command_with_json_has_a_schema():
    assert {*with_json(get_command(app_for())), "error"} == set(OUTPUTS)


def test_the_published_file_is_a_schema():
    Draft202012Validator.check_schema(json.loads(PAGE.read_text()))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"toy": "yes"}', "$.toy: 'yes' is not of type 'boolean'"),
        ('{"error": {"kind": "Refused", "message": "No."}}', "$.error: 'exit_code' is a required property"),
    ],
)
def test_other_output_is_found(text, problem):
    with pytest.raises(AssertionError) as found:
        check_output(["sync", "toy", "--json"], text)
    assert problem in str(found.value)


def test_a_property_that_no_schema_names_is_found():
    with pytest.raises(AssertionError) as found:
        check_output(["readmit", "--json"], '{"readmitted": "toy:a", "reason": "r", "more": 1}')
    assert "$: Additional properties are not allowed ('more' was unexpected)" in str(found.value)
