"""Whether events can be sent to Prefect, and the message if it does not answer."""

import os
import re
import subprocess
import sys

import pytest

from registry_flows.under_prefect.event_client import _is_hinted


class TestWhetherPrefectIsConfigured:
    PROFILES = '[profiles.here]\nPREFECT_API_URL = "http://127.0.0.1:4200/api"\n[profiles.quiet]\n'

    @pytest.fixture(autouse=True)
    def nothing_set(self, monkeypatch, tmp_path):
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
        (tmp_path / "prefect").mkdir()

    def test_a_new_installation_names_no_server(self):
        assert not _is_hinted()

    @pytest.mark.parametrize(("active", "hinted"), [("here", True), ("quiet", False), ("gone", False)])
    def test_only_the_active_profile_counts(self, tmp_path, monkeypatch, active, hinted):
        (tmp_path / "prefect" / "profiles.toml").write_text(f'active = "{active}"\n{self.PROFILES}')
        assert _is_hinted() is hinted
        monkeypatch.setenv("PREFECT_PROFILE", "here")
        assert _is_hinted()

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("prefect.toml", '[api]\nurl = "http://127.0.0.1:4200/api"\n'),
            ("pyproject.toml", '[tool.prefect.api]\nurl = "http://127.0.0.1:4200/api"\n'),
            (".env", "PREFECT_API_URL=http://127.0.0.1:4200/api\n"),
            ("prefect/profiles.toml", "not toml ["),
        ],
    )
    def test_prefect_is_asked_where_a_file_may_name_a_server(self, tmp_path, name, text):
        (tmp_path / name).write_text(text)
        assert _is_hinted()

    @pytest.mark.slow
    def test_an_unreachable_server_of_a_profile_gives_one_sentence_without_secrets(self, tmp_path):
        """In a process of its own, as a command is: this one may have Prefect imported, and settings of its own."""
        url = "http://ann:hunter2@127.0.0.1:9/api"  # nothing listens there
        (tmp_path / "prefect" / "profiles.toml").write_text(f'active = "x"\n[profiles.x]\nPREFECT_API_URL = "{url}"\n')
        findings = 'Finding(code=Code.LABEL, severity="error", subject="s", expected="e", found="f", mend="m")'
        code = (
            "from promotion.assembly import announce_findings\n"
            "from promotion.findings import Code, Finding\n"
            f"announce_findings('toy', [{findings}], notice=print)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert re.sub(r"\(.*\)", "(why)", done.stdout) == (
            "The findings could not be announced. Prefect at http://***@127.0.0.1:9/api did not accept the event "
            "promotion.audit_failed (why), so no automation was triggered. Make sure that the server runs. The ledger "
            "is complete.\n"
        )
        assert done.stderr == ""
