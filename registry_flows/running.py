"""Running a flow for a command: the settings that make it quick and quiet, and errors as they were raised."""

import os
from typing import Any

_QUIET = {
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
}
# The temporary server creates its database on its first start, which takes longer than Prefect's 20 seconds.
_PATIENT = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}


def run_quietly(
    model: str, *, data_path: str | None, version: str | None, options: dict[str, Any], verbose: bool
) -> Any:
    """Run the retrain flow here, on the server of PREFECT_API_URL or a temporary one; its `Candidate`."""
    for name, value in {**_PATIENT, **({} if verbose else _QUIET)}.items():
        os.environ.setdefault(name, value)
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from registry_flows.retrain import retrain_flow

    # The heartbeat's thread sleeps a second at the end of every flow, and nobody watches for a zombie here.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return retrain_flow(model, data_path=data_path, version=version, options=options or None)
