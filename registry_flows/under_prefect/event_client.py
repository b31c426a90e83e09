"""Send events to Prefect: from a flow run on its own stream, from anywhere else with one request.

A command runs for a second or two. It sends with a request that is answered or fails within seconds, so that the user
sees the result; and it imports Prefect only if settings on this machine name a server.
"""

import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.errors import PromotionError
from promotion.secrets import without_password

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry_flows.under_prefect.events import PrefectEvent

_PATIENCE_SECONDS = 5.0
_URL = "PREFECT_API_URL"


class Unsent(PromotionError):
    """Prefect did not accept an event."""


def is_configured() -> bool:
    """Whether events can be sent: inside a flow run, or if Prefect's settings name a server.

    Asks Prefect only if it is already imported, or if something on this machine hints at a server.
    """
    if "prefect" not in sys.modules and not _is_hinted():
        return False
    from prefect.settings import PREFECT_API_URL

    return is_in_run() or bool(PREFECT_API_URL.value())


def is_in_run() -> bool:
    """Whether this is inside a flow run, or a task run of one."""
    if "prefect" not in sys.modules:
        return False
    from prefect.context import FlowRunContext, TaskRunContext

    return FlowRunContext.get() is not None or TaskRunContext.get() is not None


def is_in_gate_run() -> bool:
    """Whether this is inside the gate's flow run, which runs and so need not be resumed."""
    from prefect.context import FlowRunContext

    run = FlowRunContext.get()
    return run is not None and run.flow is not None and run.flow.name == "gate"


def send(events: "Sequence[PrefectEvent]") -> None:
    """Send the events; inside a flow run, in the background, and Prefect relates them to the run and its work pool."""
    if not events:
        return
    if is_in_run():
        _stream(events)
    else:
        _post(events)


def _stream(events: "Sequence[PrefectEvent]") -> None:
    from prefect.events import emit_event

    for event in events:
        emit_event(**event.as_sent)


def _post(events: "Sequence[PrefectEvent]") -> None:
    from prefect.client.orchestration import get_client
    from prefect.events.schemas.events import Event as Sent
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    sent = [Sent.model_validate(event.as_sent).model_dump(mode="json") for event in events]
    try:
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(sync_client=True, httpx_settings={"timeout": _PATIENCE_SECONDS}) as client,
        ):
            client.request("POST", "/events", json=sent).raise_for_status()
    except Exception as error:  # errors of httpx, SSL and Prefect
        names = " and ".join(event.name for event in events)
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        place = without_password(str(PREFECT_API_URL.value()))
        raise Unsent(
            f"Prefect at {place} did not accept the event {names} ({without_password(first)[:200]}), so no automation "
            "was triggered. Make sure that the server runs. The ledger is complete."
        ) from error


def _is_hinted() -> bool:
    """Whether the environment, Prefect's active profile or a settings file in this folder may name a server."""
    if os.environ.get(_URL):
        return True
    if _URL in _text(Path(".env")) or Path("prefect.toml").exists():
        return True
    return "[tool.prefect" in _text(Path("pyproject.toml")) or _URL in _active_profile()


def _active_profile() -> dict[str, object]:
    """Return the settings of the profile that Prefect would use."""
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    path = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser()
    try:
        found = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:
        return {_URL: "not valid TOML, which Prefect reports"}
    active = os.environ.get("PREFECT_PROFILE") or found.get("active")
    return dict(found.get("profiles", {}).get(active, {}))


def _text(path: Path) -> str:
    """Return the content of the file; empty if it cannot be read."""
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
