"""Only registered files are loaded: any change in a version's folder is refused before unpickling."""

import json
import os
import shutil

import pytest
import yaml
from situation import toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.bento import framework as framework_of_store
from promotion.errors import DigestMismatch, StoreError

GOOD = toy("good")
LARGE = 4096


@pytest.fixture
def digest(store):
    return store.digest(GOOD)


@pytest.fixture(autouse=True)
def nothing_is_unpickled(monkeypatch):
    """Fails the test if anything is unpickled, because it was then not refused in time."""

    def load(*arguments):
        pytest.fail("the model was loaded")

    monkeypatch.setattr(framework_of_store, "load", load)


@pytest.fixture
def folder(store):
    return store.path(GOOD)


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def refusal(store, digest):
    with pytest.raises(StoreError) as raised:
        store.load(GOOD, digest=digest)
    return str(raised.value)


@pytest.mark.slow
def test_every_changed_byte_of_every_file_is_refused(store, digest, folder):
    tried = 0
    for path in files_of(folder):
        if path.name == "model.yaml":
            continue
        content = path.read_bytes()
        step = 1 if len(content) <= LARGE else len(content) // 97
        for place in {*range(0, len(content), step), len(content) - 1}:
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert refusal(store, digest).startswith("The files of toy:good are not the ones that were registered")
            tried += 1
        path.write_bytes(content)
    assert tried > 300
    assert store.digest(GOOD) == digest


def test_every_changed_byte_of_the_description_is_refused_or_says_the_same(store, digest, folder):
    path = folder / "model.yaml"
    content = path.read_bytes()
    said = described(content)
    same = 0
    for place in range(len(content)):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        path.write_bytes(changed)
        try:
            unnoticed = store.digest(GOOD) == digest
        except StoreError:
            continue
        if unnoticed:
            same += 1
            assert described(changed) == said
    assert same < len(content) / 10


def described(content):
    return {key: value for key, value in yaml.safe_load(content).items() if key != "labels"}


def test_labels_may_change_and_nothing_beside_them(store, digest, folder):
    path = folder / "model.yaml"
    description = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**description, "labels": {"stage": "prod", "owner": "someone else"}}))
    assert store.digest(GOOD) == digest
    for key in ("metadata", "options", "module", "context"):
        path.write_text(yaml.safe_dump({**description, key: {"other": "1"}}))
        assert refusal(store, digest)


class Changes:
    """Each changes what lies in the folder, by no byte of a file that stays."""

    def file_added(folder):  # noqa: N805 - a namespace of plain functions
        (folder / "extra.py").write_text("")

    def hidden_file_added(folder):  # noqa: N805
        (folder / ".extra").write_text("")

    def file_added_in_a_folder(folder):  # noqa: N805
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "extra.py").write_text("")

    def file_removed(folder):  # noqa: N805
        (folder / "training_rows.2.npy").unlink()

    def model_removed(folder):  # noqa: N805
        (folder / "saved_model.pkl").unlink()

    def file_renamed(folder):  # noqa: N805
        (folder / "training_rows.2.npy").rename(folder / "training_rows.2.npz")

    def files_exchanged(folder):  # noqa: N805
        (folder / "training_rows.2.npy").rename(folder / "kept")
        (folder / "saved_model.pkl").rename(folder / "training_rows.2.npy")
        (folder / "kept").rename(folder / "saved_model.pkl")

    def link_to_the_same_bytes(folder):  # noqa: N805
        kept = shutil.move(folder / "saved_model.pkl", folder.parents[3] / "kept.pkl")
        (folder / "saved_model.pkl").symlink_to(kept)

    def link_that_leads_nowhere(folder):  # noqa: N805
        (folder / "extra").symlink_to("nowhere")

    def link_to_a_folder(folder):  # noqa: N805
        (folder / "extra").symlink_to("/etc")

    def the_folder_a_link_to_a_copy(folder):  # noqa: N805
        kept = shutil.move(folder, folder.parents[3] / "kept")
        folder.symlink_to(kept)

    def pipe_added(folder):  # noqa: N805
        os.mkfifo(folder / "pipe")

    def folder_in_place_of_a_file(folder):  # noqa: N805
        (folder / "saved_model.pkl").unlink()
        (folder / "saved_model.pkl").mkdir()

    def name_that_is_no_text(folder):  # noqa: N805
        (folder / os.fsdecode(b"\xff")).write_text("")


CHANGES = {name: change for name, change in vars(Changes).items() if not name.startswith("_")}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_whatever_is_added_removed_renamed_or_linked_is_refused_in_a_sentence(store, digest, folder, change):
    change(folder)
    sentence = refusal(store, digest)
    assert "toy" in sentence
    assert sentence.endswith(".")
    json.dumps(sentence).encode()


def test_a_digest_is_that_of_the_content_wherever_the_store_lies(store, digest, tmp_path):
    shutil.copytree(store.home, tmp_path / "moved")
    assert BentoStore(tmp_path / "moved").digest(GOOD) == digest
    with pytest.raises(DigestMismatch, match=r"^The files of toy:weak are not the ones that were registered"):
        store.load(toy("weak"), digest=digest)


def test_what_is_unpickled_is_the_copy_that_was_hashed(store, folder, digest, monkeypatch):
    monkeypatch.undo()
    load = framework_of_store.load

    def load_after_a_burglar_came(stored):
        for path in files_of(folder):
            path.write_bytes(b"something else")
        return load(stored)

    monkeypatch.setattr(framework_of_store, "load", load_after_a_burglar_came)
    assert hasattr(store.load(GOOD, digest=digest).model, "coef_")
    with pytest.raises(StoreError):
        store.load(GOOD, digest=digest)
