"""Keeping passwords out of everything that is printed, logged or recorded."""

import re

# A password may itself hold '@' or '/', so all up to the last '@' goes: rather too much than a part of it left.
_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s'\"]*@", re.IGNORECASE)
_PARAMETERS = re.compile(r"(?P<name>[?&][^=&\s]*(?:password|passwd|secret|token|key)=)[^&\s'\"]*", re.IGNORECASE)
_PRIVATE_KEYS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)


def without_password(text: str) -> str:
    """The text with `user:password@` of every URL in it replaced by `***@`, and `?password=…` by `?password=***`.

    The text of a private key goes as a whole.
    """
    text = _PRIVATE_KEYS.sub("***", text)
    return _PARAMETERS.sub(r"\g<name>***", _CREDENTIALS.sub(r"\g<scheme>***@", text))
