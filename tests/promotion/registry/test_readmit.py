"""Readmissions: they lift the block of a rollback, and move nothing."""

import pytest
from situation import kinds, stages, toy

from promotion.errors import Refused

pytestmark = pytest.mark.integration

BACK = r"os:alice rolled back from toy:good at 2026-11-22 12:\d\d UTC: 'merchants complain'\."


KEPT_OUT = (
    rf"^{BACK} Promote it with `promotion promote toy:good --override --reason …`, or let the gate judge it again with "
    r"`promotion readmit toy:good --reason …`\.$"
)


@pytest.fixture
def complained_of(registry_with_champion):
    """`toy:good` served after `toy:weak`, by its gain, and was rolled back from."""
    registry = registry_with_champion
    registry.gate(toy("good"))
    registry.rollback("toy", reason="merchants complain")
    return registry


def test_readmitted_it_moves_nowhere_and_is_to_be_judged(complained_of):
    complained_of.gate(toy("good"))
    complained_of.readmit(toy("good"), reason="the shop was down")
    assert (kinds(complained_of)[-1], stages(complained_of)["good"]) == ("readmission", "archived")
    with pytest.raises(Refused, match=r"^toy:good has not been judged since it was readmitted\. Run `promotion gate"):
        complained_of.promote(toy("good"), reason="r")
    with pytest.raises(Refused, match=r"^No rollback keeps toy:good out\. The gate judges it like any other\.$"):
        complained_of.readmit(toy("good"), reason="r")
