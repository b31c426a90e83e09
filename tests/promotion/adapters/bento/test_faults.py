"""The registry's own writes: whichever operation fails, the store is in its old or its new state."""

import contextlib
import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import bentoml
import numpy as np
import pytest
from filelock import FileLock
from recipes import ToyRecipe, synthetic_rows
from situation import bentoml_at, snapshot, toy

from promotion.adapters import files
from promotion.adapters.bento import staging_dir
from promotion.adapters.bento import store as room
from promotion.adapters.owned_folders import private, sweep
from promotion.errors import StoreError
from promotion.interfaces import Trained, call
from promotion.vocabulary import Stage

ROWS = np.array([3, 1, 2], dtype=np.uint64)


@pytest.fixture(scope="module")
def trained():
    recipe = ToyRecipe()
    return recipe.train(recipe.split(synthetic_rows(200)).training, step=call)


class Fault:
    """Raises at the n-th of the operations that change or secure something."""

    def __init__(self, monkeypatch, error):
        self.n, self.count, self.error = None, 0, error
        for owner, name in (
            (os, "replace"),
            (os, "fsync"),
            (os, "chmod"),
            (Path, "rename"),
            (Path, "mkdir"),
            (tempfile, "mkstemp"),
            (tempfile, "mkdtemp"),
            (np, "save"),
        ):
            monkeypatch.setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, real):
        def operation(*arguments, **options):
            self.count += 1
            if self.count == self.n:
                raise self.error
            return real(*arguments, **options)

        return operation

    def at(self, n):
        self.n, self.count = n, 0


def versions_of(store):
    """All but the file `latest`, which BentoML writes anew where it names a version that is not there."""
    return {name: content for name, content in snapshot(store.home / "models").items() if name != "toy/latest"}


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=["full", "interrupted"]
)
def test_a_save_is_there_whole_or_not_at_all_whatever_operation_fails(store, trained, monkeypatch, error):
    latest = store.home / "models" / "toy" / "latest"
    fault, n, told = Fault(monkeypatch, error), 0, set()
    while True:
        n += 1
        before = versions_of(store)
        fault.at(n)
        try:
            tag = store.save(f"toy:v{n}", trained, metadata={}, training_rows=ROWS)
        except (StoreError, KeyboardInterrupt) as failed:
            told.add(str(failed))
            assert versions_of(store) == before
            assert list((store.home / "tmp").iterdir()) == []
            assert not store.path(toy(f"v{n}")).exists()
            continue
        if fault.count < n:
            break
    fault.at(0)
    assert n > 12, "the operations were met"
    assert all(isinstance(error, KeyboardInterrupt) or "No space left on device" in one for one in told)
    assert store.get(tag).torn is None
    assert latest.read_text() == f"v{n}"
    with bentoml_at(store.home):
        assert len(bentoml.models.list()) == len(store.versions("toy"))


def test_a_label_is_the_old_or_the_new_whatever_operation_fails(store, monkeypatch):
    fault, path = (
        Fault(monkeypatch, OSError(errno.EDQUOT, "Disk quota exceeded")),
        store.path(toy("good")) / "model.yaml",
    )
    seen, told = [], set()
    for n in range(1, 10):
        stage = (Stage.PROD, Stage.ARCHIVED)[n % 2]
        before = store.get(toy("good")).stage
        fault.at(n)
        try:
            store.write_stage(toy("good"), stage)
        except StoreError as failed:
            seen.append(n)
            told.add(str(failed))
            assert store.get(toy("good")).stage in {before, stage.value}
        assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []
    assert seen == [1, 2, 3, 4, 5]
    assert all("(Disk quota exceeded)" in one for one in told)


def test_a_version_that_is_there_already_is_left_as_it_is(store, trained):
    before = snapshot(store.home)
    expected = r"^toy:good is already in the model store and was not changed\. Save under another version name\.$"
    with pytest.raises(StoreError, match=expected):
        store.save("toy:good", trained, metadata={}, training_rows=ROWS)
    assert snapshot(store.home) == before


def test_models_on_another_file_system_are_a_sentence(store, trained, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    before = snapshot(store.home)
    monkeypatch.setattr(Path, "rename", refuse)
    for change in (
        lambda: store.save("toy", trained, metadata={}, training_rows=ROWS),
        lambda: store.delete(toy("good")),
    ):
        with pytest.raises(StoreError, match=r"must be on one file system, because versions are moved by a rename\.$"):
            change()
    assert snapshot(store.home) == before


class TestWhatAWriteKeeps:
    def test_mode_owner_and_extended_attributes(self, store):
        path = store.path(toy("good")) / "model.yaml"
        path.chmod(0o640)
        with contextlib.suppress(PermissionError):
            os.chown(path, 1234, 4321)
        with contextlib.suppress(OSError):
            os.setxattr(path, "user.note", b"by hand")
        before, noted = path.stat(), os.listxattr(path)
        store.write_stage(toy("good"), Stage.PROD)
        after = path.stat()
        assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
        assert os.listxattr(path) == noted
        assert after.st_ino != before.st_ino

    def test_a_new_file_is_as_readable_as_its_folder(self, tmp_path):
        for mode, expected in ((0o755, 0o644), (0o700, 0o600), (0o775, 0o664)):
            tmp_path.chmod(mode)
            files.replace_text(tmp_path / f"latest{mode}", "x")
            assert stat.S_IMODE((tmp_path / f"latest{mode}").stat().st_mode) == expected

    def test_what_a_killed_writer_left_is_cleared_by_the_next_one(self, store):
        left = store.path(toy("good")) / ".model.yaml.x7k2"
        left.write_text("labels: {stage: pr")
        store.write_stage(toy("good"), Stage.PROD)
        assert not left.exists()


class TestLeftovers:
    KILLED = """
import os, sys
from pathlib import Path
from promotion.adapters.bento import BentoStore, store as room
from promotion.vocabulary import Tag
room.sync_folder = lambda *_: os.kill(os.getpid(), 9)
BentoStore(Path(sys.argv[1])).delete(Tag.parse(sys.argv[2]))
"""

    def test_what_a_killed_deletion_left_is_known_and_removed(self, store):
        killed = subprocess.run([sys.executable, "-c", self.KILLED, store.home, "toy:good"], check=False)
        assert killed.returncode == -9
        assert not store.path(toy("good")).exists()
        (leftover,) = store.leftovers()
        assert leftover.path.parent == store.home / "tmp"
        assert leftover.why == "was left by a save or a deletion that was killed"
        store.remove(leftover)
        assert list((store.home / "tmp").iterdir()) == []
        store.remove(leftover)

    def test_what_another_process_is_working_in_is_none_and_cannot_be_removed(self, store):
        with staging_dir.made(store.home) as folder:
            assert store.leftovers() == ()
            store.remove(room.ForeignFile(path=folder, why=""))
            assert folder.is_dir()
        assert not folder.exists()

    WORKING = """
import os, sys
from promotion.adapters.owned_folders import private
with private() as folder:
    (folder / "model").write_text("a copy")
    print(folder, flush=True)
    sys.stdin.read()
"""

    def test_the_copies_of_a_killed_command_go_with_the_next_one_and_no_others(self, monkeypatch, tmp_path):
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr(tempfile, "tempdir", None)
        command = [sys.executable, "-c", self.WORKING]
        started = [subprocess.Popen(command, stdin=-1, stdout=-1, text=True) for _ in range(2)]
        killed, working = (Path(one.stdout.readline().strip()) for one in started)
        (tmp_path / "promotion-notes").mkdir()
        os.utime(tmp_path / "promotion-notes", (1, 1))
        (tmp_path / "promotion-link").symlink_to(killed)
        begun, theirs, new = (tmp_path / f".promotion-{name}" for name in ("begun", "theirs", "new"))
        for folder in (begun, theirs, new):
            folder.mkdir()
            (folder / ("notes" if folder == theirs else ".owned")).touch()
            os.utime(folder, None if folder == new else (1, 1))
        started[0].kill()
        started[0].wait()
        sweep()
        with private() as ours:
            assert {*tmp_path.glob(".promotion-*")} == {theirs, new}
            assert {*tmp_path.glob("promotion-*")} == {
                working, ours, tmp_path / "promotion-notes", tmp_path / "promotion-link"
            }  # fmt: skip
            assert stat.S_IMODE(ours.stat().st_mode) == 0o700
        started[1].communicate()
        assert not working.exists()

    @pytest.mark.parametrize(("age", "left"), [(60 * 60, False), (25 * 60 * 60, True)])
    def test_one_without_an_owner_is_left_until_it_is_a_day_old(self, store, age, left):
        folder = store.home / "tmp" / "saving-older-release"
        folder.mkdir(parents=True)
        then = folder.stat().st_mtime - age
        os.utime(folder, (then, then))
        assert bool(store.leftovers()) is left

    def test_a_link_is_removed_and_what_it_leads_to_stays(self, store, tmp_path):
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "file").write_text("kept")
        with FileLock(tmp_path / "precious" / ".owned"):
            pass
        (store.home / "tmp").mkdir(exist_ok=True)
        (store.home / "tmp" / "link").symlink_to(tmp_path / "precious")
        (leftover,) = store.leftovers()
        store.remove(leftover)
        assert (tmp_path / "precious" / "file").read_text() == "kept"
        assert store.leftovers() == ()

    def test_one_that_cannot_be_removed_is_a_sentence(self, store, monkeypatch):
        folder = store.home / "tmp" / "saving-x"
        folder.mkdir(parents=True)
        (folder / ".owned").touch()

        def refuse(*_):
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(shutil, "rmtree", refuse)
        with pytest.raises(StoreError, match=r"cannot be written at .*saving-x \(Read-only file system\)"):
            store.remove(store.leftovers()[0])


def test_another_writer_is_waited_for_and_then_named(store):
    impatient = room.BentoStore(store.home, patience=0.05)
    expected = (
        rf"^Another command \(process {os.getpid()} of \w+ on .*\) has been writing the labels of 'toy' for 0\.05 "
        r"seconds\. Run this command again when it has finished\. What is recorded stands\.$"
    )
    with store.held("toy"):
        with pytest.raises(StoreError, match=expected), impatient.held("toy"):
            pass
        with impatient.held("other"):
            pass
    with impatient.held("toy"):
        pass


def test_a_model_that_cannot_be_pickled_leaves_the_store_usable(store, trained):
    with pytest.raises(StoreError, match="BentoML cannot save the model"):
        store.save("toy", Trained(model=(row for row in ())), metadata={}, training_rows=ROWS)
    store.save("toy", trained, metadata={}, training_rows=ROWS)
    assert len(store.versions("toy")) == 6
