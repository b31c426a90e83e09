"""A process follows the champion: real ledger, real store; the ledger is asked every few milliseconds."""

import pytest
from situation import toy

from promotion.serving import NoChampion, ServedChampion

pytestmark = pytest.mark.integration


@pytest.fixture
def serve(settings_of_toy):
    """Serves `toy` in this process until the test ends."""
    begun = []

    def start(config=settings_of_toy, **options):
        begun.append(ServedChampion("toy", config=config, every=0.02, **options))
        return begun[-1]

    yield start
    for one in begun:
        one.stop()


def until(held, timeout=30):
    import time

    limit = time.monotonic() + timeout
    while not held():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_promotion_and_a_rollback_change_what_answers(registry_after_three_champions, serve):
    registry, served = registry_after_three_champions, serve().wait(60)
    with served.lease() as champion:
        assert champion.tag == "toy:twin"
        registry.rollback("toy", reason="complaints")
        until(lambda: served.status()["tag"] == "toy:good")
        assert champion.tag == "toy:twin"
        assert champion.score(champion.rows([{"a": 1.0, "b": 0.5}])).shape == (1,)
    with served.lease() as champion:
        assert champion.tag == "toy:good"


def test_without_a_champion_nothing_serves_and_the_reason_is_told(registry, serve):
    served = serve()
    with pytest.raises(NoChampion, match=r"^No champion of 'toy' is loaded yet\. The ledger at .* cannot be read"):
        served.wait(0.3)
    assert not served.ready
    registry.register(toy("good"))
    until(lambda: served.status()["ledger_problem"] == "There is no champion of 'toy' yet, according to the ledger.")
    with (
        pytest.raises(NoChampion, match=r"There is no champion of 'toy' yet, according to the ledger\.$"),
        served.lease(),
    ):
        pass
