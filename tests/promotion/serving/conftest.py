"""A process that follows the champion."""

import pytest

from promotion.serving import ServedChampion


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
