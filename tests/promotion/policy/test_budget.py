import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.canonical import canonical_json, plain, restore
from promotion.policy import Budget, HoldoutSketch, Trial, count_use
from promotion.policy.budget import SKETCH_SIZE, level_of_use

sizes = st.integers(0, 3 * SKETCH_SIZE)


def keys(n_rows, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n_rows, dtype=np.uint64)


def trial(name="a", *, rows=None, champion="old", metric="roc_auc", holdout="h", sketch=True):
    return Trial(
        challenger=name,
        champion=champion,
        metric=metric,
        holdout=holdout,
        sketch=HoldoutSketch.of(keys(100) if rows is None else rows) if sketch else None,
    )


class TestLevels:
    @given(st.floats(0.001, 0.5), st.integers(1, 3000))
    def test_over_any_number_of_uses_no_more_than_alpha_is_spent(self, alpha, uses):
        levels = [level_of_use(alpha, use) for use in range(1, uses + 1)]
        assert sum(levels) < alpha
        assert levels == sorted(levels, reverse=True)

    def test_all_of_alpha_is_there_to_be_spent(self):
        assert sum(level_of_use(0.05, use) for use in range(1, 100_000)) == pytest.approx(0.05, rel=1e-4)
        assert level_of_use(0.05, 1) == pytest.approx(0.05 * 6 / math.pi**2)

    def test_says_what_it_is_and_what_fresh_rows_would_restore(self):
        assert Budget(alpha=0.05, use=1.0).sentence == (
            "This counts as the first use of these rows, so the primary metric was tested at the 3.04 % level."
        )
        budget = Budget(alpha=0.05, use=2.5)
        assert budget.sentence == (
            "Counting this decision, these rows have been used 2.5 times, so the primary metric was tested at the 0.486 % level; on rows not "
            "used before, the level is 3.04 %."
        )
        assert budget.fresh > budget.level > budget.next == level_of_use(0.05, 3.5)


class TestSketches:
    @given(sizes, sizes, st.floats(0, 1))
    def test_shares_of_few_rows_are_exact(self, n_rows, n_others, overlap):
        rows = keys(min(n_rows, SKETCH_SIZE))
        shared = int(overlap * len(rows))
        others = np.concatenate([rows[:shared], keys(min(n_others, SKETCH_SIZE - shared), seed=1)])
        assert HoldoutSketch.of(rows).share_seen(HoldoutSketch.of(others)) == pytest.approx(shared / max(len(rows), 1))

    @pytest.mark.parametrize("overlap", [0.0, 0.1, 0.5, 0.9, 1.0])
    @pytest.mark.parametrize(("n_rows", "n_others"), [(20_000, 20_000), (20_000, 60_000), (60_000, 20_000)])
    def test_shares_of_many_rows_are_near(self, overlap, n_rows, n_others):
        rows = keys(n_rows)
        shared = min(int(overlap * n_rows), n_others)
        others = np.concatenate([rows[:shared], keys(n_others - shared, seed=1)])
        # 512 rows estimate a share of one half to 0.022; if two thirds of them are not comparable, to 0.04.
        assert HoldoutSketch.of(rows).share_seen(HoldoutSketch.of(others)) == pytest.approx(shared / n_rows, abs=0.12)

    def test_where_few_rows_can_be_told_it_is_reuse_in_doubt(self):
        many, few = keys(200_000), keys(500, seed=1)
        assert HoldoutSketch.of(few).share_seen(HoldoutSketch.of(many)) >= 0.2
        assert HoldoutSketch.of(many[:500]).share_seen(HoldoutSketch.of(many)) == 1.0
        assert HoldoutSketch.of(many).share_seen(HoldoutSketch.of(few)) == 0.0

    @given(sizes)
    def test_the_order_of_rows_is_nothing_to_it_and_json_keeps_it(self, n_rows):
        rows = keys(n_rows)
        sketch = HoldoutSketch.of(rows)
        assert (
            sketch == HoldoutSketch.of(rows[::-1]) == restore(HoldoutSketch, json.loads(canonical_json(plain(sketch))))
        )
        assert len(sketch.smallest) <= 4 * math.ceil(SKETCH_SIZE * 8 / 3)


class TestCounting:
    def test_every_other_challenger_on_the_same_rows_is_a_use(self):
        earlier = [trial(name) for name in "bcd"]
        assert count_use(trial("a"), []) == 1
        assert count_use(trial("a"), earlier) == 4

    def test_the_same_question_asked_again_spends_nothing(self):
        earlier = [trial("b"), trial("a"), trial("c"), trial("d")]
        assert count_use(trial("a"), earlier) == 2

    @pytest.mark.parametrize("change", [{"champion": "other"}, {"metric": "log_loss"}])
    def test_another_question_on_the_same_rows_is_a_use(self, change):
        assert count_use(trial("a", **change), [trial("a")]) == 2

    def test_rows_in_part_the_same_count_in_part(self):
        first, second = keys(400), keys(400, seed=1)
        half = np.concatenate([first[:200], second[:200]])
        earlier = [trial("b", rows=first, holdout="1"), trial("c", rows=second, holdout="2")]
        assert count_use(trial("a", rows=half, holdout="3"), earlier) == pytest.approx(2.0)
        assert count_use(trial("a", rows=keys(400, seed=2), holdout="4"), earlier) == 1.0

    def test_a_record_without_a_sketch_counts_where_it_names_the_same_rows(self):
        earlier = [trial("b", sketch=False), trial("c", sketch=False, holdout="other")]
        assert count_use(trial("a"), earlier) == 2
