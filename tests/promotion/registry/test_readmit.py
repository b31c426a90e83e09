"""Readmissions: they lift the block of a rollback, and move nothing."""

import pytest
from situation import kinds, stages, toy

from promotion.errors import Refused

pytestmark = pytest.mark.integration


def test_readmitted_it_moves_nowhere_and_is_to_be_judged(complained_of):
    complained_of.gate(toy("good"))
    complained_of.readmit(toy("good"), reason="the shop was down")
    assert (kinds(complained_of)[-1], stages(complained_of)["good"]) == ("readmission", "archived")
    with pytest.raises(Refused, match=r"^toy:good has not been judged since it was readmitted\. Run `promotion gate"):
        complained_of.promote(toy("good"), reason="r")
    with pytest.raises(Refused, match=r"^No rollback blocks toy:good, so the gate judges it like any other version\.$"):
        complained_of.readmit(toy("good"), reason="r")
