"""A mark that a version scored holds as long as everything that scored looks the same."""

import importlib
import json
import shutil
import sys
import time

import pytest

from promotion.adapters.scored import mark_scored, scored_here


@pytest.fixture
def around(tmp_path, monkeypatch):
    """An installed package, and the source file of a recipe that this process has imported."""
    installed, beside = tmp_path / "site-packages", tmp_path / "beside"
    (installed / "lightgbm-4.6.0.dist-info").mkdir(parents=True)
    beside.mkdir()
    (beside / "own_recipe.py").write_text("x = 1\n")
    for place in (installed, beside):
        monkeypatch.syspath_prepend(str(place))
    importlib.import_module("own_recipe")
    monkeypatch.setattr("promotion.adapters.scored.BEGUN", time.time_ns() + 10**12)
    yield tmp_path
    sys.modules.pop("own_recipe", None)


def edited(around, _marks):
    (around / "beside" / "own_recipe.py").write_text("x = 22\n")


def removed(around, _marks):
    (around / "beside" / "own_recipe.py").unlink()


def upgraded(around, _marks):
    info = around / "site-packages" / "lightgbm-4.6.0.dist-info"
    info.rename(info.with_name("lightgbm-4.7.0.dist-info"))


def installed_again(around, _marks):
    (around / "site-packages" / "lightgbm-4.6.0.dist-info" / "RECORD").touch()


def removed_package(around, _marks):
    (around / "site-packages" / "lightgbm-4.6.0.dist-info").rmdir()


def truncated(_around, marks):
    marks.write_bytes(marks.read_bytes()[:-9])


def of_other_values(_around, marks):
    marks.write_text(json.dumps(dict.fromkeys(json.loads(marks.read_text()), 1)))


def a_list(_around, marks):
    marks.write_text("[]")


def no_text(_around, marks):
    marks.write_bytes(b"\xff\xfe")


def too_deep(_around, marks):
    marks.write_text("[" * 200_000)


@pytest.mark.parametrize(
    "change",
    [
        edited,
        removed,
        upgraded,
        installed_again,
        removed_package,
        truncated,
        of_other_values,
        a_list,
        no_text,
        too_deep,
    ],
)
def test_a_mark_ends_with_any_change(around, change):
    cache = around / "cache"
    mark_scored(cache, "a/model", ["v1", "v2"])
    assert [scored_here(cache, "a/model", version) for version in ("v1", "v2", "v3")] == [True, True, False]
    assert not scored_here(cache, "other", "v1")
    (marks,) = (cache / "scored").iterdir()
    change(around, marks)
    assert not scored_here(cache, "a/model", "v1")
    mark_scored(cache, "a/model", ["v3"])
    assert [scored_here(cache, "a/model", version) for version in ("v1", "v2", "v3")] == [False, False, True]


def test_another_interpreter_has_no_marks(around, monkeypatch):
    mark_scored(around, "toy", ["v1"])
    monkeypatch.setattr(sys, "executable", "/opt/other/bin/python")
    assert not scored_here(around, "toy", "v1")


@pytest.mark.parametrize("shadow", ["own_recipe.py", "own_recipe/__init__.py", "json/__init__.py"])
@pytest.mark.parametrize("place", ["beside", "on_the_path", "working"])
def test_a_module_that_is_also_found_elsewhere_ends_a_mark(around, monkeypatch, shadow, place):
    folder = around / place
    folder.mkdir(exist_ok=True)
    mark_scored(around, "toy", ["v1"])
    (folder / "unrelated.py").touch()
    assert scored_here(around, "toy", "v1")
    (folder / shadow).parent.mkdir(exist_ok=True)
    if place == "beside" and shadow == "own_recipe.py":
        shadow = "own_recipe.pyc"
    (folder / shadow).touch()
    if place == "on_the_path":
        assert scored_here(around, "toy", "v1")
        monkeypatch.syspath_prepend(str(folder))
    if place == "working":
        monkeypatch.chdir(folder)
    assert not scored_here(around, "toy", "v1")


def test_a_copy_of_a_project_takes_no_marks_along(around, monkeypatch):
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(around / "beside")])
    monkeypatch.chdir(around / "beside")
    mark_scored(around, "toy", ["v1"])
    assert scored_here(around, "toy", "v1")
    shutil.copytree(around / "beside", around / "copy")
    monkeypatch.chdir(around / "copy")
    assert not scored_here(around, "toy", "v1")


@pytest.mark.parametrize("change", [edited, installed_again])
def test_a_process_marks_nothing_if_code_changed_after_it_began(around, monkeypatch, change):
    monkeypatch.setattr("promotion.adapters.scored.BEGUN", time.time_ns())
    mark_scored(around, "toy", ["v1"])
    assert scored_here(around, "toy", "v1")
    time.sleep(0.05)  # longer than the clock of a file system takes to advance
    change(around, None)
    mark_scored(around, "toy", ["v2"])
    assert not scored_here(around, "toy", "v2")


def test_the_newest_marks_stay_also_those_of_processes_with_less_code(around):
    mark_scored(around, "toy", [f"v{number}" for number in range(500)])
    del sys.modules["own_recipe"]
    mark_scored(around, "toy", [f"w{number}" for number in range(10)])
    assert [scored_here(around, "toy", one) for one in ("w0", "w9", "v0", "v489", "v490")] == [
        True,
        True,
        True,
        True,
        False,
    ]
    edited(around, None)
    assert not scored_here(around, "toy", "w0")


def test_code_without_a_file_does_not_prevent_a_mark(around, monkeypatch):
    monkeypatch.setattr(sys.modules["own_recipe"], "__file__", "<stdin>")
    mark_scored(around, "toy", ["v1"])
    assert scored_here(around, "toy", "v1")


def test_a_folder_that_cannot_be_written_keeps_no_marks(around):
    (around / "scored").write_text("a file")
    mark_scored(around, "toy", ["v1"])
    assert not scored_here(around, "toy", "v1")
