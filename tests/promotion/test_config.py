from pathlib import Path

import pytest

from promotion.adapters.sql import SqlLedger
from promotion.assembly import open_registry
from promotion.config import load_config
from promotion.errors import ConfigError, LedgerError, UnknownName

TOY = """
[models.toy]
recipe = "recipes:ToyRecipe"
data   = "rows.csv"
[models.toy.policy]
primary = { metric = "roc_auc" }
"""
SECRET = "hunter2"


@pytest.fixture
def written(tmp_path):
    def write(text, name="promotion.toml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


class TestFinding:
    def test_without_a_file_the_defaults_hold(self, tmp_path):
        config = load_config()
        assert (config.models, config.root) == ({}, tmp_path)
        assert config.url(config.ledger) == f"sqlite:///{tmp_path}/.promotion/ledger.db"
        assert config.path(config.bentoml_home) == Path.home() / "bentoml"

    def test_the_nearest_file_upward_counts_and_paths_count_from_it(self, tmp_path, written, monkeypatch):
        written('actor = "far"')
        written('actor = "near"', "sub/promotion.toml")
        (tmp_path / "sub" / "deep" / "er").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / "sub" / "deep" / "er")
        config = load_config()
        assert (config.actor, config.root) == ("near", tmp_path / "sub")
        assert config.path("data.csv") == tmp_path / "sub" / "data.csv"
        assert config.path("/data.csv").as_posix() == "/data.csv"

    def test_pyproject_counts_when_it_has_our_section(self, tmp_path, written, monkeypatch):
        written('[tool.promotion]\nactor = "ci"\n' + TOY.replace("[models", "[tool.promotion.models"), "pyproject.toml")
        written("[tool.other]\nx = 1", "sub/pyproject.toml")
        monkeypatch.chdir(tmp_path / "sub")
        config = load_config()
        assert (config.actor, list(config.models), config.root) == ("ci", ["toy"], tmp_path)

    def test_promotion_config_and_an_argument_name_a_file(self, written, monkeypatch):
        written('actor = "found"')
        monkeypatch.setenv("PROMOTION_CONFIG", str(written('actor = "named"', "sub/other.toml")))
        assert load_config().actor == "named"
        assert load_config(written('actor = "given"', "sub/given.toml")).actor == "given"
        monkeypatch.setenv("PROMOTION_CONFIG", "absent.toml")
        with pytest.raises(
            ConfigError, match=r"^There is no configuration file at absent\.toml\. `promotion init` writes"
        ):
            load_config()


class TestEnvironment:
    def test_every_key_can_be_set(self, written, monkeypatch):
        written('actor = "file"\nledger = "sqlite:///a.db"\n' + TOY)
        monkeypatch.setenv("PROMOTION_ACTOR", "environment")
        monkeypatch.setenv("PROMOTION_LEDGER", "sqlite:///b.db")
        monkeypatch.setenv("PROMOTION_MODELS__TOY__DATA", "other.csv")
        monkeypatch.setenv("PROMOTION_MODELS__TOY__POLICY__CONFIDENCE", "0.9")
        config = load_config()
        assert (config.actor, config.ledger) == ("environment", "sqlite:///b.db")
        assert (config.models["toy"].data, config.models["toy"].policy.confidence) == ("other.csv", 0.9)
        assert config.models["toy"].recipe == "recipes:ToyRecipe"

    @pytest.mark.parametrize(("text", "value"), [("604800", 604800.0), (" 7d ", "7d"), ("1e3", 1000.0)])
    def test_a_length_of_time_in_a_variable_is_read_as_one_in_the_file(self, written, monkeypatch, text, value):
        written(TOY)
        monkeypatch.setenv("PROMOTION_MODELS__TOY__MATURE_AFTER", text)
        assert load_config().models["toy"].mature_after == value

    def test_what_users_of_the_tools_set_wins_over_the_file(self, written, monkeypatch):
        written('bentoml_home = "here"\nmlflow_tracking_uri = "sqlite:///here.db"')
        monkeypatch.setenv("BENTOML_HOME", "/there")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there")
        config = load_config()
        assert (config.bentoml_home, config.mlflow_tracking_uri) == ("/there", "http://there")
        assert open_registry(config).store.home.as_posix() == "/there"
        assert open_registry(config).mirror.uri == "http://there"

    @pytest.mark.parametrize(
        ("variable", "value", "sentence"),
        [
            (
                "PROMOTION_LEGDER",
                "x",
                r"^There is no environment variable 'PROMOTION_LEGDER'\. Did you mean 'PROMOTION_LEDGER'\?$",
            ),
            ("PROMOTION_ROOT", "/", r"^There is no environment variable 'PROMOTION_ROOT'\."),
            (
                "PROMOTION_MODELS",
                "{bad",
                r"^A variable PROMOTION_… in the environment must hold JSON, or name one key \(",
            ),
            (
                "PROMOTION_MODELS__TOY__POLICY__CONFIDENCE",
                "high",
                r"'confidence' in \[models\.toy\.policy\]: Input should",
            ),
        ],
    )
    def test_a_variable_that_cannot_be_followed_is_one_sentence(self, written, monkeypatch, variable, value, sentence):
        written(TOY)
        monkeypatch.setenv(variable, value)
        with pytest.raises(ConfigError, match=sentence):
            load_config()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("actr = 'ci'", "promotion.toml has an unknown key 'actr'; did you mean 'actor'?"),
        (TOY.replace("data ", "dta "), "promotion.toml has an unknown key 'dta' in [models.toy]; did you mean 'data'?"),
        (
            TOY + "min_row = 5",
            "promotion.toml has an unknown key 'min_row' in [models.toy.policy]; did you mean 'min_rows'?",
        ),
        (
            TOY.replace("metric =", "metrik ="),
            "promotion.toml has an unknown key 'metrik' in [models.toy.policy.primary]; did you mean 'metric'?",
        ),
        (TOY.replace("recipe", "#"), "promotion.toml lacks the key 'recipe' in [models.toy]."),
        (
            TOY.replace("roc_auc", "rocauc"),
            "promotion.toml: 'primary.metric': There is no metric 'rocauc'. Did you mean 'roc_auc'?",
        ),
        (
            TOY.replace("data ", "mature_after = '7 days'\ndata "),
            "promotion.toml, 'mature_after' in [models.toy]: Input should be a number from 0 up in the column's own unit, "
            "or a length of time like 30s, 90m (minutes), 12h, 7d or 2w, found '7 days'.",
        ),
        (
            TOY.replace("data ", "mature_after = -1\ndata "),
            "promotion.toml, 'mature_after' in [models.toy]: Input should be a number from 0 up in the column's own unit, ",
        ),
        (
            TOY.replace("data ", "time_unit = 'seconds'\ndata "),
            "promotion.toml, 'time_unit' in [models.toy]: Input should be 'ns', 'us', 'ms', 's', 'min', 'h' or 'd', found "
            "'seconds'.",
        ),
        (TOY + "confidence = 2", "promotion.toml: 'confidence' must be at least 0.5 and below 1, found 2.0."),
        (
            TOY.replace("models.toy", "models.Toy"),
            "'Toy' in promotion.toml cannot name a model: a name has at most 63 of a-z, 0-9, '_', '-', '.'.",
        ),
        ("actor = 7", "promotion.toml, 'actor': Input should be a valid string, found 7."),
        ("actor = ", "promotion.toml is not valid TOML: "),
        (
            f'ledger = ["postgresql://bob:{SECRET}@db/x"]',
            "promotion.toml, 'ledger': Input should be a valid string, found ['postgresql://***@db/x'].",
        ),
    ],
)
def test_a_file_that_cannot_be_followed_is_one_sentence(written, text, sentence):
    path = written(text)
    with pytest.raises(ConfigError) as raised:
        load_config()
    assert str(raised.value).replace(str(path), "promotion.toml").startswith(sentence)
    assert SECRET not in str(raised.value)


def test_a_model_that_is_not_named_is_one_sentence(written):
    written(TOY)
    with pytest.raises(
        UnknownName, match=r"^There is no model 'tooy'\. Did you mean 'toy'\? Models are named in promotion"
    ):
        load_config().model("tooy")


class TestLedgerUrls:
    @pytest.mark.parametrize(
        "url",
        [
            f"postgresql+nodriver://bob:{SECRET}@db/x",
            f"nosuchbase://bob:{SECRET}@db/x",
            f"postgresql://bob:{SECRET}@db:port/x",
            f"bob:{SECRET}@db/x",
        ],
    )
    def test_one_that_cannot_be_used_is_told_without_its_password(self, url):
        with pytest.raises(
            ConfigError, match=r"^The ledger's URL cannot be used: expected something like sqlite"
        ) as raised:
            SqlLedger(url)
        assert SECRET not in str(raised.value)
        assert raised.value.__cause__ is None

    def test_a_file_that_is_no_database_is_one_sentence(self, tmp_path):
        (tmp_path / "ledger.db").write_text("Dear diary, " * 100)
        with pytest.raises(
            LedgerError, match=r"^The ledger at sqlite:.*ledger\.db cannot be used \(file is not a database\)"
        ):
            SqlLedger(f"sqlite:///{tmp_path}/ledger.db")

    def test_a_folder_that_cannot_be_made_is_one_sentence(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(LedgerError, match=r"^The ledger's folder .*file/sub cannot be made \(Not a directory\)\.$"):
            SqlLedger(f"sqlite:///{tmp_path}/file/sub/ledger.db").make()


def test_the_actor_of_the_configuration_goes_before_the_user(written, monkeypatch):
    monkeypatch.setenv("LOGNAME", "alice")
    assert open_registry().parts.writer._actor() == "os:alice"
    assert open_registry(actor=lambda: "prefect:swift-otter").parts.writer._actor() == "prefect:swift-otter"
    written('actor = "ci"')
    assert open_registry(actor=lambda: "prefect:swift-otter").parts.writer._actor() == "config:ci"
