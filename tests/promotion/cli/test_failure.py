"""With `--json`, a command that fails answers with its error as one JSON object; standard error keeps the sentence."""

import json
import os

import pytest

pytestmark = pytest.mark.integration

OVERRIDE = ("--reason", "r", "--override", "--yes")


def test_a_mistake_has_its_class_sentence_and_fields(with_champion, command):
    sentence = "There is no model 'tpy'. Did you mean 'toy'?"
    code, out, err = command("history", "tpy", "--json")
    assert (code, err) == (1, f"Error: {sentence}\n")
    about = {"what": "model", "name": "tpy", "known": ["toy"], "way_out": "Did you mean 'toy'?"}
    assert json.loads(out) == {"error": {"kind": "UnknownName", "message": sentence, "exit_code": 1, **about}}
    assert command("history", "tpy") == (1, "", err)


def test_fields_are_plain(with_champion, command):
    (with_champion / "promotion.toml").write_text("cache = 3")
    error = json.loads(command("status", "--json")[1])["error"]
    assert (error["kind"], error["key"], error["path"]) == (
        "ConfigError",
        "cache",
        str(with_champion / "promotion.toml"),
    )


@pytest.mark.parametrize(
    ("words", "kind", "sentence"),
    [
        (["gate", "--json"], "MissingParameter", "Missing argument 'TAG'."),
        (["gate", "toy:weak", "--zzz", "--json"], "NoSuchOption", "No such option: --zzz"),
        (["nope", "--json"], "UsageError", "No such command 'nope'."),
        (
            ["history", "toy", "--json", "--markdown"],
            "Misuse",
            "--json and --markdown both set the output format. Use only one of them.",
        ),
        (
            ["status", "--json", os.fsdecode(b"caf\xe9")],
            "UnicodeError",
            r"The argument 'caf\xe9' is not UTF-8: expected text in UTF-8. Set the terminal or script to UTF-8.",
        ),
        (
            ["status", "--json", "half \ud800"],
            "UnicodeError",
            r"The argument 'half \ud800' is not UTF-8: expected text in UTF-8. Set the terminal or script to UTF-8.",
        ),
    ],
)
def test_wrong_usage_keeps_its_exit_code(here, command, words, kind, sentence):
    code, out, err = command(*words)
    assert code == 2
    assert json.loads(out) == {"error": {"kind": kind, "message": sentence, "exit_code": 2}}
    assert f"Error: {sentence}\n" in err


def test_a_value_that_looks_like_the_option_asks_for_no_json(here, command):
    assert command("history", "--", "--json")[1] == ""


def test_a_file_that_the_system_refuses_is_named(here, command):
    os.mkdir("full.json")  # noqa: PTH102 - a folder where a file is read
    code, out, err = command("--config", "full.json", "status", "--json")
    error = json.loads(out)["error"]
    assert (code, error["exit_code"], error["path"]) == (1, 1, str(here / "full.json"))
    assert err == f"Error: {error['message']}\n"


def test_a_conflict_says_who_was_first_and_where(with_champion, command, meanwhile):
    length = len(json.loads(command("history", "toy", "--json")[1]))
    meanwhile("promote", "toy:spoilt", *OVERRIDE)
    code, out, err = command("promote", "toy:good", *OVERRIDE, "--json")
    error = json.loads(out)["error"]
    assert (code, err) == (6, f"Error: {error.pop('message')}\n")
    assert error == {"kind": "Conflict", "exit_code": 6, "model": "toy", "seq": length + 1, "by": "config:bob"}
