"""Fault injection: numbers every effect of this process on disk and databases in order.

The code under test does not know about it. A test counts the steps of a clean run, and then kills the process before
each step, or lets each fail; a kill after one step equals a kill before the next.
"""

import builtins
import errno
import io
import os
import signal
import sqlite3
import tempfile
from contextlib import ExitStack, contextmanager
from unittest import mock

from sqlalchemy.exc import OperationalError

FAULTS = {name: getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO")}
_READING = ("sql BEGIN", "sql SELECT", "sql PRAGMA")
_ELSEWHERE = f"{tempfile.gettempdir()}/promotion-"
"""Folders that end with their process."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@contextmanager
def numbered(act=lambda number, name: None):
    """Call `act(number, name)` before each effect, from 1 on; returns the names of the effects, in order."""
    names = []

    def step(name):
        names.append(name)
        act(len(names), name)

    with ExitStack() as stack:
        for name in ("fsync", "replace", "rename", "mkdir", "rmdir", "unlink", "chmod", "link", "symlink"):
            _announce(stack, os, name, step)
        _announce(stack, os, "open", step, counts=lambda _, flags, *more, **__: flags & _WRITING)
        for module in (builtins, io):
            _announce(stack, module, "open", step, counts=_opens_for_writing)
        _announce_sql(stack, step)
        yield names


def kill_at(wanted):
    """Kill the process before that step, like a power failure."""

    def act(number, name):
        if number == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def fail_at(wanted, fault="ENOSPC", *, lasting=False):
    """Let that step fail, alone or with all later ones."""

    def act(number, name):
        if number == wanted or (lasting and number > wanted):
            raise _sql_error() if name.startswith("sql ") else OSError(FAULTS[fault], os.strerror(FAULTS[fault]), name)

    return act


def after_effects(names):
    """The steps that begin from another state than the one before them."""
    steps, changed, writing = [], True, False
    for number, name in enumerate(names, 1):
        if changed:
            steps.append(number)
        if name == "sql COMMIT":
            changed, writing = writing, False
        elif name.startswith(_READING) or _ELSEWHERE in name:
            changed = False
        else:
            changed = True
            writing = writing or name.startswith("sql ")
    return steps


def _announce(stack, module, name, step, *, counts=lambda *_, **__: True):
    real = getattr(module, name)

    def stepping(*args, **kwargs):
        if counts(*args, **kwargs):
            step(f"{module.__name__}.{name} {args[0] if args else ''}")
        return real(*args, **kwargs)

    stack.enter_context(mock.patch.object(module, name, stepping))


def _opens_for_writing(file, mode="r", *_, **__):
    return not isinstance(file, int) and not set(mode).isdisjoint("wax+")


def _announce_sql(stack, step):
    """Announce each statement and each COMMIT of the ledger, and of every engine of SQLAlchemy's: MLflow has one."""
    from sqlalchemy import Engine, event

    from promotion.adapters.sql.connection import Connection

    def statement(connection, cursor, text, *_):
        step(f"sql {' '.join(text.split())[:60]}")

    def commit(connection):
        step("sql COMMIT")

    for name, listener in (("before_cursor_execute", statement), ("commit", commit)):
        event.listen(Engine, name, listener)
        stack.callback(event.remove, Engine, name, listener)

    for name in ("execute", "execute_many", "commit"):
        stack.enter_context(mock.patch.object(Connection, name, _of_ledger(getattr(Connection, name), step)))


def _of_ledger(real, step):
    def stepping(self, text="COMMIT", *values):
        try:
            step(f"sql {' '.join(text.split())[:60]}")
        except OperationalError as error:
            raise error.orig from None  # as the driver raises it
        return real(self, *(() if text == "COMMIT" else (text, *values)))

    return stepping


def _sql_error():
    return OperationalError("", {}, sqlite3.OperationalError("database or disk is full"))
