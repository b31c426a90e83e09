"""Whether a server's computer accepts connections at all, before a client of the server is imported."""

import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_PORTS = {"http": 80, "https": 443}
_SECONDS = 2.0


def why_unreachable(url: str) -> str | None:
    """Return why a server cannot be reached: the connection is refused, or there is no such host; None otherwise.

    None also for a server that is slow, or behind a proxy: its client finds out.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # the client has a sentence for it
        return None
    if not host or not port or (parts.scheme in getproxies() and not proxy_bypass(host)):
        return None
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except (ConnectionRefusedError, socket.gaierror) as error:
        return str(error.strerror)
    except OSError:
        return None
    return None
