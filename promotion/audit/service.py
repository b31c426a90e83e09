"""Check that a running service has loaded the champion."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from promotion.findings import Code, Finding, finding
from promotion.ledger.chain import Champion
from promotion.ledger.state import State
from promotion.secrets import without_password

_PATIENCE_SECONDS = 10
_MOST_BYTES = 100_000
_RESTART = "Restart the service, or find out why it did not load the new champion."
_MEND = (
    "Remove the cause that the service reports. A service by `promotion.serving` then loads the champion by itself; if "
    "you restart it before, it has no version to serve."
)


def check_service(state: State, url: str) -> Iterator[Finding]:
    """Check that the service answers, and serves the champion with the files that were judged.

    Args:
        state: state of the ledger; without a champion, nothing is requested.
        url: answers with JSON: `{"tag": "fraud_classifier:abc", "digest": "…", "problem": "…"}`;
            digest and problem are optional. While it has loaded nothing, tag is null and problem says why.
    """
    champion, place = state.champion, without_password(url)
    if champion is None:
        return
    try:
        answer = _asked(url)
    except (OSError, ValueError, HTTPException) as error:
        mend = "Check that the service runs and that `serving` is its address, and run `promotion audit` again."
        told = error.reason if isinstance(error, URLError) and not isinstance(error, HTTPError) else error
        said = without_password(str(told))[:200] or type(error).__name__
        yield finding(Code.SERVICE_AWAY, place, f"an answer that {champion.tag} is loaded", said, mend)
        return
    found = _differs(champion, answer)
    if found:
        mend = _MEND if isinstance(answer.get("problem"), str) else _RESTART
        yield finding(Code.SERVICE, place, f"{champion.tag} with digest {champion.digest[:12]}", found, mend)


def _differs(champion: Champion, answer: dict[str, Any]) -> str | None:
    """Return what is loaded if it is not the champion; None if it is."""
    tag, digest, problem = answer["tag"] or "nothing", answer.get("digest"), answer.get("problem")
    if tag == champion.tag and digest in {None, champion.digest}:
        return None
    loaded = f"{tag} with digest {digest[:12]}" if isinstance(digest, str) else str(tag)
    return f"{loaded}; the service reports: {problem}" if isinstance(problem, str) else loaded


def _asked(url: str) -> dict[str, Any]:
    """Return the answer to GET, or to POST if the endpoint accepts only that, as some frameworks' endpoints do."""
    try:
        return _read(Request(url))  # noqa: S310 - the configuration takes http and https only
    except HTTPError as error:
        if error.code != HTTPStatus.METHOD_NOT_ALLOWED:
            raise
        content = {"Content-Type": "application/json"}
        return _read(Request(url, data=b"{}", headers=content))  # noqa: S310


def _read(request: Request) -> dict[str, Any]:
    with urlopen(request, timeout=_PATIENCE_SECONDS) as response:  # noqa: S310
        answer = json.loads(response.read(_MOST_BYTES))
    if not isinstance(answer, dict) or not (isinstance(answer.get("tag"), str) or _waits(answer)):
        raise ValueError('an answer without "tag"')
    return answer


def _waits(answer: dict[str, Any]) -> bool:
    return "tag" in answer and answer["tag"] is None and isinstance(answer.get("problem"), str)
