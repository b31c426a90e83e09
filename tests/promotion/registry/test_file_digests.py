"""Digests of data files: taken once per state of the file, and ahead of their use."""

import pytest

from promotion.data_files import file_digest
from promotion.registry import file_digests
from promotion.registry.file_digests import FileDigests


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("id\n1\n")
    return path


def test_a_digest_begun_ahead_is_taken_once(path, monkeypatch):
    read = []
    monkeypatch.setattr(file_digests, "data_digest", lambda path: (read.append(path), file_digest(path))[1])
    digests = FileDigests()
    digests.begin(path)
    assert digests.take(path)[0] == digests.take(path)[0] == file_digest(path)
    assert read == [path]


def test_a_file_that_changed_since_is_digested_again(path):
    digests = FileDigests()
    digests.begin(path)
    path.write_text("id\n1\n2\n")
    assert digests.take(path)[0] == file_digest(path)


def test_without_a_file_the_digest_is_empty(tmp_path):
    digests = FileDigests()
    digests.begin(tmp_path / "none.csv")
    assert digests.take(tmp_path / "none.csv") == ("", ())


def test_a_file_that_cannot_be_read_fails_when_the_digest_is_needed(path, monkeypatch):
    def denied(_path):
        raise PermissionError(13, "denied")

    monkeypatch.setattr(file_digests, "data_digest", denied)
    digests = FileDigests()
    digests.begin(path)
    with pytest.raises(PermissionError, match="denied"):
        digests.take(path)
    monkeypatch.undo()
    assert digests.take(path)[0] == file_digest(path)
