"""The command that makes a key pair for signing."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from promotion.cli.output import Json, say

EXAMPLE = "promotion key ci.pem"


def key(
    file: Annotated[Path, typer.Argument(help="New file for the private key.", metavar="FILE")],
    as_json: Json = False,
) -> None:
    """Create a key pair for signing ledger entries.

    Writes the private key to a new file and prints the public key.
    """
    from promotion.adapters.keys import key_id, write_new_key

    public = write_new_key(file)
    name = file.stem if re.fullmatch(r"[A-Za-z0-9_-]+", file.stem) else json.dumps(file.stem)
    data = {"written": str(file), "name": file.stem, "public_key": public, "key_id": key_id(public)}
    words = (
        f"Wrote the private key to {file}; keep it where only people who may promote can read it.",
        "Add to promotion.toml, which may be public:",
        "",
        "[public_keys]",
        f'{name} = "{public}"',
    )
    say(data, *words, as_json=as_json)
