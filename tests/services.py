"""Real services that follow the champion, and requests to them."""

import json
import os
import re
import sys
import threading
import time
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from servers import PROGRAMS, Server, free_port

ROW = {"a": 1.0, "b": 2.0}
CONFIGURATION = """
ledger = "{ledger}"
bentoml_home = "bentoml"

[models.toy]
recipe = "recipes:ToyRecipe"
data = "rows.csv"
policy.primary.metric = "roc_auc"
policy.floors = [ {{ metric = "roc_auc", min = 0.55 }} ]
"""


class Service(Server):
    """A service on a free port, which finds everything by the promotion.toml of its folder."""

    def __init__(self, folder, *command, wait="/readyz", **environment):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [*command, "--port", self.port]
        super().__init__("service", folder, command, {**os.environ, **environment}, health=f"{self.url}{wait}")

    def get(self, path, body=None, headers=None):
        """The status and the JSON of an answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data=data, headers=headers or {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def status(self, path):
        """The status of an answer."""
        try:
            with urlopen(f"{self.url}{path}", timeout=30) as answer:
                return answer.status
        except HTTPError as error:
            return error.code

    def readyz(self):
        """The status and the text of the answer to /readyz."""
        try:
            with urlopen(f"{self.url}/readyz", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def workers(self):
        """The version that each worker serves, by its process id; nothing if the worker that was asked is killed."""
        try:
            with urlopen(f"{self.url}/metrics", timeout=10) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return {}
        found = [re.match(r'promotion_served\{.*pid="(\d+)",tag="(.*)"\} 1\.0', line) for line in lines]
        return {int(one[1]): one[2] for one in found if one}


@contextmanager
def served(folder, wait="/readyz"):
    paths = os.pathsep.join(sys.path)
    one = Service(folder, PROGRAMS / "promotion", "serve", "toy", "--workers", 2, wait=wait, PYTHONPATH=paths)
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


class Load:
    """Requests from several threads until the context ends, each on a connection of its own."""

    def __init__(self, service, threads=3):
        self.service, self.answers, self.failures = service, [], []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for one in self._threads:
            one.join()

    def _ask(self):
        while not self._end.is_set():
            try:
                status, answer = self.service.get("/score", {"row": ROW})
                (self.answers if status == 200 else self.failures).append(answer)
            except Exception as error:
                self.failures.append(error)

    @property
    def scores(self):
        """The scores that each version gave."""
        return {
            tag: {one["score"] for one in self.answers if one["tag"] == tag} for tag in {a["tag"] for a in self.answers}
        }
