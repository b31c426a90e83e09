"""MLflow unavailable, broken, slow or with invalid answers: the decision stands, one notice, and `sync` catches up."""

import socket
import time

import pytest
from checker import check
from situation import toy
from world import run

from promotion.adapters.mlflow import MlflowMirror

pytestmark = pytest.mark.slow


@pytest.fixture
def impatient(monkeypatch):
    """Shortens the client's timeouts, as a user could."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")


def answering(status, body, kind="application/json"):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hanging(handler):
    time.sleep(5)


def cut_short(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"registered_')


FAULTS = {
    "500": answering(500, b'{"error_code": "INTERNAL_ERROR", "message": "no"}'),
    "an error page": answering(502, b"<html>Bad gateway</html>", "text/html"),
    "a login page": answering(200, b"<html>Please sign in</html>", "text/html"),
    "other JSON": answering(200, b'{"hello": [1, null]}'),
    "no JSON object": answering(200, b"[]"),
    "nothing": answering(200, b""),
    "bytes": answering(200, bytes(range(256)), "application/octet-stream"),
    "refused": answering(403, b'{"error_code": "PERMISSION_DENIED", "message": "not you"}'),
    "a stranger": answering(401, b"You are not authenticated.", "text/plain"),
    "refused in plain text": answering(403, b"Permission denied", "text/plain"),
    "too large": answering(413, b"<html>Request Entity Too Large</html>", "text/html"),
    "half an answer": cut_short,
    "no answer in time": hanging,
}


NAMED = {
    "a stranger": "401: the server does not accept these credentials; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
    "refused": "403: this user lacks permission; ask the server's administrator for permission to edit",
    "refused in plain text": "403: this user lacks permission; ask the server's administrator for permission to edit",
    "too large": "413: the request is larger than the server, or a proxy in front of it, accepts; raise that limit",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_decision_stands_with_one_notice_and_sync_catches_up(first_world, tmp_path, impatient, mlflow_that, fault):
    stands_without(first_world.copy(tmp_path / "world", mlflow=True), mlflow_that(FAULTS[fault]), NAMED.get(fault, ""))


def test_mlflow_away(first_world, tmp_path, impatient):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    stands_without(first_world.copy(tmp_path / "world", mlflow=True), address)


def stands_without(world, address, why=""):
    registry = world.open(mirror=MlflowMirror(address))
    registry.promote(toy("twin"), reason="by hand", override=True)
    moved, notice = registry.notices
    assert moved.startswith("The ledger of 'toy' moved from ")  # the world is a copy
    assert notice.startswith(f"A request to MLflow at {address} failed ({why}")
    assert notice.endswith("The decision stands. Once MLflow answers, run `promotion sync` to send it.")
    assert "\n" not in notice
    assert check(world).champion == "toy:twin"
    assert run(sync, world) == 0
    check(world, synced=True)


def sync(world):
    assert world.open().sync("toy")
