"""Keeping passwords out of everything that is printed, logged or recorded."""

import re

_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/@\s]*@", re.IGNORECASE)


def without_password(text: str) -> str:
    """The text with `user:password@` of every URL in it replaced by `***@`."""
    return _CREDENTIALS.sub(r"\g<scheme>***@", text)
