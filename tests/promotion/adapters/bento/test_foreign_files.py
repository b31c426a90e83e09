"""A store that others wrote into: every read ends, with a result or an error sentence; nothing is written outside."""

import io
import os
import shutil
import socket
import time
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, date, datetime

import bentoml
import numpy as np
import pytest
import yaml
from bentoml._internal.models.model import Model, ModelInfo
from hypothesis import given
from hypothesis import strategies as st
from recipes import ToyRecipe, synthetic_rows
from situation import bentoml_at, snapshot, toy

from promotion.adapters.bento import BentoStore, foreign_files
from promotion.adapters.bento import description as room
from promotion.adapters.bento.shape import unusable
from promotion.errors import PromotionError, StoreError, TornVersion, UnknownName
from promotion.interfaces import ForeignFile, call
from promotion.vocabulary import Stage, Tag

BILLION_LAUGHS = "a: &a [x, x]\n" + "\n".join(
    f"{name}: &{name} [*{before}, *{before}, *{before}, *{before}]"
    for before, name in zip("abcdefghijklm", "bcdefghijklmn", strict=True)
)
MERGED_BOMB = "a: &a {x: 1}\n" + "\n".join(
    f"{name}: &{name}\n  <<: [*{before}, *{before}, *{before}, *{before}]"
    for before, name in zip("abcdefghijklmnopq", "bcdefghijklmnopqr", strict=True)
)
HOSTILE = {
    "empty": b"",
    "half": b"name: toy\nversion: good\nlabels: {stage: pr",
    "binary": bytes(range(256)) * 8,
    "nul": b"name: toy\0",
    "latin-1": "name: töy".encode("latin-1"),
    "utf-16": "name: toy".encode("utf-16"),
    "as large as is read": b"# " + b"x" * (room.LIMIT - 2),
    "deep flow": b"a: " + b"[" * 100_000,
    "deep and closed": b"a: " + b"[" * 50_000 + b"]" * 50_000,
    "deep block": b"- " * 50_000,
    "billion laughs": BILLION_LAUGHS.encode(),
    "merged bomb": MERGED_BOMB.encode(),
    "holds itself": b"&a [*a]",
    "sexagesimal": b"a: 1" + b":1" * 100_000,
    "long number": b"a: " + b"9" * 5000,
    "python tag": b"!!python/object/apply:os.mkdir [been-here]",
    "unknown tag": b"name: !mine toy",
    "no such day": b"a: 2026-02-31",
    "bad binary": b"a: !!binary '***'",
    "bad bool": b"a: !!bool maybe",
    "list": b"- 1\n- 2\n",
    "two documents": b"a: 1\n---\nb: 2\n",
    "unhashable key": b"? [a]\n: b\n",
    "lone surrogate": b'a: "\\ud800"',
}
DEFORMED = {
    "labels: list": {"labels": ["stage"]},
    "labels: none": {"labels": None},
    "labels: word": {"labels": "prod"},
    "metadata: list": {"metadata": [1]},
    "metadata holds null": {"metadata": {"a": None}},
    "version: number": {"version": 1},
    "name: none": {"name": None},
    "context: empty": {"context": {}},
    "signatures: word": {"signatures": "predict"},
    "creation_time: word": {"creation_time": "yesterday"},
    "another version": {"version": "weak"},
    "another model": {"name": "other"},
}


@pytest.fixture
def good(store):
    """The description of `toy:good`, which tests damage."""
    return store.path(toy("good")) / "model.yaml"


def answers(store, tag):
    """What each door says of a version; a value, or the sentence."""

    def said(ask):
        try:
            return ask()
        except PromotionError as error:
            return f"{type(error).__name__}: {error}"

    return {
        "versions": said(lambda: store.versions(tag.model)),
        "get": said(lambda: store.get(tag)),
        "digest": said(lambda: store.digest(tag)),
        "rows": said(lambda: store.training_rows(tag)),
        "write": said(lambda: store.write_stage(tag, Stage.ARCHIVED)),
        "foreign files": said(store.foreign_files),
    }


def assert_named_and_clearable(store, tag):
    """It is torn at every door, the others stay readable, and BentoML lists again once it is in quarantine."""
    before, said = snapshot(store.home), answers(store, tag)
    assert {one.tag: bool(one.torn) for one in said["versions"]} == {
        **{toy(name): False for name in ("good", "noisy", "spoilt", "twin", "weak")},
        tag: True,
    }
    for door in ("get", "digest", "rows", "write"):
        assert said[door].startswith(f"TornVersion: {tag} "), said[door]
        assert said[door].endswith("out of the store.")
    assert snapshot(store.home) == before
    (foreign,) = said["foreign files"]
    assert foreign.path == store.path(tag)
    store.quarantine(foreign)
    assert store.foreign_files() == ()
    assert {one.tag.version for one in store.versions("toy")} == {"good", "noisy", "spoilt", "twin", "weak"} - {
        tag.version
    }
    assert listed_by_bentoml(store) == {str(one.tag) for one in store.versions("toy")}


def listed_by_bentoml(store):
    with bentoml_at(store.home):
        return {str(model.tag) for model in bentoml.models.list()}


@pytest.mark.slow
@pytest.mark.parametrize("content", HOSTILE.values(), ids=list(HOSTILE))
def test_no_description_hangs_crashes_or_runs_anything(store, good, content):
    good.write_bytes(content)
    began = time.process_time()
    assert_named_and_clearable(store, toy("good"))
    assert time.process_time() - began < 60, "it ends; a bomb would not"
    assert not (store.home / "been-here").exists()


@pytest.mark.parametrize("change", DEFORMED.values(), ids=list(DEFORMED))
def test_a_description_of_the_wrong_shape_is_torn(store, good, change):
    good.write_text(yaml.safe_dump({**yaml.safe_load(good.read_text()), **change}))
    assert_named_and_clearable(store, toy("good"))


@pytest.mark.parametrize("kind", ["missing", "folder", "dangling", "loop", "pipe", "socket"])
def test_what_stands_in_place_of_the_description_is_not_waited_for(store, good, kind, monkeypatch):
    good.unlink()
    if kind == "folder":
        good.mkdir()
    elif kind == "dangling":
        good.symlink_to("nowhere")
    elif kind == "loop":
        good.symlink_to(good.name)
    elif kind == "pipe":
        os.mkfifo(good)
    elif kind == "socket":
        monkeypatch.chdir(good.parent)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(good.name)
    assert_named_and_clearable(store, toy("good"))


@pytest.mark.parametrize(
    ("stage", "shown"),
    [
        ("prod", "prod"),
        ("", ""),
        ("champion", "champion"),
        (1, "1"),
        (True, "True"),
        (["prod"], "['prod']"),
        (None, "None"),
    ],
)
def test_a_label_of_any_kind_is_read_as_bentoml_reads_it_and_can_be_written_over(store, good, stage, shown):
    description = yaml.safe_load(good.read_text())
    description["labels"]["stage"] = stage
    good.write_text(yaml.safe_dump(description))
    with bentoml_at(store.home):
        assert bentoml.models.get("toy:good").info.labels["stage"] == shown == store.get(toy("good")).stage
    store.write_stage(toy("good"), Stage.STAGING)
    assert yaml.safe_load(good.read_text())["labels"] == {"owner": "tests", "stage": "staging"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("labels:\n  stage: staging # by hand\n  owner: me\n", "labels:\n  stage: prod # by hand\n  owner: me\n"),
        ("labels: {owner: me, 'stage': \"staging\"}\n", "labels: {owner: me, 'stage': prod}\n"),
        ("labels: {}\n", "labels: {stage: prod}\n"),
        ("labels: {owner: me}\n", "labels: {stage: prod, owner: me}\n"),
        ("labels:\n    owner: me\n", "labels:\n    stage: prod\n    owner: me\n"),
        ("labels:\n  owner: me\n  stage:\n", "labels:\n  owner: me\n  stage: prod\n"),
        ("labels:\r\n  stage: staging\r\n", "labels:\r\n  stage: prod\r\n"),
    ],
)
def test_only_the_word_changes_so_that_comments_order_and_spelling_stay(store, good, before, after):
    rest = good.read_text().replace("labels:\n  owner: tests\n  stage: staging\n", "")
    rest += "extra: [1_000, 0o7, 2026-11-22, 1e-5, .5, ~, yes] # as it was\n"
    good.write_bytes((before + rest).encode())
    digest = store.digest(toy("good"))
    store.write_stage(toy("good"), Stage.PROD)
    assert good.read_bytes().decode() == after + rest
    assert store.digest(toy("good")) == digest


@pytest.mark.parametrize(
    "labels",
    [
        "labels: &l\n  stage: |\n    staging\n",
        "x: &x staging\nlabels:\n  stage: *x\n",
        "x: &x {stage: staging}\nlabels: *x\n",
        "x: &x {stage: staging}\nlabels: {<<: *x, owner: me}\n",
    ],
)
def test_where_yaml_has_finer_points_the_whole_is_written_anew(store, good, labels):
    rest = good.read_text().replace("labels:\n  owner: tests\n  stage: staging\n", "")
    good.write_text(labels + rest)
    before = yaml.safe_load(good.read_text())
    store.write_stage(toy("good"), Stage.PROD)
    assert yaml.safe_load(good.read_text()) == {**before, "labels": {**before["labels"], "stage": "prod"}}
    assert listed_by_bentoml(store) == {f"toy:{name}" for name in ("good", "noisy", "spoilt", "twin", "weak")}


class TestWhatIsNoVersion:
    @pytest.mark.parametrize(
        "place",
        [
            "models/.cache",
            "models/Upper",
            "models/lost+found",
            "models/a b",
            "models/" + "x" * 64,
            "models/-toy",
            "models/t\u00f6y",
            "models/toy/.ipynb_checkpoints",
            "models/toy/Upper",
            "models/toy/" + "x" * 64,
            "models/toy/v\n1",
            "models/toy/torn",
            "models/new/torn",
        ],
    )
    def test_folders_that_make_bentoml_fail_are_named_and_moved_out_whole(self, store, place):
        folder = store.home / place
        folder.mkdir(parents=True)
        (folder / "precious").write_text("kept")
        with bentoml_at(store.home), pytest.raises(Exception):  # noqa: B017, PT011 - whatever BentoML raises
            bentoml.models.list()

        (foreign,) = store.foreign_files()
        assert foreign.path == folder
        assert foreign.why
        placed = store.quarantine(foreign)
        assert not folder.exists()
        assert placed.is_relative_to(store.home / "quarantine")
        assert (placed / "precious").read_text() == "kept"
        assert store.foreign_files() == ()
        assert len(listed_by_bentoml(store)) == 5
        placed.rename(folder)
        assert [one.path for one in store.foreign_files()] == [folder]

    def test_those_of_one_model_are_found_without_reading_the_versions_of_others(self, store, monkeypatch):
        """An audit of a thousand models looks at each version once, not a thousand times."""
        for place in ("toy/torn", "toy/.cache", "pet/torn", "new/Vendor", ".cache"):
            (store.home / "models" / place).mkdir(parents=True)
        everything, read, done = store.foreign_files(), room.read, []
        assert len(everything) == 5
        monkeypatch.setattr(foreign_files, "read", lambda path, tag: done.append(tag.model) or read(path, tag))
        for model in ("toy", "pet", "new", "absent"):
            assert store.foreign_files(model) == tuple(one for one in everything if one.model in {model, None})
        assert (done.count("toy"), done.count("pet")) == (6, 1)

    def test_bytes_that_are_no_text_are_shown_all_the_same(self, store):
        folder = os.fsencode(store.home / "models") + b"/\xff\xfe"
        os.mkdir(folder)  # noqa: PTH102 - no Path is made of bytes
        (foreign,) = store.foreign_files()
        str(foreign).encode("utf-8")
        store.quarantine(foreign)
        assert len(listed_by_bentoml(store)) == 5

    def test_a_folder_in_place_of_latest_is_moved_out_and_saves_work_again(self, store):
        latest = store.home / "models" / "toy" / "latest"
        latest.unlink(missing_ok=True)
        latest.mkdir()
        (foreign,) = store.foreign_files()
        assert "is a folder, but must be a file" in foreign.why
        assert "latest" not in {one.tag.version for one in store.versions("toy")}
        with pytest.raises(UnknownName):
            store.get(toy("latest"))
        store.quarantine(foreign)
        assert store.foreign_files() == ()

    @pytest.mark.parametrize("content", [None, b"", b"gone", b"\xff"])
    def test_the_file_latest_may_say_what_it_likes(self, store, content):
        latest = store.home / "models" / "toy" / "latest"
        latest.unlink(missing_ok=True)
        if content is not None:
            latest.write_bytes(content)
        (store.home / "models" / "stray-file").write_text("")
        (store.home / "models" / "toy" / "Stray File").write_text("")
        assert len(store.versions("toy")) == 5
        assert store.foreign_files() == ()
        assert len(listed_by_bentoml(store)) == 5

    def test_two_of_one_name_lie_side_by_side_in_quarantine(self, store):
        places = set()
        for number in range(2):
            torn = store.path(toy("torn"))
            torn.mkdir()
            (torn / "number").write_text(str(number))
            places.add(store.quarantine(ForeignFile(path=torn, why="")))
        assert {(place / "number").read_text() for place in places} == {"0", "1"}

    def test_one_that_is_gone_is_no_error_and_leaves_nothing_behind(self, store):
        before = snapshot(store.home)
        assert store.quarantine(ForeignFile(path=store.path(toy("gone")), why="")) is None
        assert list((store.home / "quarantine").iterdir()) == []
        assert snapshot(store.home) == before

    def test_a_disk_that_refuses_the_move_says_so_and_nothing_moves(self, store, monkeypatch):
        def refuse(*_):
            raise OSError(18, "Invalid cross-device link")

        torn = store.path(toy("torn"))
        torn.mkdir()
        monkeypatch.setattr("pathlib.Path.rename", refuse)
        with pytest.raises(
            StoreError,
            match=r"\(Invalid cross-device link\); nothing was changed there\. Its folders 'models', 'tmp' and 'quarantine' must be on one file system",
        ):
            store.quarantine(store.foreign_files()[0])
        assert torn.is_dir()
        assert list((store.home / "quarantine").iterdir()) == []

    def test_a_warning_is_given_where_bentoml_may_be_saving_just_now(self, store):
        store.path(toy("new")).mkdir()
        (foreign,) = store.foreign_files()
        assert foreign.why.endswith(" s ago: check that no save is running)")
        os.utime(foreign.path, (1, 1))
        assert store.foreign_files()[0].why.endswith("while it is there")


class TestLinks:
    @pytest.fixture
    def elsewhere(self, store, tmp_path):
        """`toy:good` is outside the store, and a link leads there."""
        shutil.move(store.path(toy("good")), tmp_path / "elsewhere")
        store.path(toy("good")).symlink_to(tmp_path / "elsewhere")
        return tmp_path / "elsewhere"

    def test_nothing_is_written_through_a_linked_version_and_it_is_left_where_bentoml_reads_it(self, store, elsewhere):
        before = snapshot(elsewhere)
        said = answers(store, toy("good"))
        assert said["write"] == (
            "TornVersion: toy:good is reached through a symbolic link, and `promotion` never writes through a link. "
            f"Replace the link with the files, or move {store.path(toy('good'))} out of the store."
        )
        assert said["foreign files"] == ()
        assert snapshot(elsewhere) == before
        assert len(listed_by_bentoml(store)) == 5

    def test_a_link_to_something_torn_is_moved_and_what_it_leads_to_stays(self, store, elsewhere):
        (elsewhere / "model.yaml").unlink()
        before = snapshot(elsewhere)
        (foreign,) = store.foreign_files()
        assert store.quarantine(foreign).is_symlink()
        assert snapshot(elsewhere) == before
        assert len(listed_by_bentoml(store)) == 4

    def test_deleting_a_linked_version_removes_the_link_alone(self, store, elsewhere):
        before = snapshot(elsewhere)
        store.delete(toy("good"))
        assert not store.path(toy("good")).is_symlink()
        assert snapshot(elsewhere) == before

    def test_nothing_is_written_into_a_linked_model(self, store, tmp_path):
        (store.home / "models" / "toy").rename(tmp_path / "elsewhere")
        (store.home / "models" / "toy").symlink_to(tmp_path / "elsewhere")
        before = snapshot(tmp_path / "elsewhere")
        with pytest.raises(TornVersion, match="`promotion` never writes through a link"):
            store.write_stage(toy("good"), Stage.PROD)
        assert snapshot(tmp_path / "elsewhere") == before

    def test_a_linked_description_is_read_and_replaced_by_a_file_of_its_own(self, store, good, tmp_path):
        good.rename(tmp_path / "outside.yaml")
        good.symlink_to(tmp_path / "outside.yaml")
        before = (tmp_path / "outside.yaml").read_bytes()
        store.write_stage(toy("good"), Stage.PROD)
        assert (store.get(toy("good")).stage, good.is_symlink()) == ("prod", False)
        assert (tmp_path / "outside.yaml").read_bytes() == before

    @pytest.mark.parametrize("kind", ["file", "folder", "pipe", "dangling"])
    def test_files_that_nobody_can_vouch_for_have_no_digest(self, store, tmp_path, kind):
        (tmp_path / "payload").mkdir()
        inside = store.path(toy("good")) / "parts"
        if kind == "pipe":
            os.mkfifo(inside)
        else:
            inside.symlink_to({"file": __file__, "folder": tmp_path / "payload", "dangling": "nowhere"}[kind])
        with pytest.raises(
            StoreError, match=r"toy/good holds 'parts', which is not a regular file with a readable name, so"
        ):
            store.digest(toy("good"))

    def test_training_rows_that_are_a_pipe_are_not_waited_for(self, store):
        rows = store.path(toy("good")) / "training_rows.2.npy"
        rows.unlink()
        os.mkfifo(rows)
        with pytest.raises(StoreError, match=r"training_rows\.2\.npy cannot be read"):
            store.training_rows(toy("good"))


@contextmanager
def as_somebody_else():
    """In a forked child that is no root; what it asserts must hold there."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
            yield True
            code = 0
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    yield False
    assert os.waitpid(child, 0)[1] == 0


class TestPermissions:
    @pytest.fixture
    def open_to_all(self, store, tmp_path):
        """Lets anyone reach and read the store."""
        for folder in tmp_path.parents:
            if folder.stat().st_uid == os.geteuid():
                folder.chmod(folder.stat().st_mode | 0o755)
        tmp_path.chmod(0o755)
        for one in store.versions("toy"):
            one.path.chmod(0o755)
        return store

    def test_a_description_that_one_may_not_read_is_told_and_not_taken_for_torn(self, open_to_all, good):
        store = open_to_all
        good.chmod(0)
        with as_somebody_else() as here:
            if here:
                found = {one.tag.version: one.torn for one in store.versions("toy") if one.torn}
                where = store.path(toy("good"))
                assert found == {
                    "good": f"toy:good cannot be read (Permission denied; {good} belongs to root:root, mode 0000). "
                    f"Check that this user can read {where}."
                }
                assert store.foreign_files() == ()
                with pytest.raises(
                    StoreError,
                    match=r"cannot be read at .*model\.yaml \(Permission denied; .*model\.yaml belongs to \w+:\w+, mode 0000\)\. ",
                ) as told:
                    store.write_stage(toy("good"), Stage.PROD)
                assert not isinstance(told.value, TornVersion)

    def test_a_model_that_one_may_not_look_into_leaves_the_others_readable(self, open_to_all):
        store = open_to_all
        (store.home / "models" / "secret").mkdir(mode=0)
        (store.home / "models" / "dotted" / ".cache").mkdir(parents=True)
        with as_somebody_else() as here:
            if here:
                assert store.models() == ("dotted", "secret", "toy")
                assert len(store.versions("toy")) == 5
                assert [foreign.path.name for foreign in store.foreign_files()] == [".cache"]
                with pytest.raises(
                    StoreError,
                    match=r"^The model store cannot be read at .*secret \(Permission denied; .*secret belongs to",
                ):
                    store.versions("secret")
                with pytest.raises(StoreError, match=r"^The model store cannot be read at .*secret"):
                    store.get(Tag("secret", "a"))

    def test_a_store_that_one_may_only_read_refuses_every_write_in_a_sentence(self, open_to_all):
        store = open_to_all
        torn = store.path(toy("torn"))
        torn.mkdir(mode=0o755)
        before = snapshot(store.home)
        with as_somebody_else() as here:
            if here:
                for write in (
                    lambda: store.write_stage(toy("good"), Stage.PROD),
                    lambda: store.delete(toy("good")),
                    lambda: store.quarantine(store.foreign_files()[0]),
                    lambda: store.held("toy").__enter__(),
                ):
                    with pytest.raises(
                        StoreError,
                        match=r"cannot be written at .*\(Permission denied(; .* belongs to .*)?\); nothing was changed there\.$",
                    ):
                        write()
        assert snapshot(store.home) == before

    def test_fingerprints_that_one_may_not_read_are_a_sentence(self, open_to_all):
        recipe = ToyRecipe()
        trained = recipe.train(recipe.split(synthetic_rows(200)).training, step=call)
        keys = np.array([1, 2], dtype=np.uint64)
        tag = open_to_all.save("toy", trained, metadata={}, training_rows=keys, training_groups={"card": keys})
        for kind, by in (("groups", "card"), ("rows", None)):
            for one in open_to_all.path(tag).glob(f"training_{kind}.*"):
                one.chmod(0)
            with as_somebody_else() as here:
                if here:
                    denied = rf"at .*training_{kind}\..*\(Permission denied; .*, mode 0000\)"
                    with pytest.raises(StoreError, match=denied):
                        open_to_all.training_rows(tag, by=by)

    def test_files_that_one_may_not_read_have_no_digest(self, open_to_all):
        store = open_to_all
        (store.path(toy("good")) / "saved_model.pkl").chmod(0)
        with as_somebody_else() as here:
            if here:
                with pytest.raises(StoreError, match=r"at .*saved_model\.pkl \(Permission denied; .*, mode 0000\)"):
                    store.digest(toy("good"))


@pytest.fixture(scope="module")
def fuzzed(trained_store, tmp_path_factory):
    """A store of one whole version, whose description each example damages."""
    home = tmp_path_factory.mktemp("fuzzed") / "bentoml"
    shutil.copytree(trained_store / "models" / "toy" / "good", home / "models" / "toy" / "good")
    store = BentoStore(home)
    store.original = (store.path(toy("good")) / "model.yaml").read_bytes()
    return store


class TestFuzz:
    def hold(self, store, content):
        """What we call whole BentoML lists; no door fails but by a sentence; only the description may change."""
        path = store.path(toy("good")) / "model.yaml"
        path.write_bytes(content)
        (one,) = store.versions("toy")
        assert bool(store.foreign_files()) == bool(one.torn)
        if one.torn is None:
            assert Model.from_path(path.parent).info.labels.get("stage") == one.stage
        digest = None if one.torn else store.digest(toy("good"))
        before = snapshot(store.home)
        said = answers(store, toy("good"))
        key = str(path.relative_to(store.home))
        assert {**snapshot(store.home), key: b""} == {**before, key: b""}
        if one.torn is None:
            assert said["write"] is None
            assert store.get(toy("good")).stage == "archived"
            assert store.digest(toy("good")) == digest
        else:
            assert path.read_bytes() == content

    @given(data=st.data())
    def test_mutations_of_a_real_description(self, fuzzed, data):
        content = bytearray(fuzzed.original)
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(content) - 1))
            end = min(place + data.draw(st.sampled_from([0, 1, 1, 2, 5, 40])), len(content))
            content[place:end] = data.draw(
                st.binary(max_size=3)
                | st.sampled_from([b"&a ", b"*a", b"<<: ", b"- ", b"? ", b"{", b"}", b"[", b"|", b"'", b"#", b"\t", b"!!set ", b"~", b": "])
                | st.sampled_from([bytes(content[:30]), bytes(content[-40:]), b"\nlabels: {stage: prod}\n", b"\nname: toy\n"])
            )  # fmt: skip
            if not content:
                break
        self.hold(fuzzed, bytes(content))

    @given(
        content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
    def test_any_bytes(self, fuzzed, content):
        self.hold(fuzzed, content)

    @given(
        key=st.sampled_from(
            [
                "name",
                "version",
                "module",
                "labels",
                "options",
                "metadata",
                "context",
                "signatures",
                "api_version",
                "creation_time",
            ]
        ),
        value=st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=5)
            | st.dates()
            | st.binary(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
    def test_any_value_in_place_of_a_field(self, fuzzed, key, value):
        description = {**yaml.safe_load(fuzzed.original), key: value}
        self.hold(fuzzed, yaml.safe_dump(description, allow_unicode=True).encode("utf-8", "surrogatepass"))


ABSENT = object()
ODD = [
    None, True, 1, -1, 1.5, "", "x", "01", "batchable", [], [1], [0, 0], [0, 1, 2], ["1", "2"], [None, 1], ["a", "b"],
    [1.7, True], ["batch_dim"], {}, {"a": 1}, {"a": None}, {1: 2}, {"a": [1, None]}, [["a", "b"]], {0: 5, 1: 6}, b"xx",
    date(2022, 1, 1), datetime(2022, 1, 1, tzinfo=UTC), "2022-01-01", "20220401", {(1, 2): 3}, {None: 1}, {1, 2},
    {"a": date(2022, 1, 1)}, [float("inf"), 2], [float("nan"), 1], {"batchable": True, "batch_dim": 0},
]  # fmt: skip
PLACES = [
    *((key,) for key in ("module", "labels", "options", "metadata", "context", "signatures", "api_version")),
    *(("context", key) for key in ("framework_name", "framework_versions", "bentoml_version", "pip_dependencies", "new")),
    *(("signatures", "predict", *more) for more in ((), ("batch_dim",), ("batchable",), ("input_spec",), ("new",))),
    ("creation_time",), ("bentoml_version",), ("tag",), ("new",), ("signatures", 3), ("labels", 1), ("metadata", "k"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=map(repr, PLACES))
def test_what_bentoml_lists_is_whole_and_what_it_cannot_list_is_torn(place):
    """By BentoML's own reader: what it reads is what we read, whatever stands in a key, or nothing does."""
    base = {
        "name": "toy",
        "version": "v1",
        "module": "bentoml.sklearn",
        "labels": {},
        "options": {},
        "metadata": {},
        "context": {"framework_name": "sklearn", "framework_versions": {}},
        "signatures": {"predict": {"batchable": True, "batch_dim": [0, 0]}},
        "api_version": "v1",
        "creation_time": "2022-04-01T00:00:00+00:00",
    }
    for value in (ABSENT, *ODD):
        description = deepcopy(base)
        inner = description
        for key in place[:-1]:
            inner = inner[key]
        inner.pop(place[-1], None)
        if value is not ABSENT:
            inner[place[-1]] = value
        try:
            text = yaml.safe_dump(description)
            read = yaml.safe_load(text)
        except (yaml.YAMLError, TypeError):
            continue
        assert (not unusable(read)) is read_by_bentoml(text), (place, value)


def read_by_bentoml(text):
    try:
        ModelInfo.from_yaml_file(io.StringIO(text))
    except Exception:
        return False
    return True


def deep(levels):
    return [deep(levels - 1)] if levels else 1


READ_TOO = {
    "of 1.0.0a7": {
        "context": {"framework_name": "sklearn", "pip_dependencies": ["scikit-learn==1.0"]},
        "bentoml_version": "1.0.0a7",
    },
    "dimensions as text": {"signatures": {"predict": {"batchable": True, "batch_dim": ["0", "1"]}}},
    "metadata in pairs": {"metadata": [["words", 2]]},
    "a large vocabulary": {"metadata": {"words": [f"word number {n}" for n in range(30_000)]}},
    "deep": {"metadata": {"tree": deep(90)}},
    "a long number": {"metadata": {"n": 10**4000}},
}
LISTED_ONLY = {
    "has a model.yaml of more than 1 MiB": {"metadata": {"words": [f"word number {n}" for n in range(90_000)]}},
    "has a model.yaml that nests deeper than 100 levels": {"metadata": {"tree": deep(300)}},
}


def changed(good, change):
    description = {**yaml.safe_load(good.read_text()), **change}
    text = yaml.safe_dump(description, width=10_000, default_flow_style=None)
    good.write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize("change", READ_TOO.values(), ids=list(READ_TOO))
def test_what_bentoml_lists_is_read_labelled_and_left_where_it_is(store, good, change):
    changed(good, change)
    assert "toy:good" in listed_by_bentoml(store)
    assert store.foreign_files() == ()
    assert store.get(toy("good")).metadata == dict(yaml.safe_load(good.read_text())["metadata"])
    digest = store.digest(toy("good"))
    store.write_stage(toy("good"), Stage.ARCHIVED)
    assert store.get(toy("good")).stage == "archived"
    assert store.digest(toy("good")) == digest


@pytest.mark.slow
@pytest.mark.parametrize(("why", "change"), LISTED_ONLY.items(), ids=list(LISTED_ONLY))
def test_what_bentoml_lists_and_we_do_not_read_is_named_and_left_where_it_is(store, good, why, change):
    changed(good, change)
    assert "toy:good" in listed_by_bentoml(store)
    assert store.foreign_files() == ()
    with pytest.raises(TornVersion, match=rf"^toy:good {why}.* Save the model again with less in its metadata\.$"):
        store.get(toy("good"))


@pytest.mark.parametrize("dimensions", [0, [0], "0", None, [0, None]])
def test_a_dimension_that_bentoml_cannot_read_is_named(store, good, dimensions):
    changed(good, {"signatures": {"predict": {"batchable": True, "batch_dim": dimensions}}})
    with pytest.raises(TornVersion, match="does not describe a model: no usable signatures"):
        store.get(toy("good"))
    assert_named_and_clearable(store, toy("good"))
