"""`decide` compared with a second implementation, written from docs/concepts without any of its code."""

import math
from functools import cache
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from promotion import Policy, decide
from promotion.comparison import Comparison, Evaluation, Measurement, MetricComparison, MissingMetric, SliceComparison
from promotion.metrics import Dependence, DrawnAs, Error
from promotion.policy import Budget
from promotion.vocabulary import Direction

LOWER = {"log_loss"}
METRICS = ("roc_auc", "accuracy", "log_loss")
NORMAL = NormalDist()


def second(evidence, policy, use=None):
    """Verdict and outcomes in the order of the page's table: evidence, primary, guardrails, slices, floors."""
    point, alpha = policy["rule"] == "point", round(1 - policy["confidence"], 12)
    level = alpha if point or use is None else alpha * 6 / (math.pi * use) ** 2
    grounds = [*gains(evidence, policy, point, alpha, level), *floors(evidence, policy, point, alpha)]
    enough = rows_enough(evidence, policy)
    return verdict(enough, grounds, decisive="gain" in evidence or bool(policy["floors"])), [*enough, *grounds]


def rows_enough(evidence, policy):
    rarer = min(evidence["positives"], evidence["rows"] - evidence["positives"])
    asked = ((rarer, policy["min_positives"]), (evidence["rows"], policy["min_rows"]))
    outcomes = ["passed" if found >= least else "inconclusive" for found, least in asked]
    if evidence["drawn"] and evidence["drawn"][0] == "groups" and policy["rule"] != "point":
        outcomes.append("inconclusive" if few_groups(evidence, policy) else "passed")
    return outcomes


def few_groups(part, policy):
    """Named groups alone can be too few, and only where chance is considered."""
    kind, effective = part["drawn"] or ("", 0)
    return kind == "groups" and policy["rule"] != "point" and effective < policy["min_groups"]


def gains(evidence, policy, point, alpha, level):
    if "gain" not in evidence:
        without = ["not_applicable"] * (1 + len(policy["guardrails"]) + len(policy["slices"]))
        return without if policy["floors"] and policy["first_model"] == "floors" else [*without, "missing"]
    found, primary = evidence["gain"], policy["primary"]
    metric = found.get(primary["metric"])
    share = primary["min_gain_relative"] * abs(metric["champion"]) if metric else 0
    outcomes = [judged(metric, max(primary["min_gain"], share), point, level)]
    outcomes += [
        relaxed(judged(found.get(rail["metric"]), -rail["max_loss"], point, alpha), rail)
        for rail in policy["guardrails"]
    ]
    return [*outcomes, *slices(evidence, policy, point, alpha)]


def judged(metric, required, point, alpha, value="gain", spread="stderr"):
    """Above when the lower bound is above, below when the upper one is; plain values, and errors of 0, know ties."""
    if metric is None:
        return "missing"
    plain = point or metric[spread] == 0
    sizes = [abs(metric[key]) for key in ("champion", "challenger", "own", "its") if value == "gain" or key == "own"]
    close = 1e-12 * max(abs(metric[value]), abs(required), *sizes)
    if plain and abs(metric[value] - required) <= close:
        return "inconclusive"
    reach = 0 if plain else max(quantile(1 - alpha, dof) * error for error, dof in sureness(metric, spread))
    if metric[value] - reach > required:
        return "passed"
    return "failed" if metric[value] + reach < required else "inconclusive"


def sureness(metric, spread):
    """Standard error and degrees of freedom: of rows or groups; where blocks of time are asked too, of both."""
    return [(metric[spread], metric[f"{spread} dof"]), *metric[f"{spread} beside"]]


@cache
def quantile(share, dof):
    return NORMAL.inv_cdf(share) if dof is None else stats.t.ppf(share, dof)


def relaxed(outcome, rule):
    return "passed" if outcome == "inconclusive" and rule["require"] == "not_worse" else outcome


def slices(evidence, policy, point, alpha):
    outcomes, open_cases = [], []
    for rule in policy["slices"]:
        of_rule = []
        for part in evidence["parts"]:
            metric = part["gain"].get(rule["metric"])
            rarer = min(part["positives"], part["rows"] - part["positives"])
            if part["rows"] < rule["min_rows"] or rarer < rule["min_positives"] or few_groups(part, policy):
                of_rule.append("not_applicable")
                continue
            outcome = judged(metric, -rule["max_loss"], point, alpha)
            if metric and rule["require"] == "not_worse" and not point:
                open_cases.append((chance_of_loss(metric, rule, outcome), len(outcomes) + len(of_rule), outcome))
            of_rule.append(relaxed(outcome, rule))
        judgeable = any(outcome != "not_applicable" for outcome in of_rule)
        outcomes += of_rule if judgeable else [*of_rule, "missing"]
    return holm(outcomes, sorted(open_cases), alpha)


def chance_of_loss(metric, rule, outcome):
    if metric["stderr"] == 0:
        return 0.0 if outcome == "failed" else 1.0
    slack = metric["gain"] + rule["max_loss"]
    return max(
        NORMAL.cdf(slack / error) if dof is None else stats.t.cdf(slack / error, dof)
        for error, dof in sureness(metric, "stderr")
    )


def holm(outcomes, cases, alpha):
    shown = True
    for step, (chance, place, outcome) in enumerate(cases):
        shown = shown and chance <= alpha / (len(cases) - step)
        outcomes[place] = "failed" if shown and outcome != "passed" else "passed"
    return outcomes


def floors(evidence, policy, point, alpha):
    outcomes = []
    for floor in policy["floors"]:
        metric = evidence["own"].get(floor["metric"])
        sign = -1 if floor["metric"] in LOWER else 1
        asked = floor["max" if sign < 0 else "min"]
        turned = metric and metric | {"value": sign * metric["value"]}
        outcomes.append(judged(turned, sign * asked, point, alpha, "value", "own"))
    return outcomes


def verdict(enough, grounds, *, decisive):
    applies = [outcome for outcome in grounds if outcome != "not_applicable"]
    if set(enough) != {"passed"} or "missing" in applies or not decisive:
        return "hold"
    if "failed" in applies:
        return "reject"
    return "promote" if set(applies) == {"passed"} else "hold"


# Numbers on a coarse grid, so that equality is common, and in sums that differ by rounding, such as 0.1 + 0.2.
grid = st.integers(0, 10).map(lambda k: k / 10) | st.sampled_from([0.1 + 0.2, 0.7 - 0.4, 1 - 0.9])
errors = st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.3])
dofs = st.none() | st.sampled_from([1.0, 4.0, 30.5])
besides = st.lists(st.tuples(st.sampled_from([0.01, 0.05, 0.3]), dofs), max_size=1)
draws = st.none() | st.tuples(st.sampled_from(["groups", "blocks"]), st.sampled_from([1.0, 4.99, 5.0, 12.3]))
margins = st.sampled_from([0.0, 0.1, 0.2, 0.30000000000000004])
requires = st.sampled_from(["proven", "not_worse"])
metrics = st.sampled_from(METRICS)


@st.composite
def gained(draw):
    found = {}
    for name in draw(st.sets(metrics, min_size=1).map(sorted)):
        champion, challenger = draw(grid), draw(grid)
        gain = (champion - challenger) if name in LOWER else (challenger - champion)
        spread = draw(errors)
        found[name] = {"champion": champion, "challenger": challenger, "gain": gain, "stderr": spread}
        found[name] |= {"its": draw(errors), "own": draw(errors)}
        for key in ("stderr", "own"):
            found[name] |= {f"{key} dof": draw(dofs), f"{key} beside": draw(besides) if found[name][key] else []}
    return found


@st.composite
def worlds(draw):
    rows = draw(st.integers(0, 1200))
    evidence = {"rows": rows, "positives": draw(st.integers(0, rows)), "parts": [], "drawn": draw(draws)}
    gain = draw(gained())
    evidence["own"] = {name: each | {"value": each["challenger"]} for name, each in gain.items()}
    if draw(st.integers(0, 5)):
        evidence["gain"] = gain
        for _ in range(draw(st.integers(0, 4))):
            size = draw(st.sampled_from([50, 100, 300]))
            positives = draw(st.sampled_from([10, 50, size - 50, size // 2]))
            part = {"rows": size, "positives": positives, "gain": draw(gained()), "drawn": draw(draws)}
            evidence["parts"].append(part)
    return evidence


@st.composite
def policies(draw):
    def rails(least):
        one = {"metric": metrics, "max_loss": margins, "require": requires} | least
        return draw(st.lists(st.fixed_dictionaries(one), max_size=2))

    return {
        "primary": {"metric": draw(metrics), "min_gain": draw(margins), "min_gain_relative": draw(margins)},
        "rule": draw(st.sampled_from(["confident", "point"])),
        "confidence": draw(st.sampled_from([0.8, 0.95, 0.99])),
        "guardrails": rails({}),
        "slices": rails({"by": st.just("part"), "min_rows": st.just(100), "min_positives": st.sampled_from([0, 50])}),
        "floors": [
            {"metric": name, ("max" if name in LOWER else "min"): draw(grid)}
            for name in draw(st.lists(metrics, max_size=2))
        ],
        "first_model": draw(st.sampled_from(["floors", "manual"])),
        "min_rows": 500,
        "min_positives": 50,
        "min_groups": draw(st.sampled_from([2, 5])),
    }


def comparisons(found):
    return tuple(
        MetricComparison(
            metric=name,
            direction=Direction.LOWER if name in LOWER else Direction.HIGHER,
            champion=each["champion"],
            challenger=each["challenger"],
            gain=each["gain"],
            stderr=each["stderr"],
            low=each["gain"] - each["stderr"],
            high=each["gain"] + each["stderr"],
            p_value=0.5,
            champion_stderr=each["its"],
            challenger_stderr=each["own"],
            dof=each["stderr dof"],
            beside=beside(each["stderr beside"]),
            challenger_dof=each["own dof"],
            challenger_beside=beside(each["own beside"]),
        )
        for name, each in found.items()
    )


def beside(errors):
    return Error(*errors[0]) if errors else None


def dependence(drawn):
    return drawn and Dependence(drawn_as=DrawnAs(drawn[0]), count=20, effective=drawn[1], days=1)


def absent(found):
    return tuple(MissingMetric(name, "It is not there.") for name in METRICS if name not in found)


def evidence_of(world):
    found = world.get("gain")
    if found is None:
        alone = tuple(
            Measurement(
                metric=name,
                direction=Direction.LOWER if name in LOWER else Direction.HIGHER,
                value=each["value"],
                stderr=each["own"],
                dof=each["own dof"],
                beside=beside(each["own beside"]),
            )
            for name, each in world["own"].items()
        )
        return Evaluation(
            rows=world["rows"],
            positives=world["positives"],
            weight=world["rows"],
            metrics=alone,
            missing=absent(world["own"]),
            dependence=dependence(world["drawn"]),
        )
    parts = tuple(
        SliceComparison(
            by="part",
            value=str(place),
            rows=part["rows"],
            positives=part["positives"],
            metrics=comparisons(part["gain"]),
            missing=absent(part["gain"]),
            dependence=dependence(part["drawn"]),
        )
        for place, part in enumerate(world["parts"])
    )
    return Comparison(
        rows=world["rows"],
        positives=world["positives"],
        weight=world["rows"],
        confidence=0.95,
        metrics=comparisons(found),
        missing=absent(found),
        slices=parts,
        dependence=dependence(world["drawn"]),
    )


@pytest.mark.slow
@settings(max_examples=500)
@given(worlds(), policies(), st.none() | st.sampled_from([1.0, 2.5, 7.0]))
def test_verdict_and_every_outcome_are_those_of_the_page(world, policy, use):
    asked = Policy.from_toml(policy)
    budget = Budget(alpha=asked.alpha, use=use) if use and policy["rule"] == "confident" else None
    decision = decide(evidence_of(world), asked, budget=budget)
    assert (decision.verdict, [check.outcome for check in decision.checks]) == second(world, policy, use)
