"""The findings of an audit as pages."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from promotion.findings import Finding, Severity
from promotion.report.page import Page, Table, Tone, Words, counted, left, right, row, some

_AGREE = "the ledger, the labels, the files and MLflow agree."
_AGREE_SINCE = "what was checked of the ledger, the labels, the files and MLflow agrees."
_UNCHECKED = (
    "Not checked: entries before {0}, whose results come from the ledger's checkpoint; and the files, data and MLflow "
    "runs of versions that do not serve and that no entry names since then. `promotion audit` without --since checks "
    "everything."
)
_TOLD = 3


def audit_pages(found: Mapping[str, Sequence[Finding]], *, since: datetime | None = None) -> tuple[Page, ...]:
    """Show the findings on one or several models.

    Args:
        found: findings by model.
        since: the time from which the audit checked; None if it checked everything.
    """
    pages = _pages(found, _AGREE_SINCE if since else _AGREE)
    return (
        (*pages, Page(summary=(_UNCHECKED.format(f"{since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"),))) if since else pages
    )


def _pages(found: Mapping[str, Sequence[Finding]], agree: str) -> tuple[Page, ...]:
    amiss = {model: findings for model, findings in found.items() if findings}
    if not amiss:
        name = next(iter(found)) if len(found) == 1 else counted(len(found), "model")
        return (Page(verdict=Words(f"{name}: {agree}", Tone.GOOD)),)
    if len(found) == 1:
        return tuple(_of_one(*next(iter(amiss.items()))))
    return (_models(amiss), *_kinds(amiss), _total(len(found), amiss))


def _of_one(model: str, findings: Sequence[Finding]) -> Iterator[Page]:
    yield Page(verdict=Words(f"{model}: {counted(len(findings), 'finding')}", Tone.BAD))
    yield from (_finding(finding, finding.subject) for finding in findings)


def _models(amiss: Mapping[str, Sequence[Finding]]) -> Page:
    """List the models with findings, one line each."""
    rows = (
        row(model, str(len(findings)), ", ".join(dict.fromkeys(finding.code for finding in findings)))
        for model, findings in amiss.items()
    )
    return Page(tables=(Table(columns=(*left("model"), *right("findings"), *left("codes")), rows=tuple(rows)),))


def _kinds(amiss: Mapping[str, Sequence[Finding]]) -> Iterator[Page]:
    """Show the findings by code; of a code with more than three, the first one and the subjects of others."""
    kinds: dict[str, list[tuple[str, Finding]]] = {}
    for model, findings in amiss.items():
        for finding in findings:
            kinds.setdefault(finding.code, []).append((_subject(model, finding), finding))
    for among in kinds.values():
        if len(among) <= _TOLD:
            yield from (_finding(finding, subject) for subject, finding in among)
        else:
            others = [subject for subject, _ in among[1:]]
            yield _finding(among[0][1], among[0][0], f"  {len(others):,} more like this: {some(others)}")


def _subject(model: str, finding: Finding) -> str:
    return finding.subject if model in finding.subject else f"{model} ({finding.subject})"


def _total(models: int, amiss: Mapping[str, Sequence[Finding]]) -> Page:
    findings = counted(sum(map(len, amiss.values())), "finding")
    sentence = f"{counted(models, 'model')}, {len(amiss)} with problems: {findings}."
    return Page(verdict=Words(sentence, Tone.BAD), summary=("`promotion audit MODEL` shows every finding on a model.",))


def _finding(finding: Finding, subject: str, *more: str) -> Page:
    tone = Tone.BAD if finding.severity is Severity.ERROR else Tone.UNSURE
    lines = (f"  expected: {finding.expected}", f"  found:    {finding.found}", f"  fix:      {finding.mend}")
    return Page(verdict=Words(finding.code, tone), headline=subject, summary=(*lines, *more))
