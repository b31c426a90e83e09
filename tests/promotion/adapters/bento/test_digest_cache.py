"""The digest cache of audits: what it keeps, and when files are read again."""

import os
import shutil
import sqlite3
import subprocess

import pytest
from situation import toy

from promotion.adapters.bento import BentoStore, digest_cache, digest_cached


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    monkeypatch.setattr(digest_cache, "SETTLED_SECONDS", -60.0)


@pytest.fixture
def hashed(monkeypatch):
    """The tags that were hashed."""
    tags, digest = [], BentoStore._hashed
    monkeypatch.setattr(
        BentoStore, "_hashed", lambda self, tag, *given: tags.append(tag.version) or digest(self, tag, *given)
    )
    return tags


def look(store, tmp_path, **options):
    with digest_cached(store.home, tmp_path / "cache", **options) as seen:
        versions = seen.versions("toy")
        assert versions == store.versions("toy")
        assert seen.foreign_files() == store.foreign_files()
        return {one.tag.version: seen.digest(one.tag) for one in versions if not one.torn}


def test_an_unchanged_version_is_hashed_once_and_anew_when_all_is_asked_for(store, tmp_path, hashed):
    first = look(store, tmp_path)
    assert len(hashed) == 5
    assert look(store, tmp_path) == first
    assert len(hashed) == 5
    assert look(store, tmp_path, full=True) == first
    assert len(hashed) == 10
    assert look(store, tmp_path) == first
    assert len(hashed) == 10


def test_a_description_that_changes_after_it_was_looked_at_is_read_again(store, tmp_path):
    path = store.path(toy("good")) / "model.yaml"
    with digest_cached(store.home, tmp_path / "cache") as seen:
        seen.versions("toy")
        before = store.digest(toy("good"))
        assert seen.digest(toy("weak")) == store.digest(toy("weak"))
        path.write_text(path.read_text() + "extra: 1\n")
        assert before != store.digest(toy("good")) == seen.digest(toy("good"))
    with digest_cached(store.home, tmp_path / "cache") as seen:
        assert seen.digest(toy("good")) == store.digest(toy("good"))


def test_both_digests_are_remembered_and_anew_where_an_earlier_release_kept_one(store, tmp_path, hashed):
    look(store, tmp_path)
    with digest_cached(store.home, tmp_path / "cache") as seen:
        assert seen.digests(toy("good")) == store.digests(toy("good"))
    assert len(hashed) == 6  # the store itself hashed the last one
    with sqlite3.connect(tmp_path / "cache" / "digests.db") as cache:
        cache.execute("UPDATE seen SET digest = substr(digest, 1, 64)")
    cache.close()
    for _ in "12":
        with digest_cached(store.home, tmp_path / "cache") as seen:
            assert seen.digests(toy("good")).files is not None
    assert len(hashed) == 7


def grown(path):
    path.write_bytes(path.read_bytes() + b"x")


def same_size_and_time(path):
    before = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def another_file_in_its_place(path):
    shutil.copy2(path, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def one_more(path):
    (path.parent / "more.txt").write_text("more")


@pytest.mark.parametrize("change", [grown, same_size_and_time, another_file_in_its_place, one_more, os.utime])
def test_a_version_with_a_file_that_looks_different_is_hashed_again(store, tmp_path, hashed, change):
    look(store, tmp_path)
    change(next(store.path(toy("good")).glob("*.pkl")))
    hashed.clear()
    found = look(store, tmp_path)
    assert hashed == ["good"]
    assert found["good"] == store.digest(toy("good"))


def test_what_was_written_just_now_is_not_remembered(store, tmp_path, hashed, monkeypatch):
    monkeypatch.setattr(digest_cache, "SETTLED_SECONDS", 3600.0)
    look(store, tmp_path)
    look(store, tmp_path)
    assert len(hashed) == 10


def foreign(file):
    file.parent.mkdir()
    connection = sqlite3.connect(file)
    connection.execute("create table seen (other)")
    connection.commit()
    connection.close()


def corrupt(file):
    file.parent.mkdir()
    file.write_bytes(b"no database" * 100)


@pytest.mark.parametrize(
    "damage", [foreign, corrupt, lambda file: file.mkdir(parents=True), lambda file: file.parent.write_text("a file")]
)
def test_a_cache_that_cannot_be_used_is_none(store, tmp_path, damage):
    expected = {one.tag.version: store.digest(one.tag) for one in store.versions("toy")}
    damage(tmp_path / "cache" / digest_cache.FILE)
    assert look(store, tmp_path) == expected
    assert look(store, tmp_path) == expected


def test_loading_does_not_believe_the_cache(store, tmp_path):
    from promotion.errors import DigestMismatch

    digest = look(store, tmp_path)["good"]
    grown(next(store.path(toy("good")).glob("*.pkl")))
    with digest_cached(store.home, tmp_path / "cache") as seen, pytest.raises(DigestMismatch, match="toy:good"):
        seen.load(toy("good"), digest=digest)


@pytest.mark.parametrize("cached", [True, False])
def test_store_and_cache_on_a_read_only_disk_can_be_audited(store, tmp_path, cached):
    expected = {one.tag.version: store.digest(one.tag) for one in store.versions("toy")}
    if cached:
        look(store, tmp_path)
    (tmp_path / "disk").mkdir()
    mount = ["mount", "-o", "bind,ro", str(tmp_path), str(tmp_path / "disk")]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")
    try:
        assert look(BentoStore(tmp_path / "disk/bentoml"), tmp_path / "disk") == expected
    finally:
        subprocess.run(["umount", str(tmp_path / "disk")], check=True)
