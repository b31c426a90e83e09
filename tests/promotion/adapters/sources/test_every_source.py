"""Every kind of source: the same rows give the same decision; what changes later does not change what judged."""

import json

import pytest
from recipes import synthetic_rows
from situation import settings_at, toy
from sources import ELSEWHERE, LOCAL, Lies, gcs, s3, web

from promotion.canonical import plain
from promotion.registry.register import Origin
from promotion.rows import fingerprints

__all__ = ["gcs", "s3", "web"]
pytestmark = pytest.mark.integration


@pytest.fixture
def lies(request, tmp_path, rows_file):
    rows_file.unlink()
    lies = Lies(request.param, tmp_path, request)
    lies.put(synthetic_rows())
    return lies


@pytest.fixture
def judged(lies, opened, tmp_path):
    """A registry in which `toy:weak`, then `toy:good` became champion by the rows that lie there."""
    registry = opened(config=settings_at(tmp_path, data=lies.where))
    for version in ("weak", "good"):
        registry.register(toy(version), Origin(data=registry.reader.load("toy")[1]))
        registry.gate(toy(version))
    return registry


def decisions(registry):
    return [entry.content().decision for entry in registry.history("toy") if entry.kind == "decision"]


@pytest.fixture(scope="module")
def by_csv(tmp_path_factory, trained_store):
    """The second decision on the rows as a CSV file."""
    import shutil

    from situation import open_at

    from promotion.adapters.bento import BentoStore
    from promotion.adapters.memory import MemoryMirror

    root = tmp_path_factory.mktemp("csv")
    shutil.copytree(trained_store, root / "bentoml")
    synthetic_rows().to_csv(root / "rows.csv", index=False)
    registry = open_at(settings_at(root), store=BentoStore(root / "bentoml"), mirror=MemoryMirror())
    for version in ("weak", "good"):
        registry.gate(toy(version))
    return decisions(registry)[-1]


@pytest.mark.parametrize("lies", [*LOCAL, *ELSEWHERE], indirect=True)
def test_the_same_rows_give_the_same_fingerprints_and_numbers_from_every_source(lies, judged, by_csv):
    last = decisions(judged)[-1]
    assert last.holdout.digest == by_csv.holdout.digest
    assert plain(last.evidence) == plain(by_csv.evidence)
    recipe, data = judged.reader.load("toy", data=last.holdout.data)
    assert sorted(fingerprints(data.rows[recipe.key])) == sorted(fingerprints(synthetic_rows()["id"]))
    assert [one.code for one in judged.audit("toy", recompute=True) if one.code != "AUD015"] == []


@pytest.mark.parametrize("lies", ELSEWHERE, indirect=True)
def test_what_judged_stays_when_the_source_changes_and_a_changed_byte_is_found(lies, judged, tmp_path):
    used = decisions(judged)[-1].holdout
    lies.put(synthetic_rows(seed=99))
    assert [one.code for one in judged.audit("toy", recompute=True) if one.code != "AUD015"] == []

    kept = tmp_path / used.data
    assert list(kept.parent.iterdir()) == [kept]
    assert kept.parent == tmp_path / ".promotion" / "snapshots"
    assert "s3cret" not in json.dumps([plain(entry.content()) for entry in judged.history("toy")])
    assert used.source
    file = max(kept.rglob("*")) if kept.is_dir() else kept
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)
    found = {f"{one.code} {one.subject}" for one in judged.audit("toy", recompute=True) if one.code != "AUD015"}
    assert found == {f"AUD061 {used.data}", "AUD072 entry 2 (toy:weak)", "AUD072 entry 6 (toy:good)"}


@pytest.mark.parametrize("lies", ["s3 folder", "postgresql"], indirect=True)
def test_without_the_network_a_version_is_promoted_and_audited_by_what_judged(lies, judged, monkeypatch):
    def away(*_):
        raise AssertionError("asked")

    monkeypatch.setattr("promotion.adapters.sources.snapshots.Snapshots.take", away)
    before = decisions(judged)
    judged.promote(toy("weak"), reason="as before", override=True)
    judged.rollback("toy", reason="that was wrong")
    assert decisions(judged) == before


@pytest.mark.parametrize("lies", ["folder", "pattern"], indirect=True)
def test_files_that_come_after_those_that_judged_leave_the_decision_to_be_recomputed(lies, judged, tmp_path):
    kind = "parquet" if lies.kind == "folder" else "csv"
    more = synthetic_rows(100, seed=5).assign(id=lambda rows: rows["id"] + 1_000_000)
    path = tmp_path / "parts" / f"part-9.{kind}"
    more.to_parquet(path, index=False) if kind == "parquet" else more.to_csv(path, index=False)
    found = [f"{one.code} {one.subject}" for one in judged.audit("toy", recompute=True) if one.code != "AUD015"]
    assert found == [f"AUD063 {lies.where}"]
    path.rename(path.with_name(f"part-00.{kind}"))
    assert "AUD061" in {one.code for one in judged.audit("toy", recompute=True)}
