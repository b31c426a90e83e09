"""A folder whose files change while it is digested or read: digest and rows are of the same files, or it is refused."""

import os
import re

import pytest
from recipes import synthetic_rows
from situation import settings_at
from sources import write_folder

from promotion import row_readers
from promotion.data_folders import data_digest
from promotion.errors import DataError
from promotion.registry import file_digests
from promotion.registry.data import Reader

CHANGES = {
    "added after those that were read": (lambda parts: more(parts, "part-9"), "part-9.parquet"),
    "added before those that were read": (lambda parts: more(parts, "part-00"), "part-00.parquet"),
    "read, and removed": (lambda parts: (parts / "part-0.parquet").unlink(), "part-0.parquet"),
    "removed before it is read": (lambda parts: (parts / "part-1.parquet").unlink(), "part-1.parquet"),
    "read, and changed": (lambda parts: more(parts, "part-0"), "part-0.parquet"),
    "changed before it is read": (lambda parts: more(parts, "part-1"), "part-1.parquet"),
    "half written": (lambda parts: os.truncate(parts / "part-1.parquet", 500), "part-1.parquet"),
    "renamed": (
        lambda parts: (parts / "part-1.parquet").rename(parts / "part-2.parquet"),
        "part-1.parquet, part-2.parquet",
    ),
}


def more(parts, name):
    rows = synthetic_rows(100, seed=5).assign(id=lambda rows: rows["id"] + 1_000_000)
    rows.to_parquet(parts / f"{name}.parquet", index=False)


@pytest.fixture
def parts(tmp_path):
    return write_folder(synthetic_rows(), tmp_path / "parts")


@pytest.mark.parametrize("data", ["parts", "parts/*.parquet"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_that_changes_while_it_is_read_is_refused(parts, tmp_path, monkeypatch, data, change):
    happens, named = CHANGES[change]
    read = row_readers._rows_of_file

    def first_of(path, columns):
        rows = read(path, columns)
        if path.name == "part-0.parquet":
            happens(parts)
        return rows

    monkeypatch.setattr(row_readers, "_rows_of_file", first_of)
    reader = Reader(settings_at(tmp_path, data=data))
    with pytest.raises(DataError) as raised:
        reader.load("toy")
    assert str(raised.value) == (
        f"{tmp_path / data} changed while it was read ({named}). Wait until it is completely written, and run the "
        "command again."
    )
    monkeypatch.undo()
    if change not in {"half written", "read, and removed", "removed before it is read"}:
        found = reader.load("toy")[1]
        assert found.digest == data_digest(tmp_path / data)


@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_that_changes_while_it_is_digested_is_refused(parts, tmp_path, monkeypatch, change):
    happens, named = CHANGES[change]
    digest = file_digests.data_digest

    def after_listing(path):
        happens(parts)
        return digest(path)

    monkeypatch.setattr(file_digests, "data_digest", after_listing)
    with pytest.raises(DataError, match=rf"parts changed while it was read \({re.escape(named)}\)\. Wait until it is"):
        Reader(settings_at(tmp_path, data="parts")).load("toy")


def test_a_file_that_disappears_after_the_folder_was_listed_is_a_sentence(parts, tmp_path, monkeypatch):
    listed = file_digests.files_of

    def removing(path):
        found = listed(path)
        if len(found) == 2:
            found[-1].unlink()
        return found

    monkeypatch.setattr(file_digests, "files_of", removing)
    found = Reader(settings_at(tmp_path, data="parts")).load("toy")[1]
    assert found.digest == data_digest(parts)
