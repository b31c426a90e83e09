"""An audit asks a running service for its loaded version."""

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from situation import faults, settings_at

from promotion.errors import ConfigError

pytestmark = pytest.mark.integration


class Service(BaseHTTPRequestHandler):
    """Answers as its server is told, at `/champion`; by POST alone, as BentoML's endpoints, where that is told."""

    def do_GET(self):
        self.answer(405 if self.server.only_post else 200)

    def do_POST(self):
        self.server.sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200)

    def answer(self, status):
        self.send_response(status if self.path == "/champion" else 404)
        self.end_headers()
        self.wfile.write(self.server.says)

    def log_message(self, *_):
        pass


@contextmanager
def service(says, *, only_post=False):
    server = HTTPServer(("127.0.0.1", 0), Service)
    server.says, server.only_post = says if isinstance(says, bytes) else json.dumps(says).encode(), only_post
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/champion"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def audited(registry_after_three_champions, opened, tmp_path):
    """Returns the audit's findings on a service at a URL, while `toy:twin` is champion."""

    def audit(url):
        return [
            finding for finding in faults(opened(config=settings_at(tmp_path, serving=url))) if finding.code >= "AUD065"
        ]

    audit.champion = registry_after_three_champions.champion("toy")
    return audit


@pytest.mark.parametrize("only_post", [False, True])
def test_a_service_with_the_champion_loaded_is_no_finding(audited, only_post):
    with service({"tag": "toy:twin", "digest": audited.champion.digest}, only_post=only_post) as url:
        assert audited(url) == []
    with service({"tag": "toy:twin"}, only_post=only_post) as url:
        assert audited(url) == []


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ({"tag": "toy:good"}, "toy:good"),
        ({"tag": "toy:twin", "digest": "f" * 64}, "toy:twin with digest ffffffffffff"),
        ({"tag": "toy:good", "digest": 7}, "toy:good"),
        ({"tag": "toy:good", "problem": "It is torn."}, "toy:good; the service reports: It is torn."),
        ({"tag": "toy:good", "problem": None}, "toy:good"),
        ({"tag": None, "problem": "It is torn."}, "nothing; the service reports: It is torn."),
    ],
)
def test_a_service_that_lags_is_an_error(audited, says, found):
    with service(says) as url:
        (finding,) = audited(url)
    assert (finding.code, finding.severity, finding.subject) == ("AUD065", "error", url)
    assert finding.expected == f"toy:twin with digest {audited.champion.digest[:12]}"
    assert finding.found == found
    reports = isinstance(says.get("problem"), str)
    assert finding.mend.startswith(
        "Remove the cause that the service reports." if reports else "Restart the service, or"
    )


@pytest.mark.parametrize("says", [b"", b"<html>", b"[]", b'{"version": "twin"}', b'{"tag": null}', b"\xff"])
def test_a_service_that_says_something_else_is_a_warning(audited, says):
    with service(says) as url:
        (finding,) = audited(url)
    assert (finding.code, finding.severity) == ("AUD066", "warning")
    assert finding.found


def test_a_service_that_is_away_is_a_warning_without_the_password(audited):
    (finding,) = audited("http://bob:hunter2@127.0.0.1:9/champion")
    assert (finding.code, finding.subject) == ("AUD066", "http://***@127.0.0.1:9/champion")
    assert finding.found.startswith("[Errno")
    assert "hunter2" not in str(finding)
    with service({"tag": "toy:twin"}) as url:
        (finding,) = audited(f"{url}/elsewhere")
    assert finding.found == "HTTP Error 404: Not Found"


@pytest.mark.parametrize("address", ["localhost:3000", "file:///etc/passwd", "http://", "champion"])
def test_an_address_that_is_none_is_refused(tmp_path, address):
    from promotion.config import load_config

    (tmp_path / "promotion.toml").write_text(
        f'[models.toy]\nrecipe = "recipes:ToyRecipe"\nserving = "{address}"\npolicy.primary.metric = "roc_auc"\n'
    )
    with pytest.raises(ConfigError, match=r"serving.*an address like http://localhost:3000/champion"):
        load_config()
