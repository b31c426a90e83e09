"""Removal of passwords from everything that is printed, logged or recorded."""

import re

# A password may contain '@' or '/', so everything up to the last '@' is removed: too much rather than too little.
_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s'\"]*@", re.IGNORECASE)
_NAMES = "password|passwd|secret|token|key|signature|sig|credential"
_PARAMETERS = re.compile(rf"(?P<name>[?&][^=&\s]*(?:{_NAMES})=)[^&\s'\"]*", re.IGNORECASE)
_PRIVATE_KEYS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)


def without_password(text: str) -> str:
    """Replace `user:password@` in every URL by `***@`, and `?password=…` by `?password=***`.

    The text of a private key is removed completely.
    """
    text = _PRIVATE_KEYS.sub("***", text)
    return _PARAMETERS.sub(r"\g<name>***", _CREDENTIALS.sub(r"\g<scheme>***@", text))
