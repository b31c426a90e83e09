"""How often Prefect's clients retry a request, for requests that a run must not wait for."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.context import SettingsContext, get_settings_context
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, Settings

_made: dict[int, tuple[Settings, Settings]] = {}


@contextmanager
def client_retries(most: int) -> Iterator[None]:
    """Set PREFECT_CLIENT_MAX_RETRIES inside the block.

    Copying Prefect's settings takes 20 ms, as `temporary_settings` does each time, so the last copy
    for each number is kept.
    """
    context = get_settings_context()
    present, changed = _made.get(most, (None, None))
    if changed is None or present is not context.settings:
        changed = context.settings.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: most})
        _made[most] = (context.settings, changed)
    with SettingsContext(profile=context.profile, settings=changed):
        yield
