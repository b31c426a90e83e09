"""Every everyday command reads only the entries that it shows, and shows what it shows when it reads them all."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from promotion.adapters.sql import SqlLedger
from promotion.ledger.chain import chain
from promotion.ledger.checkpoint import checkpoint_of
from promotion.ledger.entries import Move, Registration, TransitionApplied, TransitionPlanned
from promotion.ledger.folding import advance, fold
from promotion.policy import Judged
from promotion.vocabulary import Stage

pytestmark = pytest.mark.slow

VERSIONS, MOST = 750, 200
"""Number of versions in the long ledger, and the largest number of entries that a command may read."""
COMMANDS = {
    "champion": "champion toy --json",
    "champion --at": "champion toy --at {early} --json",
    "status": "status toy",
    "status --json": "status --json",
    "history --limit": "history toy --limit 20 --json",
    "history --since": "history toy --since {late} --json",
    "history --champions": "history toy --champions --limit 5 --json",
    "show TAG": "show toy:v600 --json",
    "show of a champion": "show toy:v700",
    "show DECISION": "show {decision}",
    "report": "report {decision} --out report.html --json",
    "metrics --limit": "metrics toy --limit 20 --json",
    "metrics --since": "metrics toy --since {late} --json",
    "promote --dry-run": "promote toy:noisy --override --reason r --dry-run --json",
    "rollback --dry-run": "rollback toy --to weak --reason r --dry-run --json",
    "gate --dry-run": "gate toy:noisy --dry-run --json",
    "gc --dry-run": "gc toy --dry-run --older-than 0d --json",
    "gc --dry-run by age": "gc toy --dry-run --older-than 12h --json",
}


@pytest.fixture(scope="module")
def words():
    """What stands in the commands: a time, and the id of a decision."""
    return {}


@pytest.fixture
def long(with_champion, command, words):
    """`toy:good` serves, after 3,000 entries on versions that were rejected or promoted, every minute one."""
    assert command("gate", "toy:good")[0] == 0
    ledger = SqlLedger("sqlite:///ledger.db")
    real = ledger.entries("toy")
    state, told = fold("toy", real), next(one.content() for one in reversed(real) if one.kind == "decision")
    start, serving, made = datetime.fromisoformat(real[-1].at), "toy:good", []
    for number in range(VERSIONS + 1):
        tag = f"toy:v{number}" if number < VERSIONS else "toy:good"
        cause = "rollback" if tag == "toy:good" else "promotion" if number % 50 == 0 else "rejection"
        stage = Stage.REJECTED if cause == "rejection" else Stage.PROD
        judged = _judgement(told, tag, serving, number)
        before = Stage.ARCHIVED if tag == "toy:good" else Stage.STAGING
        moves = (Move(tag=tag, before=before, after=stage),)
        if stage is Stage.PROD:
            moves, serving = (*moves, Move(tag=serving, before=Stage.PROD, after=Stage.ARCHIVED)), tag
        digest = judged.decision_digest if cause != "rollback" else None
        bodies = [Registration(tag=tag, digest=f"{number:064x}", stage=Stage.STAGING), judged] if digest else []
        bodies += [TransitionPlanned(cause=cause, moves=moves, champion=serving, reason="r", decision=digest)]
        bodies += [TransitionApplied(planned=state.seq + len(bodies))]
        new = tuple(chain("toy", state.head, bodies, at=start + timedelta(minutes=number), actor="os:alice"))
        state, made = advance(state, *new), [*made, *new]
    ledger.append(made, state.head)
    ledger.mark_mirrored("toy", state.seq)
    ledger.keep(checkpoint_of(state))
    words |= {"early": start.isoformat(), "late": made[-40].at, "decision": made[2001].body["decision_digest"][:12]}
    return ledger


def _judgement(told, tag, serving, number):
    sides = {"challenger": Judged(tag=tag, digest=f"{number:064x}"), "champion": Judged(tag=serving, digest=None)}
    decision = replace(told.decision, **sides)
    return replace(told, tag=tag, decision=decision, decision_digest=decision.digest)


@pytest.fixture
def counted(monkeypatch):
    """The number of entries that each read of the ledger gave."""
    reads, entries = [], SqlLedger.entries

    def counting(ledger, *given, **named):
        found = entries(ledger, *given, **named)
        reads.append(len(found))
        return found

    monkeypatch.setattr(SqlLedger, "entries", counting)
    return reads


def test_commands_read_few_entries_and_show_the_same_as_without_a_checkpoint(long, words, command, counted):
    total = len(long.entries("toy"))
    first = {}
    for name, text in COMMANDS.items():
        counted.clear()
        first[name] = _shown(command, text, words)
        assert sum(counted) <= MOST, f"{name} read {sum(counted)} of {total} entries"
    with closing(sqlite3.connect("ledger.db")) as connection, connection:
        connection.execute("DELETE FROM checkpoints")
    for name, text in COMMANDS.items():
        assert _shown(command, text, words) == first[name], name


def _shown(command, text, words):
    """Exit code and output, without ages and the present time."""
    code, *told = command(*text.format(**words).split())
    return code, *(re.sub(r"\d+ (s|min|h|d)\b|clock says \S+", "", each) for each in told)
