"""An independent check of the state from raw files and tables, with chain and stages computed a second time.

It shares no code with `promotion`, so the library's view is compared with what anyone can read.
"""

import hashlib
import json
import sqlite3
from dataclasses import dataclass, field

import yaml

COLUMNS = "seq, kind, at, actor, body, prev_hash, hash"


@dataclass
class Fold:
    """The state according to the entries, folded by independently written rules."""

    stages: dict = field(default_factory=dict)
    line: list = field(default_factory=list)
    champion: str | None = None
    pending: tuple | None = None
    deleted: set = field(default_factory=set)

    def take(self, seq, kind, body):
        if self.pending:
            assert kind == "transition_applied", (
                f"entry {seq} ({kind}) went past the unfinished entry {self.pending[0]}"
            )
        if kind == "registration":
            assert body["tag"] not in self.stages, f"{body['tag']} is registered twice, again by entry {seq}"
            self.stages[body["tag"]] = body["stage"]
        elif kind == "transition_planned":
            self._plan(seq, body)
        elif kind == "transition_applied":
            assert self.pending, f"entry {seq} applies entry {body['planned']}, and nothing is pending"
            assert self.pending[0] == body["planned"], f"entry {seq} applies {body['planned']}, not {self.pending[0]}"
            self.pending = None

    def _plan(self, seq, body):
        before = self.champion
        for move in body["moves"]:
            if body["cause"] != "repair":  # a repair records the label's stage before, not the ledger's
                found = self.stages[move["tag"]]
                assert found == move["before"], f"entry {seq} was planned from another state: {move}, found {found}"
            self.stages[move["tag"]] = move["after"]
        for tag in body["deletions"]:
            assert tag != body["champion"], f"entry {seq} deletes the champion"
            self.stages[tag] = None
            self.deleted.add(tag)
        self.champion, self.pending = body["champion"], (seq, body, before)
        assert before is None or self.champion, f"entry {seq} left no champion"
        if self.champion != before:
            assert body["moves"][0] == {**body["moves"][0], "tag": self.champion, "after": "prod"}, body
            back = body["cause"] == "rollback" and self.champion in self.line
            kept = len(self.line) - 1 - self.line[::-1].index(self.champion) if back else len(self.line)
            self.line = [*self.line[:kept], self.champion]
        prod = [tag for tag, stage in self.stages.items() if stage == "prod"]
        assert prod == ([self.champion] if self.champion else []), f"after entry {seq} {prod} are in prod"


def check(world, *, settled=True, synced=False):
    """Assert every guarantee on a world that nobody is writing to; returns the fold of its ledger.

    Args:
        world: a `World`.
        settled: whether a command has succeeded since the last interruption, so that nothing may be unfinished.
        synced: whether the mirror has been updated since.
    """
    rows, head = read_ledger(world.ledger_url)
    fold = check_chain(rows, head)
    if settled:
        assert fold.pending is None, f"entry {fold.pending[0]} is still unfinished"
    labels = read_labels(world.root / "bentoml" / "models" / "toy")
    check_labels(fold, labels)
    check_claim(world.root / "bentoml" / "ledgers" / "toy.json", rows, settled=settled)
    check_acknowledged(world.root / "acknowledged", rows, fold, labels)
    if synced:
        check_mlflow(world.root / "mlflow.db", fold)
    return fold


def read_ledger(url):
    """Return the rows in order, and the head's row."""
    wanted = (
        f"SELECT {COLUMNS} FROM entries WHERE model = 'toy' ORDER BY seq",
        "SELECT seq, hash, champion, mirrored FROM heads WHERE model = 'toy'",
    )
    if url.startswith("sqlite:///"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
            rows, heads = [database.execute(text).fetchall() for text in wanted]
        database.close()
    else:
        import psycopg

        with psycopg.connect(url.replace("+psycopg", "")) as database:
            rows, heads = [database.execute(text).fetchall() for text in wanted]
    assert len(heads) == (1 if rows else 0), heads
    return rows, heads[0] if heads else None


def check_chain(rows, head):
    """Check that the chain has no gaps, every hash is right, and the head names the one champion."""
    fold, last = Fold(), "0" * 64
    for number, (seq, kind, at, actor, text, prev_hash, entry_hash) in enumerate(rows, 1):
        assert seq == number, f"entry {number} is missing, found {seq}"
        body = json.loads(text)
        assert text == _canonical(body), f"the body of entry {seq} is not canonical"
        assert prev_hash == last, f"entry {seq} does not follow the one before"
        last = hashlib.sha256(_canonical([1, "toy", seq, kind, at, actor, body, prev_hash]).encode()).hexdigest()
        assert entry_hash == last, f"the hash of entry {seq} is wrong"
        fold.take(seq, kind, body)
    if rows:
        seq, head_hash, champion, mirrored = head
        assert (seq, head_hash) == (len(rows), last), f"the head says {head}, the chain ends at {len(rows)}"
        assert (json.loads(champion)["tag"] if champion else None) == fold.champion, f"the head says {champion}"
        assert mirrored <= seq, f"the mirror is said to be done up to {mirrored} of {seq}"
    return fold


def read_labels(folder):
    """Return the stage of each version; every folder must be whole, or BentoML's own listing fails."""
    labels = {}
    for path in folder.iterdir():
        if path.is_dir():
            assert not path.name.startswith("."), f"{path} makes BentoML's listing fail"
            description = yaml.load((path / "model.yaml").read_text(), Loader=yaml.CSafeLoader)
            assert (description["name"], description["version"]) == ("toy", path.name), f"{path} is torn"
            assert (path / "training_rows.2.npy").exists(), f"{path} is torn"
            labels[f"toy:{path.name}"] = description["labels"]["stage"]
            assert description["labels"].get("owner") == "tests", f"{path} has lost another label"
    return labels


def check_labels(fold, labels):
    """Check that labels equal the stages; in an unfinished transition, the old or new ones, with one or two in prod."""
    moved = {move["tag"]: move["before"] for move in fold.pending[1]["moves"]} if fold.pending else {}
    for tag, stage in fold.stages.items():
        if tag in fold.deleted:
            leaving = fold.pending and tag in fold.pending[1]["deletions"]
            assert tag not in labels or leaving, f"{tag} is deleted and lies there still"
        else:
            expected = {stage, moved.get(tag, stage)}
            assert labels[tag] in expected, f"{tag} is labelled {labels[tag]}, expected {expected}"
    prod = [tag for tag, label in labels.items() if label == "prod"]
    least = 1 if (fold.pending[2] if fold.pending else fold.champion) else 0
    assert least <= len(prod) <= (2 if fold.pending else 1), f"{prod} are labelled prod"


def check_claim(path, rows, *, settled):
    """Check that the store names this ledger, by its first entry and by one that it wrote."""
    if path.exists() or (settled and rows):
        claim = json.loads(path.read_text())
        hashes = [row[-1] for row in rows]
        assert (claim["ledger"], claim["hash"]) == (hashes[0], hashes[claim["seq"] - 1]), f"{claim} is another's"


def check_acknowledged(path, rows, fold, labels):
    """Check that nothing that a command reported as done is lost or recorded twice."""
    entries = [(kind, json.loads(body)) for _, kind, _, _, body, _, _ in rows]
    planned = [body for kind, body in entries if kind == "transition_planned"]
    decisions = {body["decision_digest"] for kind, body in entries if kind == "decision"}
    by_hand = [body["reason"] for body in planned if body["cause"] in {"rollback", "retention"} or not body["decision"]]
    ours = [reason for reason in by_hand if not reason.startswith(("Labels", "No champion"))]
    assert len(ours) == len(set(ours)), "a transition is recorded twice"
    for told in map(json.loads, path.read_text().splitlines()) if path.exists() else ():
        if "reason" in told:
            made = [body for body in planned if body["reason"] == told["reason"]]
            assert [body["champion"] for body in made] == [told["champion"]], f"lost: {told}"
        if "decision" in told:
            assert told["decision"] in decisions, f"lost: {told}"
        if "registered" in told:
            assert told["registered"] in fold.stages, f"lost: {told}"
        if "saved" in told:
            assert told["saved"] in labels or told["saved"] in fold.deleted, f"lost: {told}"


def check_mlflow(path, fold):
    """Check that aliases and stage tags match the ledger, and that no version exists twice."""
    with sqlite3.connect(path) as database:
        tags = database.execute(
            "SELECT version, key, value FROM model_version_tags NATURAL JOIN model_versions "
            "WHERE name = 'toy' AND current_stage != 'Deleted_Internal'"  # MLflow keeps rows of what it deletes
        ).fetchall()
        aliases = dict(database.execute("SELECT alias, version FROM registered_model_aliases WHERE name = 'toy'"))
    database.close()
    names = {version: value for version, key, value in tags if key == "promotion.tag"}
    stages = {names[version]: value for version, key, value in tags if key == "promotion.stage"}
    assert len(names) == len(set(names.values())), f"MLflow holds a version twice: {sorted(names.values())}"
    wanted = {tag: stage for tag, stage in fold.stages.items() if stage}
    assert {tag: stages.get(tag) for tag in wanted} == wanted
    assert names.get(aliases.get("champion")) == fold.champion
    assert names.get(aliases.get("previous")) == (fold.line[-2] if len(fold.line) > 1 else None)


def _canonical(data):
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
