import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from promotion.metrics.grouping import grouped

EDGES = [-np.inf, -1e308, -1.0, -5e-324, -0.0, 0.0, 5e-324, 1e-300, 1.0, np.nextafter(1, 2), np.inf]


def same_as_numpy(scores):
    values, group = grouped(scores)
    expected, places = np.unique(scores, return_inverse=True)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(group, places)
    assert values.dtype == np.float64


@given(arrays(np.float64, st.integers(1, 300), elements=st.floats(allow_nan=False) | st.sampled_from(EDGES)))
def test_groups_are_numpys(scores):
    same_as_numpy(scores)


@given(st.integers(0, 2**32), st.integers(1, 400), st.sampled_from([np.float16, np.float32, np.float64]))
def test_neighbours_that_differ_in_the_last_bits_alone_stay_apart(seed, n_rows, precision):
    """The bits that make room for a row's position are the ones in which these differ."""
    steps = np.random.default_rng(seed).integers(-9, 9, n_rows)
    for near in (1.0, -1.0):
        same_as_numpy((near + steps * np.finfo(precision).eps).astype(precision))


@pytest.mark.parametrize("n_rows", [1, 2, 3, 70_000])
def test_many_rows_with_and_without_ties(n_rows):
    generator = np.random.default_rng(n_rows)
    same_as_numpy(generator.normal(size=n_rows))
    same_as_numpy(generator.integers(-50, 50, n_rows) / 7)
    same_as_numpy(np.zeros(n_rows))
