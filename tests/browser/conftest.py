import pytest
from chromium import chromium


@pytest.fixture(scope="package")
def browser():
    """One for all tests here, and no longer: while Playwright lives, no other test of the process can run an event loop."""
    with chromium() as one:
        yield one
