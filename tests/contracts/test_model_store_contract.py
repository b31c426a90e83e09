"""The contract of every model store: in memory, and BentoML's folders."""

import re
import threading
from dataclasses import replace

import numpy as np
import pytest
from situation import toy
from sklearn.linear_model import LogisticRegression

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MODEL, MemoryStore
from promotion.errors import DigestMismatch, StoreError, TornVersion, UnknownName
from promotion.interfaces import Claim, Trained
from promotion.row_keys import KEY_FORM
from promotion.vocabulary import Stage, Tag

ROWS = np.array([3, 2**64 - 1, 2], dtype=np.uint64)
CARDS = np.array([7, 5, 7], dtype=np.uint64)
CLAIM = Claim(ledger=64 * "a", place="sqlite:////srv/ü.db", seq=3, hash=64 * "b", since="2026-11-22", by="os:alice")


@pytest.fixture(params=["memory", "bento"])
def handle(request, tmp_path):
    """Opens the test's store again, as another process would."""
    if request.param == "bento":
        return lambda patience=0.1: BentoStore(tmp_path / "bentoml", patience=patience)
    store = MemoryStore()

    def once_more(patience=0.1):
        store.patience = patience
        return store

    return once_more


@pytest.fixture
def store(handle):
    return handle()


def is_shipped(store):
    return isinstance(store, MemoryStore | BentoStore)


def worded(store, sentence):
    """Matches the sentence of the stores that ship; another store words its errors as it likes."""
    return sentence if is_shipped(store) else ""


@pytest.fixture
def stores(handle):
    """Two handles on one store."""
    return handle(), handle()


@pytest.fixture
def change(store):
    """Changes a version behind the store's back: the content of its model file; None removes what makes it whole."""

    def in_memory(tag, content):
        files = {name: one for name, one in store.kept[tag].files.items() if name != MODEL}
        store.kept[tag] = replace(store.kept[tag], files=files if content is None else {**files, MODEL: content})

    def in_folders(tag, content):
        if content is None:
            (store.path(tag) / "model.yaml").unlink()
        else:
            (store.path(tag) / "saved_model.pkl").write_bytes(content)

    return in_memory if isinstance(store, MemoryStore) else in_folders


def fitted(slope=1.0):
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    model.coef_ = np.array([[slope]])
    return model


def save(store, *names, model="toy", slope=1.0, **metadata):
    made = Trained(model=fitted(slope), custom_objects={"words": ["ü"]}, labels={"owner": "Zoë", "stage": "prod"})
    for name in names:
        store.save(
            f"{model}:{name}",
            made,
            metadata=metadata,
            training_rows=ROWS,
            training_groups={"card": CARDS, "t, 1d": ROWS},
        )


def names(versions):
    return [one.tag.version for one in versions]


def everything(store):
    """All that can be read of each whole version."""
    return {
        one.tag: (one, store.size(one.tag), store.digests(one.tag), store.training_rows(one.tag).fingerprints.tolist())
        for model in store.models()
        for one in store.versions(model)
        if not one.torn
    }


def test_a_store_says_its_name_and_how_a_person_deletes_a_version(store):
    assert store.name.endswith(" store")
    assert "toy:a" in store.delete_command.format(tag="toy:a")


def test_a_new_store_is_empty(store):
    assert store.models() == ()
    assert store.versions("toy") == ()
    assert store.claim("toy") is None
    with pytest.raises(UnknownName, match=r"^There is no version of 'toy'\."):
        store.get(toy("a"))


def test_what_is_saved_waits_as_staging_with_labels_and_metadata_for_every_handle(stores):
    first, second = stores
    save(first, "b", "a", version="1.0.1", metrics='{"auc": 0.9}')
    save(first, "a", model="another")

    assert second.models() == ("another", "toy")
    assert names(second.versions("toy")) == ["a", "b"]
    found = second.get(toy("b"))
    assert found == second.versions("toy")[1]
    assert (found.tag, found.stage, found.known_stage, found.torn) == (toy("b"), "staging", Stage.STAGING, None)
    assert found.labels == {"owner": "Zoë", "stage": "staging"}
    assert found.metadata == {"version": "1.0.1", "metrics": '{"auc": 0.9}'}
    assert found.path == second.path(toy("b")) != second.path(toy("a"))


def test_a_version_without_a_name_of_its_own_gets_a_new_one(store):
    made = Trained(model=fitted())
    tags = {store.save("toy", made, metadata={}, training_rows=ROWS) for _ in range(3)}
    assert {one.tag for one in store.versions("toy")} == tags
    assert len(tags) == 3


def test_a_name_that_is_taken_is_refused_and_the_version_stays(store):
    save(store, "a", slope=1.0)
    before = everything(store)
    with pytest.raises(StoreError, match=worded(store, r"^toy:a is already in the .* store and was not changed\.")):
        save(store, "a", slope=2.0)
    assert everything(store) == before


def test_a_model_that_cannot_be_pickled_leaves_nothing(store):
    made = Trained(model=fitted(), custom_objects={"lock": threading.Lock()})
    with pytest.raises(StoreError, match=worded(store, r"cannot (save|pickle) the model \(TypeError: ")):
        store.save("toy:a", made, metadata={}, training_rows=ROWS)
    assert store.versions("toy") == ()


def test_what_is_loaded_is_what_was_saved_whatever_became_of_the_object(stores):
    made = Trained(model=fitted(2.5), custom_objects={"words": (words := ["ü"])})
    tag = stores[0].save("toy:a", made, metadata={}, training_rows=ROWS)
    made.model.coef_[:] = 0
    words.clear()

    for _ in "12":
        loaded = stores[1].load(tag, digest=stores[1].digests(tag).whole)
        assert loaded.model.coef_.tolist() == [[2.5]]
        assert loaded.custom_objects == {"words": ["ü"]}
        loaded.model.coef_[:] = 0


def test_a_version_of_another_digest_is_not_loaded(store, change):
    save(store, "a")
    registered = store.digests(toy("a"))
    change(toy("a"), b"another model")

    assert store.digests(toy("a")).whole != registered.whole
    assert store.digests(toy("a")).files != registered.files
    told = (
        rf"^The files of toy:a are not the ones that were registered \(expected digest {registered.whole[:12]}, found "
    )
    with pytest.raises(DigestMismatch, match=told):
        store.load(toy("a"), digest=registered.whole)
    with pytest.raises(StoreError, match=worded(store, r"^toy:a cannot be loaded \(\w+: ")):
        store.load(toy("a"), digest=store.digests(toy("a")).whole)


def test_digests_tell_files_and_metadata_apart_and_pass_over_labels_and_names(store):
    save(store, "a", run="1")
    save(store, "other", run="2")
    save(store, "steeper", run="1", slope=2.0)
    before = {one: store.digests(toy(one)) for one in ("a", "other", "steeper")}
    store.write_stage(toy("a"), Stage.PROD)

    assert store.digests(toy("a")) == before["a"]
    assert before["a"].files == before["other"].files != before["steeper"].files
    assert len({one.whole for one in before.values()}) == 3


def test_groups_count_in_the_digest_of_all_and_not_in_that_of_the_files(store):
    for name, groups in (("with", {"card": CARDS}), ("without", None)):
        made = Trained(model=fitted())
        store.save(f"toy:{name}", made, metadata={}, training_rows=ROWS, training_groups=groups)
    found = [store.digests(toy(name)) for name in ("with", "without")]
    assert found[0].files == found[1].files
    assert found[0].whole != found[1].whole


def test_a_version_is_as_large_on_any_stage_and_larger_with_more_rows(store):
    for name, rows in (("a", ROWS), ("more", np.arange(1000, dtype=np.uint64))):
        store.save(f"toy:{name}", Trained(model=fitted()), metadata={}, training_rows=rows)
    before = store.size(toy("a"))
    store.write_stage(toy("a"), Stage.ARCHIVED)
    assert store.size(toy("a")) == before
    assert store.size(toy("more")) > before
    if is_shipped(store):  # another store may compress
        assert store.size(toy("more")) == before + 8 * (1000 - len(ROWS))


def test_training_rows_and_the_groups_asked_for_come_back_sorted(store):
    save(store, "a")
    rows = store.training_rows(toy("a"))
    assert (rows.fingerprints.tolist(), rows.form, rows.groups) == (sorted(ROWS.tolist()), KEY_FORM, None)
    assert rows.fingerprints.dtype == np.uint64
    assert store.training_rows(toy("a"), by="card").groups.tolist() == [5, 7]
    assert store.training_rows(toy("a"), by="t, 1d").groups.tolist() == sorted(ROWS.tolist())
    assert store.training_rows(toy("a"), by="customer").groups is None


def test_a_stage_is_written_and_nothing_else(stores):
    save(stores[0], "a", "b", version="1")
    before = everything(stores[0])
    for stage in (*Stage, Stage.STAGING, Stage.STAGING):
        stores[0].write_stage(toy("a"), stage)
        one = stores[1].get(toy("a"))
        assert one == replace(before[toy("a")][0], stage=stage.value, labels={"owner": "Zoë", "stage": stage.value})
    assert everything(stores[1]) == before


def test_versions_are_found_by_stage_and_by_metadata(store):
    save(store, "a", run="prod", place="x")
    save(store, "b", run="prod")
    save(store, "c", run="other")
    store.write_stage(toy("b"), Stage.PROD)
    store.write_stage(toy("c"), Stage.PROD)

    assert names(store.versions("toy", stage=Stage.PROD)) == ["b", "c"]
    assert names(store.versions("toy", metadata={"run": "prod"})) == ["a", "b"]
    assert names(store.versions("toy", metadata={"run": "prod", "place": "x"})) == ["a"]
    assert names(store.versions("toy", stage=Stage.PROD, metadata={"run": "prod"})) == ["b"]
    assert store.versions("toy", metadata={"owner": "Zoë"}) == ()  # `owner` is a label, not metadata
    assert store.versions("another", stage=Stage.PROD) == ()


def test_an_unknown_version_is_named_with_the_nearest(store):
    save(store, "good")
    ways = (
        store.get,
        store.digests,
        store.size,
        store.training_rows,
        lambda tag: store.load(tag, digest=64 * "0"),
        lambda tag: store.write_stage(tag, Stage.PROD),
    )
    for ask in ways:
        with pytest.raises(UnknownName, match=r"^There is no version 'toy:goood'\. Did you mean 'toy:good'\?"):
            ask(toy("goood"))
        with pytest.raises(UnknownName, match=r"^There is no version of 'tooy'\. Did you mean 'toy'\?"):
            ask(Tag("tooy", "good"))


def test_a_torn_version_is_listed_as_such_and_nothing_is_read_or_written_of_it(store, change):
    save(store, "a", "b", version="1")
    store.write_stage(toy("a"), Stage.PROD)
    whole = everything(store)
    change(toy("a"), None)

    torn, other = store.versions("toy")
    assert re.search(worded(store, r"^toy:a has no model\."), torn.torn)
    assert (torn.stage, torn.labels, torn.metadata) == (None, {}, {})
    assert other.torn is None
    assert names(store.versions("toy", metadata={"version": "1"})) == ["b"]
    assert store.versions("toy", stage=Stage.PROD) == ()
    for ask in (store.get, store.digests, store.training_rows, lambda tag: store.write_stage(tag, Stage.PROD)):
        with pytest.raises(TornVersion, match=worded(store, r"^toy:a has no model\.")):
            ask(toy("a"))
    assert everything(store) == {toy("b"): whole[toy("b")]}


def test_what_is_deleted_is_gone_and_may_be_deleted_again(stores):
    save(stores[0], "a", "b")
    for store in stores:
        store.delete(toy("a"))
        assert names(store.versions("toy")) == ["b"]
    with pytest.raises(UnknownName, match=r"^There is no version 'toy:a'\. Did you mean 'toy:b'\?"):
        stores[1].get(toy("a"))
    save(stores[1], "a")
    assert names(stores[0].versions("toy")) == ["a", "b"]


def test_a_claim_is_kept_for_each_model(stores):
    first, second = stores
    later = replace(CLAIM, seq=4, place="elsewhere")
    for claim in (CLAIM, later):
        with first.held("toy"):
            first.write_claim("toy", claim)
        assert second.claim("toy") == claim
    assert second.claim("another") is None
    assert second.models() == ()


def test_who_holds_a_model_keeps_others_from_it_alone(stores):
    first, second = stores
    refused = worded(
        first,
        r"^Another command.* has been writing the labels of 'toy' for 0\.1 seconds\. Run this command again when it has "
        r"finished\. What is recorded stands\.$",
    )

    def held_by_another():
        with pytest.raises(StoreError, match=refused), second.held("toy"):
            pytest.fail("two hold it")
        with second.held("another"):
            done.append("another")

    done = []
    with pytest.raises(RuntimeError, match="a mistake"), first.held("toy"):  # noqa: PT012 - what ends it is the point
        thread = threading.Thread(target=held_by_another)
        thread.start()
        thread.join()
        raise RuntimeError("a mistake")
    assert done == ["another"]
    with second.held("toy"):
        done.append("toy")
    assert done == ["another", "toy"]


def test_of_many_who_read_and_write_a_label_while_they_hold_it_none_is_lost(handle):
    seen = []

    def work():
        store = handle(patience=60)
        for _ in range(10):
            with store.held("toy"):
                claim = store.claim("toy") or replace(CLAIM, seq=0)
                store.write_claim("toy", replace(claim, seq=claim.seq + 1))
                seen.append(claim.seq)

    for one in (threads := [threading.Thread(target=work) for _ in range(4)]):
        one.start()
    for one in threads:
        one.join()
    assert sorted(seen) == list(range(40))
