"""`promotion init`: writes a file that loads, and keeps an existing one."""

from promotion.config import load_config


class TestInit:
    def test_writes_a_file_that_loads_and_keeps_one_that_is_there(self, command, tmp_path):
        code, out, _ = command("init")
        assert (code, out.split(".")[0]) == (0, "Wrote promotion")
        config = load_config()
        assert config.models["fraud_classifier"].recipe == "registry_flows.fraud:FraudRecipe"
        (tmp_path / "promotion.toml").write_text("# mine")
        code, out, err = command("init")
        assert (code, out) == (1, "")
        assert err == "Error: promotion.toml already exists and was not changed. Remove it first to start over.\n"
        assert (tmp_path / "promotion.toml").read_text() == "# mine"

    def test_a_folder_that_is_not_there_is_one_sentence(self, command):
        assert command("init", "absent") == (
            1,
            "",
            "Error: absent/promotion.toml cannot be written (No such file or directory).\n",
        )
