import pytest
from chromium import chromium


@pytest.fixture(scope="package")
def browser():
    """One browser for the tests here only: while Playwright runs, no other test of the process can run an event loop."""
    with chromium() as one:
        yield one
