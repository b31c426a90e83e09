"""Student's t distribution in plain Python, beside SciPy's."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import stdtr, stdtrit

from promotion.metrics.student import quantile, tail

DEGREES = st.one_of(
    st.sampled_from([0.5, 1.0, 2.0, 79.999, 80.0, 999.999, 1000.0, 1e9]),
    st.floats(-0.3, 9.0).map(lambda power: 10**power),
)
LEVELS = st.one_of(st.floats(-9.0, -0.3).map(lambda power: 10**power), st.floats(1e-9, 1 - 1e-9))


@given(st.one_of(st.floats(-50.0, 50.0), st.floats(-8.0, 8.0).map(lambda power: 10**power)), DEGREES)
def test_its_tail_is_scipys(distance, dof):
    expected = float(stdtr(dof, -distance))
    assume(expected > 1e-50)
    assert tail(distance, dof) == pytest.approx(expected, rel=1e-10)


@given(st.floats(-100.0, 100.0).map(lambda power: 10**power))
def test_with_one_degree_of_freedom_it_is_cauchys(distance):
    assert tail(distance, 1.0) == pytest.approx(math.atan2(1.0, distance) / math.pi, rel=1e-13)
    assert tail(quantile(tail(distance, 1.0), 1.0), 1.0) == pytest.approx(tail(distance, 1.0), rel=1e-13)


@given(LEVELS, DEGREES)
def test_its_quantile_is_scipys(alpha, dof):
    assert quantile(alpha, dof) == pytest.approx(-float(stdtrit(dof, alpha)), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("dof", [0.1, 1.0, 999.0, 1000.0, 1e12])
def test_the_ends_are_numbers(dof):
    assert tail(0.0, dof) == 0.5 == 1.0 - tail(-5e-324, dof)
    assert tail(1e300, dof) < 1e-14
    assert tail(-1e300, dof) == pytest.approx(1.0)
    assert quantile(0.5, dof) == 0.0
    assert 0 < quantile(1e-300, dof) < math.inf
