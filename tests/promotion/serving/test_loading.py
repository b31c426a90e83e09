"""What a service says of its store, its code and its sample rows."""

import time

import pytest
from recipes import synthetic_rows
from situation import settings_at, toy
from sources import Lies, web

from promotion.serving import last_verified
from promotion.serving.code import ImportedCode

__all__ = ["web"]
pytestmark = pytest.mark.integration


def until(held):
    limit = time.monotonic() + 60
    while not held():
        assert time.monotonic() < limit
        time.sleep(0.01)


def warned(caplog, about):
    return [one.getMessage() for one in caplog.records if about in one.getMessage()]


def test_a_store_that_cannot_be_written_is_told_once_for_each_champion(
    registry_after_three_champions, serve, monkeypatch, caplog
):
    tried = []

    def read_only(path, text):
        tried.append(path)
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(last_verified, "replace_text", read_only)
    monkeypatch.setattr(last_verified, "_CONFIRM_SECONDS", 0)
    served = serve().wait(60)
    until(lambda: len(tried) > 5)
    registry_after_three_champions.rollback("toy", reason="complaints")
    until(lambda: served.status()["tag"] == "toy:good")
    until(lambda: len(tried) > 20)
    sentences = warned(caplog, "cannot be kept")
    assert [one.split()[0] for one in sentences] == ["toy:twin", "toy:good"]
    assert "as the last verified champion (Read-only file system), so a worker that starts while the" in sentences[0]


def test_rows_of_a_url_warm_up_from_their_snapshot(web, opened, serve, tmp_path, rows_file, request, caplog):
    rows_file.unlink()
    lies = Lies("https", tmp_path, request)
    lies.put(synthetic_rows())
    config = settings_at(tmp_path, data=lies.where)
    registry = opened(config=config)
    registry.gate(toy("good"))
    served = serve(config).wait(60)
    with served.lease() as champion:
        assert "a" in champion.columns
    assert warned(caplog, "is not scored before it serves") == []

    for snapshot in registry.parts.reader.snapshots.folder.iterdir():
        snapshot.unlink()
    with serve(config).wait(60).lease() as champion:
        assert champion.columns == {}
    (said,) = warned(caplog, "is not scored before it serves")
    assert said.startswith("toy:good is not scored before it serves: the last rows of ")
    assert said.endswith(" cannot be read.")


def test_a_changed_file_of_the_recipes_package_is_named(tmp_path, monkeypatch):
    (tmp_path / "ours").mkdir()
    for name in ("__init__", "features"):
        (tmp_path / "ours" / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    __import__("ours.features")
    code = ImportedCode()
    assert code.changed("ours:Recipe") == code.changed("ours:Recipe") == ""
    (tmp_path / "ours" / "features.py").write_text("x = 1")
    expected = f"{tmp_path / 'ours' / 'features.py'} changed after this process imported it. Restart the service."
    assert code.changed("ours:Recipe") == expected
    (tmp_path / "ours" / "features.py").unlink()
    assert code.changed("ours:Recipe") == ""
    assert code.changed("elsewhere:Recipe") == ""
