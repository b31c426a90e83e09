"""Long histories without models: real comparisons of simulated scores, decided, promoted and recorded in a ledger."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import numpy as np
from situation import NOON

from promotion import Policy, compare, decide
from promotion.comparison import measure
from promotion.comparison.drawing import draw_curves
from promotion.ledger.chain import chain
from promotion.ledger.entries import (
    Approval,
    Judgement,
    Move,
    Override,
    Registration,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.ledger.folding import advance
from promotion.ledger.state import State
from promotion.policy import Budget, HoldoutUsed, Judged
from promotion.vocabulary import Stage, Verdict

METRICS = ["average_precision", "roc_auc", "brier_score", "log_loss"]
POLICY = Policy.from_toml({
    "primary": {"metric": "average_precision"},
    "guardrails": [{"metric": "roc_auc", "max_loss": 0.02}],
    "floors": [{"metric": "roc_auc", "min": 0.55}],
    "metrics": METRICS,
    "first_model": "floors",
    "min_rows": 100,
    "min_positives": 20,
})  # fmt: skip
VERSIONS = "abcdefghijklmnopqrstuvwxyz234567"


def record_history(
    ledger, model, decisions, *, seed=27, reason="complaints since noon", actor="os:alice", rows=1500, spread=0.1
):
    """Add this many decisions to a model whose skill drifts upward, and return the final state: some promoted, held or
    rejected, and occasionally an approval by a person or a rollback."""
    rng = np.random.default_rng(seed)
    state, at, skill = State(model=model), NOON - timedelta(days=2 * decisions), {}

    def append(*bodies, by=actor):
        nonlocal state, at
        at += timedelta(minutes=7)
        entries = list(chain(model, state.head, bodies, at=at, actor=by))
        state = advance(state, *entries)
        ledger.append(entries, state.head)

    for number in range(decisions):
        at += timedelta(days=2)
        tag = f"{model}:{''.join(rng.choice(list(VERSIONS), 16))}"
        champion = state.champion
        skill[tag] = (skill[champion.tag] if champion else 1.0) + rng.normal(0, spread)
        append(
            Registration(
                tag=tag, digest=f"{number:064x}", stage=Stage.STAGING, version=f"1.0.{number}", data="data/train.csv",
                data_digest="d" * 64, training_rows=40_000, run_id=sha256(tag.encode()).hexdigest()[:32],
            )
        )  # fmt: skip
        judged = _judge(rng, skill, tag, champion, number, rows)
        append(judged)
        if judged.decision.verdict is Verdict.PROMOTE:
            if len(state.line) % 3 == 0:
                append(Approval(tag=tag, decision=judged.decision_digest, approved=True, reason=reason), by="form:bob")
            _move(append, state, tag, "promotion", judged.decision.summary, judged.decision_digest)
        elif judged.decision.verdict is Verdict.REJECT:
            moves = (Move(tag=tag, before=Stage.STAGING, after=Stage.REJECTED),)
            _carry_out(append, state, "rejection", moves, None, judged.decision.summary, judged.decision_digest)
        elif number % 17 == 5:
            append(Override(tag=tag, reason=reason, verdict="hold"), by="os:bob")
            _move(append, state, tag, "promotion", reason, None)
        if state.previous and number % 23 == 11:
            _move(append, state, state.previous, "rollback", reason, None)
    return state


def _move(append, state, tag, cause, reason, decision):
    moves = [Move(tag=tag, before=state.versions[tag].stage, after=Stage.PROD)]
    if state.champion:
        moves.append(Move(tag=state.champion.tag, before=Stage.PROD, after=Stage.ARCHIVED))
    _carry_out(append, state, cause, tuple(moves), tag, reason, decision)


def _carry_out(append, state, cause, moves, champion, reason, decision):
    append(TransitionPlanned(cause=cause, moves=moves, champion=champion, reason=reason, decision=decision))
    append(TransitionApplied(planned=state.seq + 1))


def _judge(rng, skill, tag, champion, number, rows):
    labels = (rng.random(rows) < 0.2).astype(int)
    shared = rng.normal(size=rows)
    sides = {name: _scores(rng, labels, shared, skill[name]) for name in filter(None, (champion and champion.tag, tag))}
    if champion:
        evidence = compare(labels, sides[champion.tag], sides[tag], metrics=METRICS)
    else:
        evidence = measure(labels, sides[tag], metrics=METRICS)
    decision = decide(evidence, POLICY, budget=Budget(alpha=0.05, use=1 + number % 3) if champion else None)
    used = HoldoutUsed(
        digest=f"{number:064d}", data="data/train.csv", data_digest="d" * 64, rows=rows, positives=int(labels.sum()), removed=0,
    )  # fmt: skip
    decision = replace(
        decision,
        challenger=Judged(tag=tag, digest=f"{number:064x}"),
        champion=Judged(tag=champion.tag, digest=champion.digest) if champion else None,
        holdout=used,
    )
    curves = draw_curves(labels, sides[tag], sides[champion.tag] if champion else None)
    return Judgement(tag=tag, decision=decision, decision_digest=decision.digest, curves=curves)


def _scores(rng, labels, shared, skill):
    return 1 / (1 + np.exp(1.5 - skill * labels - 0.8 * shared - 0.4 * rng.normal(size=len(labels))))
