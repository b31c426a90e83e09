"""`promotion serve` checks its model, and becomes a Bento service that finds everything by promotion.toml."""

import json
import os
import socket
import subprocess
import sys

import pytest
from servers import free_port

from promotion.cli import run

pytestmark = pytest.mark.integration

SETTINGS = """
bentoml_home = "store"

[models.toy]
recipe = "recipes:ToyRecipe"
policy.primary.metric = "roc_auc"
"""


@pytest.fixture
def started(tmp_path, monkeypatch):
    """What `promotion serve` starts instead of itself: program, arguments and environment."""
    (tmp_path / "promotion.toml").write_text(SETTINGS)
    calls = []
    monkeypatch.setattr("os.execve", lambda *given: calls.append(given))
    return calls


def test_it_starts_the_service_with_a_home_of_its_own_and_the_store_of_the_settings(started, tmp_path, capsys):
    port = free_port()
    assert run(["serve", "toy", "--port", str(port), "--workers", "2"]) == 0
    assert capsys.readouterr().out.split("\n")[0] == (
        f"toy is served at http://127.0.0.1:{port} as soon as its champion is loaded. Press Ctrl-C to stop."
    )
    ((_, command, environment),) = started
    assert command[1] == "-c"
    assert " ".join(command[3:]) == (
        f"serve promotion.serving.any_model:Champion --arg model=toy --arg workers=2 --host 127.0.0.1 --port {port}"
    )
    assert environment["PROMOTION_BENTOML_HOME"] == str(tmp_path / "store")
    assert environment["BENTOML_HOME"] == str(tmp_path / ".promotion" / "cache" / "serving" / f"toy-{port}")


def test_as_json_it_tells_the_address(started, capsys):
    port = free_port()
    assert run(["serve", "toy", "--json", "--port", str(port)]) == 0
    assert json.loads(capsys.readouterr().out) == {"model": "toy", "url": f"http://127.0.0.1:{port}"}


def test_a_model_that_the_settings_lack_is_a_sentence(started, capsys):
    assert run(["serve", "tory"]) == 1
    assert "There is no model 'tory'. Did you mean 'toy'?" in capsys.readouterr().err
    assert started == []


def test_a_cache_that_cannot_be_written_is_a_sentence(started, tmp_path, capsys):
    (tmp_path / ".promotion").write_text("")
    assert run(["serve", "toy", "--port", str(free_port())]) == 1
    assert "cannot be created (Not a directory). Check `cache`." in capsys.readouterr().err
    assert started == []


def test_an_address_in_use_is_a_sentence_and_the_files_of_its_service_stay(started, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run(["serve", "toy", "--port", str(port)]) == 1
    expected = f"No service can listen on 127.0.0.1:{port} (Address already in use). Choose another --port or --host."
    assert expected in " ".join(capsys.readouterr().err.split())
    assert (started, (tmp_path / ".promotion").exists()) == ([], False)


def test_two_services_that_start_at_once_do_not_share_files(started, capsys):
    port = free_port()
    assert [run(["serve", "toy", "--port", str(port)]) for _ in range(2)] == [0, 1]  # the first does not listen yet
    assert f"Another service starts at port {port}, or runs there. Choose another --port." in capsys.readouterr().err
    assert len(started) == 1


def test_an_address_that_is_taken_after_the_check_is_a_sentence(started):
    with socket.create_server(("127.0.0.1", 0)) as other:
        started_at = other.getsockname()[1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("promotion.cli.serve._check_free", lambda *_: None)
            run(["serve", "toy", "--port", str(started_at)])
        ((_, command, environment),) = started
        paths = os.pathsep.join(sys.path)
        done = subprocess.run(
            command,
            env={**environment, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    said = "Another process began to listen at this address meanwhile. Choose another --port or --host."
    assert done.stderr.splitlines()[-1] == said
    assert "Traceback" not in done.stdout + done.stderr


def test_ctrl_c_while_bentoml_is_imported_shows_no_traceback(started, tmp_path):
    run(["serve", "toy", "--port", str(free_port())])
    ((_, command, environment),) = started
    (tmp_path / "bentoml_cli").mkdir()
    (tmp_path / "bentoml_cli" / "__init__.py").touch()
    (tmp_path / "bentoml_cli" / "cli.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        command,
        env={**environment, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
