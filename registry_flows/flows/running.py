"""Run the retrain flow for a command: quickly, quietly, and with early checks before anything starts."""

import ctypes
import importlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.cli.progress import be_quiet, show_progress
from promotion.cli.streams import keep_for_answers
from promotion.errors import ConfigError, MirrorError
from promotion.listening import why_unreachable
from promotion.secrets import without_password
from registry_flows.under_prefect.server import TemporaryServer, as_server_error, check_server

if TYPE_CHECKING:
    from promotion.config import Config
    from promotion.registry.data import Reader
    from registry_flows.flows.retrain_all import RetrainOutcome
    from registry_flows.under_prefect.hand_off import TrainedVersion

_MALLOC_OPTIONS = {-3: 1 << 23, -8: 1}  # M_MMAP_THRESHOLD and M_ARENA_MAX of glibc's malloc.h
_QUIET = {
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # the server keeps the log; the command prints errors
}


def retrain_here(
    model: str,
    *,
    data_path: str | None,
    version: str | None,
    options: dict[str, Any] | None,
    verbose: bool,
    start_anew: str | None = None,
    dry_run: bool = False,
    trained: Path | None = None,
) -> "TrainedVersion":
    """Run the retrain flow in this process, on the server of PREFECT_API_URL or a temporary one.

    While the temporary server boots, this function checks configuration, champion and rows. A dry run works on copies.
    With `trained`, the file of a kept model, goes on with its data, version and options.
    """
    keep_for_answers()
    _be_quiet(verbose=verbose)
    _return_freed_memory()
    if trained:
        from registry_flows.flows.kept import read_kept

        kept = read_kept(trained, model)
        data_path, version, options = kept.data, kept.version, dict(kept.options)
    reader = _foresee(model, data_path, options)
    server = _temporary_server()
    from registry_flows.under_prefect import session

    session.report_to(show_progress)
    with ExitStack() as stack:
        if dry_run:
            stack.enter_context(session.dry_run(model, start_anew))
        if start_anew is not None and not dry_run:
            session.registry().start_anew(model, reason=start_anew)
        session.registry().reader.digests = reader.digests
        stack.enter_context(session.registry().reader.one_run())  # what is read ahead is what the flow trains on
        _look_ahead(model, data_path, options, lasting=server is None)
        from prefect import tags

        from registry_flows.flows.retrain import retrain_flow

        with _settings(server, verbose=verbose), as_server_error(), tags(*(("dry run",) if dry_run else ())):
            return retrain_flow(
                model,
                data_path=data_path,
                version=version,
                options=options,
                trained=str(trained.absolute()) if trained else None,
            )


def retrain_all_here(*, verbose: bool) -> "tuple[RetrainOutcome, ...]":
    """Run the flow that retrains every model, as above, and return all outcomes, including the failed ones."""
    from promotion.config import load_config

    keep_for_answers()
    _be_quiet(verbose=verbose)
    _check_address(load_config())
    server = _temporary_server()
    from registry_flows.flows.retrain_all import SomeFailed, retrain_all_flow
    from registry_flows.under_prefect import session

    session.report_to(show_progress)
    _check_hand_off(lasting=server is None)
    with _settings(server, verbose=verbose), as_server_error():
        show_progress("Retraining the models")
        try:
            return retrain_all_flow()
        except SomeFailed as failed:
            return failed.outcomes


def _foresee(model: str, data_path: str | None, options: dict[str, Any] | None) -> "Reader":
    """Check recipe, options, data and MLflow's address, before starting a server or importing Prefect."""
    from promotion.config import load_config
    from promotion.data_sources import is_url, shown_url
    from promotion.registry.data import Reader
    from promotion.registry.recipes import load_recipe

    if data_path and is_url(data_path) and shown_url(data_path) != data_path:
        raise ConfigError(
            f"--data contains a password or parameters ({shown_url(data_path)}), which Prefect would show on its "
            f"pages. Set the URL as `data` of [models.{model}] in the configuration or the environment."
        )
    config = load_config()
    reader = Reader(config)
    reader.foresee(model, data=data_path)
    _check_address(config)
    if options or config.model(model).options:  # otherwise the recipe is imported while the server starts
        load_recipe(config.model(model), options or {})
    return reader


def _check_address(config: "Config") -> None:
    from promotion.adapters.mlflow import check_address

    uri = config.url(config.mlflow_tracking_uri)
    check_address(uri)
    if why := why_unreachable(uri):
        message = f"MLflow at {without_password(uri)} cannot be reached ({why}), so nothing was trained."
        raise MirrorError(f"{message} Start it, or correct its address.")


def _be_quiet(*, verbose: bool) -> None:
    if not verbose:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)


def _return_freed_memory() -> None:
    """Have glibc return large arrays to the system when they are freed, and keep one arena for all threads.

    Otherwise a retrain keeps a tenth more memory at its peak. Other C libraries have no such options.
    """
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for option, value in _MALLOC_OPTIONS.items():
            libc.mallopt(option, value)


def _temporary_server() -> TemporaryServer | None:
    """Start a server that boots while Prefect is imported; None if Prefect's settings name one, which must answer."""
    if os.environ.get("PREFECT_API_URL"):
        show_progress("Asking Prefect")
        check_server()
        return None
    show_progress("Starting Prefect")
    server = TemporaryServer()
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        server.stop()
        check_server()
        return None
    return server


def _look_ahead(model: str, data_path: str | None, options: dict[str, Any] | None, *, lasting: bool) -> None:
    """Check that the model can be judged and logged, and read its rows, so that the flow need not read them again."""
    from registry_flows.flows.tracking import check_tracking
    from registry_flows.under_prefect.session import registry

    ours = registry()
    ours.check(model)
    _check_hand_off(lasting=lasting)
    ours.reader.fits(model, options)
    ours.reader.load(model, data_path, options=options)
    _import_heavy()
    show_progress("Asking MLflow")
    check_tracking(ours.config, model)


def _check_hand_off(*, lasting: bool) -> None:
    """Check that there is a gate to hand a version to, on a server that outlives this command."""
    from registry_flows.under_prefect.hand_off import check_hand_off
    from registry_flows.under_prefect.session import registry

    config = registry().config
    if config.hand_off == "deployment" and not lasting:
        message = (
            'With hand_off = "deployment" a worker runs the gate, but the temporary Prefect server of this command has '
            'no worker. Set PREFECT_API_URL to a running server, or set hand_off = "subflow".'
        )
        raise ConfigError(message, key="hand_off")
    check_hand_off(config)


def _import_heavy() -> None:
    """Import what the flow needs while the server boots; in this thread, because a recipe may import the same packages.

    If two threads import packages with circular imports, each may see the other's modules half-initialized.
    """
    heavy = ("sklearn.preprocessing", "xgboost", "bentoml.sklearn", "mlflow.sklearn", "mlflow.pyfunc")
    show_progress("Importing the libraries")
    for name in (*heavy, "prefect.flow_engine", "prefect.task_engine"):
        importlib.import_module(name)


@contextmanager
def _settings(server: TemporaryServer | None, *, verbose: bool) -> Iterator[None]:
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    # The heartbeat thread sleeps a second at the end of every flow, and nothing watches for zombie runs here.
    settings: dict[Any, Any] = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    if server is not None:
        show_progress("Waiting for Prefect")
        server.wait()
        settings |= server.settings
    if verbose:
        be_quiet(True)  # Prefect's log shows more from here on
    with temporary_settings(settings):
        yield
    if server is not None:
        server.begin_closing()
