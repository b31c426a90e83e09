"""The outcome of the last audit of each model on this computer, for `promotion status`. No decision uses it."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from promotion.adapters.files import replace_parts
from promotion.findings import Code, Finding

_FOLDER = "audits"
_UNUSABLE = {Code.TORN, Code.MISSING, Code.FILES}


@dataclass(frozen=True, kw_only=True)
class LastAudit:
    """What an audit found.

    Attributes:
        at: when, in UTC.
        findings: number of findings.
        codes: their codes, each once.
        unusable: tags of the versions whose files were missing, incomplete or changed.
        since: the time from which it checked entries and versions; None if it checked everything.
    """

    at: str
    findings: int
    codes: tuple[str, ...]
    unusable: tuple[str, ...] = ()
    since: str | None = None


def remember(cache: Path, model: str, found: Sequence[Finding], at: datetime, *, since: datetime | None = None) -> None:
    """Keep the outcome of an audit in the cache folder, if the folder can be written to.

    An audit of what happened `since` a time adds to the findings of one that checked everything, and does not replace
    them.
    """
    before = last_audit(cache, model) if since else None
    stays = before if before and before.findings and before.since is None else None
    if stays and not found:
        return
    last = LastAudit(
        at=at.isoformat(),
        findings=len(found),
        codes=tuple(dict.fromkeys(one.code for one in found)),
        unusable=tuple(one.subject for one in found if one.code in _UNUSABLE),
        since=since.isoformat() if since else None,
    )
    path = _path(cache, model)
    last = _added(stays, last, found) if stays else last
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_parts(path, (json.dumps(asdict(last)).encode(),), durable=False)


def _added(before: LastAudit, last: LastAudit, found: Sequence[Finding]) -> LastAudit:
    """Return the findings of both. One with a code of the earlier audit is taken for a finding of that audit."""
    return replace(
        last,
        findings=before.findings + sum(one.code not in before.codes for one in found),
        codes=tuple(dict.fromkeys((*before.codes, *last.codes))),
        unusable=tuple(dict.fromkeys((*before.unusable, *last.unusable))),
        since=None,
    )


def last_audit(cache: Path, model: str) -> LastAudit | None:
    """Return the outcome of the last audit that used this cache folder; None if there is none that can be read."""
    try:
        kept = json.loads(_path(cache, model).read_text("utf-8"))
        return LastAudit(
            at=kept["at"],
            findings=kept["findings"],
            codes=tuple(kept["codes"]),
            unusable=tuple(kept.get("unusable", ())),  # not kept by earlier releases
            since=kept.get("since"),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(cache: Path, model: str) -> Path:
    return cache / _FOLDER / f"{quote(model, safe='')}.json"
