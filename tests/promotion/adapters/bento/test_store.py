import os
import pickle
import shutil
import subprocess
import sys
import threading
from datetime import UTC, date, datetime

import bentoml
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from recipes import ToyRecipe, synthetic_rows
from situation import bentoml_at, snapshot, toy

from promotion.adapters.bento import BentoStore, staging_dir
from promotion.errors import DigestMismatch, StoreError, UnknownName
from promotion.interfaces import Trained, call
from promotion.row_keys import FIRST_FORM, KEY_FORM
from promotion.vocabulary import Stage, Tag

pytestmark = pytest.mark.integration

ROWS = np.array([3, 1, 2], dtype=np.uint64)


class Unpicklable:
    def __reduce__(self):
        raise RuntimeError("this one stays here")


class Burglar:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.fixture
def trained():
    recipe = ToyRecipe()
    return recipe.train(recipe.split(synthetic_rows(200)).training, step=call)


@pytest.fixture
def empty_store(tmp_path):
    return BentoStore(tmp_path / "bentoml")


@pytest.fixture(scope="module")
def shared_store(trained_store, tmp_path_factory):
    """A store whose descriptions each example rewrites."""
    home = tmp_path_factory.mktemp("shared") / "bentoml"
    shutil.copytree(trained_store, home)
    return BentoStore(home)


def description_of(store, tag):
    return yaml.safe_load((store.path(tag) / "model.yaml").read_text("utf-8"))


class TestSave:
    def test_what_is_saved_is_what_bentoml_itself_reads(self, empty_store, trained):
        encoder = {"b": 1, "a": [2.5]}
        given = Trained(
            model=trained.model,
            custom_objects={"ohe_encoder": encoder},
            labels={"owner": "Cerebrium", "stage": "prod"},
            signatures={"predict": {"batchable": True, "batch_dim": 0}},
        )
        tag = empty_store.save("toy", given, metadata={"version": "1.0.1"}, training_rows=ROWS)

        with bentoml_at(empty_store.home):
            (listed,) = bentoml.models.list("toy")
            model = bentoml.models.get("toy:latest")
            fitted = bentoml.sklearn.load_model(str(tag))
        assert str(listed.tag) == str(model.tag) == str(tag)
        assert model.info.labels == {"owner": "Cerebrium", "stage": "staging"}
        assert model.info.metadata == {"version": "1.0.1"}
        assert model.custom_objects["ohe_encoder"] == encoder
        assert (model.info.signatures["predict"].batchable, model.info.signatures["predict"].batch_dim) == (
            True,
            (0, 0),
        )
        assert np.array_equal(fitted.coef_, trained.model.coef_)

    def test_it_comes_back_with_its_training_rows_sorted(self, empty_store, trained):
        tag = empty_store.save("toy", trained, metadata={}, training_rows=ROWS)
        loaded = empty_store.load(tag, digest=empty_store.digest(tag))

        rows = empty_store.training_rows(tag)
        assert (rows.fingerprints.tolist(), rows.form) == ([1, 2, 3], KEY_FORM)
        path = empty_store.path(tag)
        (path / "training_rows.2.npy").rename(path / "training_rows.npy")  # named as in an earlier release
        assert empty_store.training_rows(tag).form == FIRST_FORM
        assert np.array_equal(loaded.model.coef_, trained.model.coef_)
        assert [stored.tag for stored in empty_store.versions("toy")] == [tag]
        assert empty_store.models() == ("toy",)

    def test_nothing_is_left_or_made_elsewhere(self, tmp_path):
        script = (
            "from pathlib import Path; import numpy as np\n"
            "from sklearn.linear_model import LogisticRegression\n"
            "from promotion.adapters.bento import BentoStore; from promotion.interfaces import Trained\n"
            "model = LogisticRegression().fit([[0.], [1.]], [0, 1])\n"
            "BentoStore(Path('store')).save('toy', Trained(model=model), metadata={}, training_rows=np.array([1]))\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, env={**os.environ, "HOME": "home"})

        assert sorted(path.name for path in (tmp_path / "store").iterdir()) == ["models", "tmp"]
        assert list((tmp_path / "store" / "tmp").iterdir()) == []
        assert snapshot(tmp_path / "home") == {}

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("model", "custom_objects", "sentence"),
        [
            (Unpicklable(), {}, r"^BentoML cannot save the model \(RuntimeError: this one stays here\)\.$"),
            (
                None,
                {"thing": Unpicklable()},
                r"^BentoML cannot save the model \(RuntimeError: this one stays here\)\.$",
            ),
        ],
    )
    def test_a_save_that_fails_leaves_no_trace(self, store, trained, model, custom_objects, sentence):
        before = snapshot(store.home)
        broken = Trained(model=model or trained.model, custom_objects=custom_objects)
        with pytest.raises(StoreError, match=sentence):
            store.save("toy", broken, metadata={}, training_rows=ROWS)
        assert snapshot(store.home) == before

    def test_a_full_disk_leaves_no_trace(self, store, trained, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        before = snapshot(store.home)
        monkeypatch.setattr(staging_dir, "sync_tree", full)
        with pytest.raises(
            StoreError, match=r"cannot be written at .*/bentoml \(No space left on device\); nothing was"
        ):
            store.save("toy", trained, metadata={}, training_rows=ROWS)
        assert snapshot(store.home) == before
        with bentoml_at(store.home):
            assert len(bentoml.models.list()) == 5

    def test_a_store_that_cannot_be_written_is_a_sentence(self, tmp_path, trained):
        (tmp_path / "file").write_text("in the way")
        blocked = BentoStore(tmp_path / "file")
        with pytest.raises(StoreError, match=r"^The model store cannot be written at .*file \(Not a directory\)"):
            blocked.save("toy", trained, metadata={}, training_rows=ROWS)


class TestWriteStage:
    def test_keeps_all_else_and_bentoml_sees_it_at_once(self, store):
        before, digest = description_of(store, toy("good")), store.digest(toy("good"))
        store.write_stage(toy("good"), Stage.PROD)

        after = description_of(store, toy("good"))
        assert after == {**before, "labels": {"owner": "tests", "stage": "prod"}}
        assert list(after) == list(before)
        assert store.digest(toy("good")) == digest
        with bentoml_at(store.home):
            assert bentoml.models.get("toy:good").info.labels == {"owner": "tests", "stage": "prod"}
            assert len(bentoml.models.list()) == 5
            bentoml.sklearn.load_model("toy:good")

    def test_writes_nothing_when_the_label_is_there(self, store):
        before = (store.path(toy("good")) / "model.yaml").stat().st_mtime_ns
        store.write_stage(toy("good"), Stage.STAGING)
        assert (store.path(toy("good")) / "model.yaml").stat().st_mtime_ns == before

    @given(
        metadata=st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8),
            st.recursive(
                st.booleans()
                | st.integers()
                | st.floats(allow_nan=False)
                | st.dates(min_value=date(1000, 1, 1))
                | st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.none() | st.just(UTC))  # noqa: DTZ001
                | st.text(st.characters(codec="utf-8"), max_size=8)
                | st.sampled_from(["1e-05", "0o7", "on", "2026-11-22", "~", "1_000", "=", ": ", "\u2028", "ü"]),
                lambda inner: st.lists(inner, max_size=3),
                max_leaves=4,
            ),
            max_size=4,
        )
    )
    def test_any_metadata_survives_and_the_digest_with_it(self, shared_store, metadata):
        store, path = shared_store, shared_store.path(toy("good")) / "model.yaml"
        description = {**description_of(store, toy("good")), "metadata": metadata, "labels": {"stage": "staging"}}
        path.write_text(yaml.safe_dump(description, sort_keys=False), "utf-8")
        before = store.digest(toy("good"))
        store.write_stage(toy("good"), Stage.PROD)

        assert description_of(store, toy("good")) == {**description, "labels": {"stage": "prod"}}
        assert store.digest(toy("good")) == before

    def test_a_disk_that_refuses_leaves_the_old_label(self, store, monkeypatch):
        def refuse(*_):
            raise OSError(30, "Read-only file system")

        before = snapshot(store.home)
        monkeypatch.setattr(os, "replace", refuse)
        with pytest.raises(StoreError, match=r"model\.yaml \(Read-only file system\); nothing was changed there\.$"):
            store.write_stage(toy("good"), Stage.PROD)
        assert snapshot(store.home) == before

    def test_a_reader_never_sees_a_torn_file(self, store):
        seen, stop = set(), threading.Event()
        path = store.path(toy("good")) / "model.yaml"

        def read():
            while not stop.is_set():
                seen.add(yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)["labels"]["stage"])

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(200):
            store.write_stage(toy("good"), (Stage.PROD, Stage.ARCHIVED)[number % 2])
        stop.set()
        reader.join()
        assert seen - {"staging"} == {"prod", "archived"}
        assert sorted(path.name for path in path.parent.iterdir() if path.name.startswith(".")) == []


class TestDigest:
    def test_changes_with_any_byte_of_any_file(self, store):
        folder, whole = store.path(toy("good")), store.digest(toy("good"))
        files = [path for path in folder.rglob("*") if path.is_file() and path.name != "model.yaml"]
        assert {path.name for path in files} >= {"saved_model.pkl", "training_rows.2.npy"}
        for path in files:
            content = path.read_bytes()
            for place in (0, len(content) // 2, len(content) - 1):
                path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
                assert store.digest(toy("good")) != whole
            path.write_bytes(content)
        assert store.digest(toy("good")) == whole

    def test_changes_with_a_file_more_or_renamed_and_with_the_description(self, store):
        folder, digests = store.path(toy("good")), {store.digest(toy("good"))}
        (folder / "more").touch()
        digests.add(store.digest(toy("good")))
        (folder / "more").rename(folder / "other")
        digests.add(store.digest(toy("good")))
        description = description_of(store, toy("good"))
        for change in ({"module": "bentoml.picklable_model"}, {"metadata": {"version": "2"}}, {"labels": {"a": "b"}}):
            (folder / "model.yaml").write_text(yaml.safe_dump({**description, **change}))
            digests.add(store.digest(toy("good")))
        assert len(digests) == 5

    def test_covers_a_file_named_as_the_description_that_lies_elsewhere(self, store):
        whole, hidden = store.digest(toy("good")), store.path(toy("good")) / "parts"
        hidden.mkdir()
        (hidden / "model.yaml").write_text("stage: prod")
        assert store.digest(toy("good")) != whole

    def test_stays_when_a_label_write_was_killed_before_its_rename(self, store):
        """The temporary file that it leaves must not make the champion unloadable."""
        program = """
import os, sys
from pathlib import Path
from promotion.adapters.bento import BentoStore
from promotion.vocabulary import Stage, Tag
os.replace = lambda *_: os.kill(os.getpid(), 9)
BentoStore(Path(sys.argv[1])).write_stage(Tag.parse(sys.argv[2]), Stage.PROD)
"""
        whole = store.digest(toy("good"))
        killed = subprocess.run([sys.executable, "-c", program, store.home, str(toy("good"))], check=False)
        assert killed.returncode == -9
        assert any(path.name.startswith(".model.yaml.") for path in store.path(toy("good")).iterdir())
        assert store.digest(toy("good")) == whole
        assert store.get(toy("good")).stage == "staging"
        store.write_stage(toy("good"), Stage.PROD)
        assert store.get(toy("good")).stage == "prod"

    def test_a_changed_model_is_refused_before_it_is_unpickled(self, store, tmp_path):
        registered = store.digest(toy("good"))
        pickled = store.path(toy("good")) / "saved_model.pkl"
        pickled.write_bytes(pickle.dumps(Burglar(tmp_path / "been here")))

        expected = (
            rf"^The files of toy:good are not the ones that were registered \(expected digest {registered[:12]}, found "
            r"[0-9a-f]{12}\), so it was not loaded\. Restore them from a backup, or retrain\.$"
        )
        with pytest.raises(DigestMismatch, match=expected):
            store.load(toy("good"), digest=registered)
        assert not (tmp_path / "been here").exists()
        store.load(toy("good"), digest=store.digest(toy("good")))
        assert (tmp_path / "been here").exists(), "the trap works, so its silence above says something"


class TestTorn:
    def test_a_folder_without_description_is_named_and_the_others_stay_readable(self, store):
        (store.path(toy("good")) / "model.yaml").unlink()
        with bentoml_at(store.home), pytest.raises(bentoml.exceptions.BentoMLException):
            bentoml.models.list()

        torn = {one.tag.version: one.torn for one in store.versions("toy") if one.torn}
        expected = (
            "toy:good has no model.yaml: its save was cut short, and BentoML cannot list any model while it is there. "
            f"Move the folder {store.path(toy('good'))} out of the store."
        )
        assert torn == {"good": expected}
        with pytest.raises(StoreError, match="its save was cut short"):
            store.get(toy("good"))

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("labels: {stage: prod", "has a model.yaml that cannot be read"),
            ("", "has a model.yaml that does not describe a model"),
            ("- 1\n- 2\n", "has a model.yaml that does not describe a model"),
            ("labels: prod", "has a model.yaml that does not describe a model"),
        ],
    )
    def test_a_half_written_description_is_named(self, store, text, why):
        (store.path(toy("good")) / "model.yaml").write_text(text)
        with pytest.raises(StoreError, match=f"^toy:good {why}"):
            store.get(toy("good"))
        with pytest.raises(StoreError, match=f"^toy:good {why}"):
            store.write_stage(toy("good"), Stage.PROD)
        assert (store.path(toy("good")) / "model.yaml").read_text() == text

    @pytest.mark.slow
    def test_training_rows_that_cannot_be_read_are_a_sentence(self, store):
        (store.path(toy("good")) / "training_rows.2.npy").write_bytes(b"\x93NUMPY")
        with pytest.raises(StoreError, match=r"training_rows\.2\.npy cannot be read \(.*\); restore the version"):
            store.training_rows(toy("good"))

    def test_a_model_of_a_foreign_framework_is_not_loaded(self, store):
        description = {**description_of(store, toy("good")), "module": "os"}
        (store.path(toy("good")) / "model.yaml").write_text(yaml.safe_dump(description))
        with pytest.raises(
            StoreError,
            match=r"^toy:good was saved with the framework 'os', but `promotion` loads only BentoML's own frameworks",
        ):
            store.load(toy("good"), digest=store.digest(toy("good")))


@pytest.mark.parametrize(
    ("tag", "sentence"),
    [
        (toy("goood"), r"^There is no version 'toy:goood'\. Did you mean 'toy:good'\? The model store is /"),
        (Tag("tooy", "good"), r"^There is no version of 'tooy'\. Did you mean 'toy'\? The model store is /"),
    ],
)
def test_an_unknown_tag_names_the_nearest(store, tag, sentence):
    with pytest.raises(UnknownName, match=sentence):
        store.get(tag)


def test_the_versions_saved_with_a_value_are_found_however_it_is_written(store):
    assert [str(one.tag) for one in store.versions("toy", metadata={"version": "good"})] == ["toy:good"]
    assert store.versions("toy", metadata={"name": "good"}) == ()  # among the labels or elsewhere, it does not count
    described = store.path(toy("weak")) / "model.yaml"
    before, metadata, after = described.read_text().partition("metadata:")
    described.write_text(before + metadata + after.replace("version: weak", 'version: "goo\\x64"', 1))
    assert {one.tag.version for one in store.versions("toy", metadata={"version": "good"})} == {"good", "weak"}
    (store.path(toy("good")) / "model.yaml").unlink()
    assert [one.tag.version for one in store.versions("toy", metadata={"version": "good"})] == ["weak"]
