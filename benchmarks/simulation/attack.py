"""(f) An attacker that learns from one holdout's answers: the boosting attack of Blum and Hardt (2015)."""

import math
from dataclasses import dataclass

import numpy as np

import promotion
from promotion.comparison import Comparison
from promotion.policy.budget import Budget
from promotion.vocabulary import Verdict
from simulation.bench import Bench, Outcomes, Results, heading, table
from simulation.rules import ALPHA, gate
from simulation.worlds import Floats, World, population_auc

MARGIN = 0.005
PRIMARY, GUARDED = "average_precision", "roc_auc"
POLICY = promotion.Policy.from_toml(
    {
        "primary": {"metric": PRIMARY},
        "guardrails": [{"metric": GUARDED, "max_loss": MARGIN}],
        "metrics": [PRIMARY],
    }
)
WORLD = World(rows=2_000, prevalence=0.1)
ATTACKERS = (("plain", "gains"), ("fixed", "verdicts"), ("fixed", "gains"), ("gate", "verdicts"), ("gate", "gains"))
RULES = {
    "plain": "new > old",
    "fixed": "fixed 95 % bound",
    "gate": f"gate with budget, guardrail {GUARDED} {MARGIN}",
}
SCALES = ((0.03, 0.1), (0.1, 0.3))


@dataclass(frozen=True, kw_only=True)
class Attack:
    """The boosting attack (described in "The Ladder", ICML 2015) on one holdout.

    Each submission is the champion plus fresh noise, so that it is truly worse. The attacker keeps the noises that
    looked better than the champion, and regularly submits the champion plus their sum. A promoted submission becomes
    the next champion.

    Attributes:
        world: champion and holdout.
        rule: the rule that judges.
        reads: with `verdicts` it keeps what was not rejected, with `gains` what had a gain above zero. The budget
            protects against attackers who see verdicts; gains reveal far more of the holdout, and are shown for
            comparison.
        scale: standard deviation of the noise of one submission, in those of the champion's error.
        boost: standard deviation of the sum of all kept noises, in the same unit.
        uses: number of submissions.
        every: every so many submissions, one is boosted.
    """

    world: World
    rule: str
    reads: str
    scale: float
    boost: float
    uses: int = 100
    every: int = 10

    def submission(self, use: int, kept: np.ndarray) -> Floats:
        """Return the weight of each noise that is added to the champion, shape (uses,)."""
        if kept.any() and (use + 1) % self.every == 0:
            return self.boost * kept / math.sqrt(kept.sum())
        return self.scale * (np.arange(self.uses) == use)

    def verdict(self, comparison: Comparison, use: int) -> Verdict:
        """Return the rule's verdict; uses count from 0."""
        if self.rule == "plain":
            return Verdict.PROMOTE if comparison[PRIMARY].gain > 0 else Verdict.REJECT
        if self.rule == "fixed":
            return gate(comparison, PRIMARY).verdict
        return promotion.decide(comparison, POLICY, alpha=Budget(alpha=ALPHA, use=use + 1.0).level).verdict

    def likes(self, comparison: Comparison, verdict: Verdict) -> bool:
        """Whether the submission looked better than the champion."""
        return comparison[PRIMARY].gain > 0 if self.reads == "gains" else verdict is not Verdict.REJECT


def judge(attack: Attack, rng: np.random.Generator) -> Outcomes:
    """Return the largest fall of the champion's true ROC AUC, and the number of champion changes."""
    labels = attack.world.labels(rng)
    base = attack.world.strength[0] * labels + attack.world.errors(rng, 1)[0]
    noise = rng.standard_normal((attack.uses, len(labels)))
    champion, kept = np.zeros(attack.uses), np.zeros(attack.uses, dtype=bool)
    fall, changes = 0.0, 0
    for use in range(attack.uses):
        added = attack.submission(use, kept)
        challenger = champion + added
        scores = (base + amounts @ noise for amounts in (champion, challenger))
        comparison = promotion.compare(labels, *scores, metrics=[PRIMARY, GUARDED])
        verdict = attack.verdict(comparison, use)
        kept[use] = added[use] > 0 and attack.likes(comparison, verdict)
        if verdict is Verdict.PROMOTE:
            champion, changes = challenger, changes + 1
            fall = max(fall, fallen(attack.world, champion))
    return {("fall",): fall, ("changes",): float(changes)}


def fallen(world: World, champion: Floats) -> float:
    """Return the true loss of ROC AUC in the population, where the noises are independent with variance 1."""
    return population_auc(world.strength[0]) - population_auc(world.strength[0], float(champion @ champion))


def part(bench: Bench) -> None:
    """Print the table of (f)."""
    attacks = [
        Attack(world=WORLD, rule=rule, reads=reads, scale=scale, boost=boost)
        for rule, reads in ATTACKERS
        for scale, boost in SCALES
    ]
    found = bench.simulate(judge, [(attack, 0.01) for attack in attacks])
    heading(
        f"(f) An attacker with {attacks[0].uses} submissions to one holdout ({WORLD}), "
        f"{len(found[attacks[0]]['fall',]):,} runs: how far the champion's true ROC AUC falls from "
        f"{population_auc(WORLD.strength[0]):.4f}. Target of the gate: never by more than the margin, {MARGIN}"
    )
    header = ["rule", "attacker reads", "noise, boosted", "worst fall", "mean fall", "runs with a fall", "changes"]
    table([*header, "verdict"], [_line(bench, attack, results) for attack, results in found.items()])


def _line(bench: Bench, attack: Attack, results: Results) -> list[str]:
    falls, changes = np.array(results["fall",]), np.array(results["changes",])
    verdict = "no target"
    if attack.rule == "gate" and attack.reads == "verdicts":
        what = f"(f) reads {attack.reads}, noise {attack.scale}: true ROC AUC falls by up to {falls.max():.4f}"
        verdict = bench.note("MISSED" if falls.max() > MARGIN else "within", what)
    figures = [f"{falls.max():.4f}", f"{falls.mean():.4f}", f"{(falls > 0).mean():.1%}", f"{changes.mean():.1f}"]
    return [RULES[attack.rule], attack.reads, f"{attack.scale:g}, {attack.boost:g}", *figures, verdict]
