"""Atheris on one entry point, in a separate process: `python harness.py DOOR CORPUS [libFuzzer's options]`.

Any exception except `PromotionError` is a finding; libFuzzer then writes the input down and exits with a nonzero code.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["promotion", "tomllib", "yaml"]):
    from promotion.config import load_config
    from promotion.errors import BadTag, PromotionError
    from promotion.ledger.export import read_export
    from promotion.vocabulary import Tag

_FILE = Path(tempfile.mkdtemp()) / "promotion.toml"


def settings(data):
    _FILE.write_bytes(data)
    try:
        load_config(_FILE)
    except PromotionError as error:
        assert str(error).strip()  # noqa: PT017 - atheris is no pytest


def export(data):
    try:
        read_export(data.splitlines(keepends=True), name="export.jsonl")
    except PromotionError as error:
        assert str(error).strip()  # noqa: PT017 - atheris is no pytest


def tag(data):
    text = data.decode("utf-8", "surrogateescape")
    try:
        found = Tag.parse(text)
    except BadTag:
        return
    assert str(found) == text
    assert text.isascii()
    assert Path("/store", found.model, found.version).parts == ("/", "store", found.model, found.version)
    assert ".." not in {found.model, found.version}


DOORS = {"settings": settings, "export": export, "tag": tag}

if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], DOORS[sys.argv[1]])
    atheris.Fuzz()
