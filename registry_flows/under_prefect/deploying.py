"""Apply prefect.yaml and automations.yaml to the server of PREFECT_API_URL; running it again applies only changes.

`prefect deploy --all` requires an existing work pool, and knows no automations except its
deployments' triggers; `prefect automation create` creates another automation of the same name each
time.

    python -m registry_flows.deploying
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import PREFECT_API_URL

from promotion.errors import ConfigError, PromotionError
from registry_flows.under_prefect.server import check_server

_TYPE = "process"


def deploy(folder: Path, *, say: Callable[[str], None]) -> int:
    """Create missing work pools that prefect.yaml names, run `prefect deploy --all`, then apply the automations.

    Calls `say` with a sentence after each step.

    Returns:
        the exit code of `prefect deploy`, which prints its errors; unless it is 0, the automations
        stay unchanged.

    Raises:
        ConfigError: no server is set, or there is no prefect.yaml.
        ServerFailed: the server does not answer, or denies access.
    """
    pools = _work_pools(folder / "prefect.yaml")
    if not PREFECT_API_URL.value():
        message = "There is no Prefect server to deploy to. Set PREFECT_API_URL, e.g. to http://127.0.0.1:4200/api."
        raise ConfigError(message)
    check_server()
    with get_client(sync_client=True) as client:
        for name in pools:
            _create_work_pool(client, name, say)
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
        code = subprocess.run(command, cwd=folder, check=False).returncode  # noqa: S603 - our own interpreter and words
        if code == 0:
            for automation in automations(folder / "automations.yaml"):
                _create_or_update(client, automation, say)
    return code


def automations(file: Path) -> tuple[AutomationCore, ...]:
    """Return the automations that the file describes; none if there is no file."""
    described = _read(file)["automations"] if file.exists() else ()
    return tuple(AutomationCore.model_validate(one) for one in described)


def _work_pools(file: Path) -> list[str]:
    if not file.exists():
        message = f"There is no {file.name} in {file.parent}. Run the command in the project's folder."
        raise ConfigError(message, path=file)
    return sorted({one["work_pool"]["name"] for one in _read(file)["deployments"]})


def _read(file: Path) -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return described


def _create_work_pool(client: SyncPrefectClient, name: str, say: Callable[[str], None]) -> None:
    """Create a process work pool, unless the name exists; an existing pool stays unchanged."""
    try:
        client.create_work_pool(WorkPoolCreate(name=name, type=_TYPE))
    except ObjectAlreadyExists:
        return
    say(f"Created the work pool '{name}'.")


def _create_or_update(client: SyncPrefectClient, automation: AutomationCore, say: Callable[[str], None]) -> None:
    same = client.read_automations_by_name(automation.name)
    for one in same:
        client.update_automation(one.id, automation)
        say(f"Updated the automation '{automation.name}'.")
    if not same:
        client.create_automation(automation)
        say(f"Created the automation '{automation.name}'.")


def main() -> int:
    """Deploy the working folder; a user's mistake prints one sentence."""
    try:
        return deploy(Path.cwd(), say=lambda sentence: print(sentence, flush=True))  # noqa: T201 - a command's output
    except PromotionError as error:
        print(error, file=sys.stderr)  # noqa: T201 - likewise
        return 1
