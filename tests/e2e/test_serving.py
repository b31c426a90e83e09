"""What serves follows the champion: real `bentoml serve` with two workers, on SQLite and PostgreSQL."""

import json
import os
import re
import sys
import time
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from servers import PROGRAMS, Server, free_port
from situation import toy

import promotion
from promotion.adapters.memory import MemoryMirror

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving"), pytest.mark.timeout(300)]


class Service(Server):
    """A service on a free port, which finds everything by the promotion.toml of its folder."""

    def __init__(self, folder, *command, **environment):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [*command, "--port", self.port]
        super().__init__("service", folder, command, {**os.environ, **environment}, health=f"{self.url}/readyz")

    def get(self, path, body=None):
        """The status and the JSON of an answer."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data=data, headers={"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def workers(self):
        """The version that each worker serves, by its process id."""
        with urlopen(f"{self.url}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        found = [re.match(r'promotion_served\{.*pid="(\d+)",tag="(.*)"\} 1\.0', line) for line in lines]
        return {int(one[1]): one[2] for one in found if one}


CONFIGURATION = """
ledger = "{ledger}"
bentoml_home = "bentoml"

[models.toy]
recipe = "recipes:ToyRecipe"
data = "rows.csv"
policy.primary.metric = "roc_auc"
policy.floors = [ {{ metric = "roc_auc", min = 0.55 }} ]
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(request, tmp_path, store, rows_file):
    """A registry in the test's folder, in which `toy:weak` serves."""
    sqlite = request.param == "sqlite"
    url = "sqlite:///ledger.db" if sqlite else request.getfixturevalue("postgres_server").new_database()
    (tmp_path / "promotion.toml").write_text(CONFIGURATION.format(ledger=url))
    registry = promotion.open(mirror=MemoryMirror())
    for name in ("weak", "good", "twin"):
        registry.register(toy(name))
    registry.gate(toy("weak"))
    return registry


@pytest.fixture
def service(registry, tmp_path):
    """`promotion serve toy` with two workers."""
    with served(tmp_path) as one:
        yield one


@contextmanager
def served(folder):
    paths = os.pathsep.join(sys.path)
    one = Service(folder, PROGRAMS / "promotion", "serve", "toy", "--workers", 2, PYTHONPATH=paths)
    one.start()
    try:
        one.wait()
        yield one
    finally:
        one.stop()


def until(held, what=lambda: ""):
    limit = time.monotonic() + 60
    while not held():
        assert time.monotonic() < limit, what()
        time.sleep(0.05)


def all_serve(service, tag, count=2):
    until(lambda: list(service.workers().values()) == [tag] * count, service.log.read_text)


def test_every_worker_follows_a_promotion_and_a_rollback(registry, service):
    row = {"a": 1.0, "b": 2.0}
    all_serve(service, "toy:weak")
    _, first = service.get("/score", {"row": row})
    assert first["tag"] == "toy:weak"
    assert first["decision"] == registry.champion("toy").decision_id

    registry.gate(toy("good"))
    all_serve(service, "toy:good")
    _, second = service.get("/score", {"row": row})
    assert second["tag"] == "toy:good"
    assert second["score"] != first["score"]

    registry.rollback("toy", reason="complaints")
    all_serve(service, "toy:weak")
    assert service.get("/score", {"row": row})[1] == {**first, "decision": None}  # a person brought it back
    assert service.get("/score_batch", {"rows": [row, row]})[1]["scores"] == [first["score"]] * 2
    assert service.get("/champion", {})[1]["tag"] == "toy:weak"
