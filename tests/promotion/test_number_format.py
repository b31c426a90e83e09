import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from promotion.number_format import between, figure, give_or_take, level, percent, signed


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0.85123, "0.8512"),
        (0.0, "0.0000"),
        (-0.0123, "-0.0123"),
        (99.5, "99.5000"),
        (1234567.8, "1,234,568"),
        (123.456, "123.5"),
        (0.00012345, "0.0001234"),
        (1e-12, "1.000e-12"),
        (2.5e15, "2.500e+15"),
        (-5e-324, "-4.941e-324"),
    ],
)
def test_a_figure_keeps_four_digits(number, words):
    assert figure(number) == words


def test_gains_keep_their_sign_and_the_form_of_their_row():
    assert (signed(0.0003, scale=0.9), signed(-25.5, scale=1840.0), signed(0.0)) == ("+0.0003", "-25.50", "+0.0000")
    assert between(-0.001, 0.002, scale=0.9) == "-0.0010 … +0.0020"
    assert give_or_take(-0.001, 0.002, scale=0.9) == "+0.0005 ± 0.0015"
    assert (percent(0.95), percent(1 - 0.05), percent(0.9995), level(0.0303964)) == (
        "95 %",
        "95 %",
        "99.95 %",
        "3.04 %",
    )


@given(st.floats(allow_nan=False, allow_infinity=False), st.none() | st.floats(0, 1e300))
def test_a_figure_reads_back_to_four_digits_or_four_decimals(number, scale):
    assume(1e-300 < abs(number) < 1e307)
    for written in (figure(number, scale=scale), signed(number, scale=scale)):
        read = float(written.replace(",", ""))
        assert math.isclose(read, number, rel_tol=5.1e-4, abs_tol=5.1e-5)
