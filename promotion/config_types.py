"""Types of settings given as text: public keys, web addresses, durations."""

import base64
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from promotion.durations import length_of

_PUBLIC_KEY_BYTES = 32

_NO_WEB_ADDRESS = "Input should be an address like http://localhost:3000/champion"

_NO_PUBLIC_KEY = "Input should be 32 bytes in base64, as `promotion key` shows them"


def _raw_public_key(text: str) -> str:
    """Check that the text is a public key as `promotion key` prints it."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != _PUBLIC_KEY_BYTES:
        raise ValueError(_NO_PUBLIC_KEY)
    return text


PublicKey = Annotated[str, AfterValidator(_raw_public_key)]


def _web_address(text: str) -> str:
    """Check that the text is a URL that a browser accepts."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(_NO_WEB_ADDRESS)
    return text


WebAddress = Annotated[str, AfterValidator(_web_address)]


def _length(text: str) -> str:
    """Check that the text is a duration."""
    try:
        length_of(text)
    except OverflowError as error:
        raise ValueError(f"'{text}' is longer than 9,999 years.") from error
    return text


Length = Annotated[str, AfterValidator(_length)]
