"""The second process of an audit: it finds what one process finds, and what becomes of it."""

import os
import signal

import pytest
from situation import toy

from promotion.adapters.bento import ahead, digest_cache, digest_cached


@pytest.fixture(autouse=True)
def _eager(monkeypatch):
    monkeypatch.setattr(ahead, "FEWEST", 2)
    monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


@pytest.fixture
def alone(monkeypatch):
    """Fails if this process looks at a version itself."""
    monkeypatch.setattr(digest_cache._CachingStore, "_look", lambda _, tag: pytest.fail(f"looked at {tag}"))


def seen(store, tmp_path, spoil=lambda _: None, **options):
    with digest_cached(store.home, tmp_path / "cache", **options) as looking:
        looking.look_ahead("toy")
        spoil(looking)
        versions = looking.versions("toy")
        digests = {str(one.tag): looking.digests(one.tag) for one in versions if not one.torn}
        return versions, digests, looking.foreign_files("toy")


def expected(store):
    versions = store.versions("toy")
    digests = {str(one.tag): store.digests(one.tag) for one in versions if not one.torn}
    return versions, digests, store.foreign_files("toy")


def test_it_sees_what_one_process_sees(store, tmp_path, alone):
    (store.path(toy("weak")) / "model.yaml").unlink()
    for options in ({}, {}, {"full": True}):
        assert seen(store, tmp_path, **options) == expected(store)
    next(store.path(toy("good")).glob("*.pkl")).write_bytes(b"changed")
    assert seen(store, tmp_path) == expected(store)


def killed(looking):
    os.kill(looking._ahead._process.pid, signal.SIGKILL)


def never_started(looking):
    looking.close()


@pytest.mark.parametrize("spoil", [killed, never_started])
def test_if_it_does_not_answer_this_process_looks(store, tmp_path, spoil):
    assert seen(store, tmp_path, spoil) == expected(store)


def test_it_ends_with_the_audit(store, tmp_path):
    with digest_cached(store.home, tmp_path / "cache") as looking:
        looking.look_ahead("toy")
        process = looking._ahead._process
    assert process.poll() is not None


def test_few_versions_need_none(store, tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "FEWEST", 2_000)
    with digest_cached(store.home, tmp_path / "cache") as looking:
        looking.look_ahead("toy")
        assert looking._ahead is None
