"""The JSON Schemas of everything that commands print with `--json`, in `docs/schemas/v1.json`; `make reference` writes them.

There is one definition for each command, from the classes in `json_outputs`.
"""

import json
from functools import cache
from pathlib import Path
from typing import ClassVar

from json_outputs import OUTPUTS
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "schemas" / "v1.json"
VERSION = 1


class _Written(GenerateJsonSchema):
    """The schema of values as they are written: complete, except for fields that are left out if they are None."""

    ignored_warning_kinds: ClassVar = {"skipped-choice", "non-serializable-default"}

    def field_is_required(self, field, total):
        return field.get("serialization_exclude_if") is None and field.get("required", True)


@cache
def schemas():
    """The whole document."""
    inputs = [(name, "serialization", TypeAdapter(kind)) for name, kind in OUTPUTS.items()]
    found, shared = TypeAdapter.json_schemas(inputs, schema_generator=_Written)
    commands = {name.replace(" ", "-"): schema for (name, _), schema in found.items()}
    assert not commands.keys() & shared["$defs"].keys()
    version = shared["$defs"]["Version"]
    del version["properties"]["recorded"]  # which `show` leaves out
    version["required"].remove("recorded")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"What `promotion … --json` prints, version {VERSION}",
    }
    return {**head, "$defs": _plain({**commands, **shared["$defs"]})}


def _plain(schema):
    """Leave out titles, which repeat the names, and defaults, which say nothing about what is printed."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    said = {key: value for key, value in schema.items() if key != "default" and not _is_title(key, value)}
    return {key: _plain(value) for key, value in said.items()}


def _is_title(key, value):
    """Whether it is a schema's title rather than the schema of a property of that name."""
    return key == "title" and isinstance(value, str)


def closed(schema):
    """The schema, in which objects have no properties but the ones that it names."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else {}
    return {**shut, **{key: closed(value) for key, value in schema.items()}}


@cache
def validator(name):
    """Validates what a command prints, strictly."""
    return Draft202012Validator({**closed(schemas()), "$ref": f"#/$defs/{name.replace(' ', '-')}"})


def check_output(words, text):
    """Return what `promotion` printed with these arguments, among them `--json`; it must be as the command's schema says."""
    if "--config" in words or (words[:2] == ["ledger", "export"] and "--out" not in words):
        return None  # arguments that do not begin with the command; an export, which is in JSON Lines
    data = json.loads(text)
    failed = isinstance(data, dict) and data.keys() == {"error"}
    name = next(name for name in ("error" * failed, " ".join(words[:2]), words[0]) if name in OUTPUTS)
    problems = [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(data)]
    assert not problems, (words, problems)
    return data


def written():
    """The file as it should be: one line for each definition."""
    head = {key: value for key, value in schemas().items() if key != "$defs"}
    lines = (f"{json.dumps(name)}: {json.dumps(one)}" for name, one in schemas()["$defs"].items())
    return json.dumps(head)[:-1] + ', "$defs": {\n' + ",\n".join(lines) + "\n}}\n"
