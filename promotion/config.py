"""The configuration: promotion.toml, or `[tool.promotion]` in pyproject.toml; PROMOTION_… variables override each key.

Nested keys are joined by two underscores: PROMOTION_MODELS__FRAUD_CLASSIFIER__DATA. Relative paths are resolved against
the file's folder. The environment variables BENTOML_HOME and MLFLOW_TRACKING_URI override the file.
"""

import os
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from promotion.config_types import Length, PublicKey, WebAddress
from promotion.data_sources import DataSource
from promotion.draws import UNSAID, CleanBy, DependenceWord, Draws, GroupKey
from promotion.durations import TimeUnit
from promotion.errors import ConfigError, PromotionError, UnknownName
from promotion.policy import Policy
from promotion.toml import Span, key_at_fault, read_toml, sentences
from promotion.vocabulary import is_name

FILE_NAME = "promotion.toml"
_PREFIX = "PROMOTION_"


class ModelConfig(BaseModel):
    """One model: its recipe, its data, its policy."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)
    recipe: str
    """`package.module:Class` of the recipe. The module may be in the working folder."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of the recipe's class."""
    data: DataSource | None = None
    """Rows to train and evaluate on: a CSV or Parquet file, a folder or a pattern of such files, a URL, or a query,
    `{ sql = "select …", url = "postgresql://…" }` ([how](../how-to/data-sources.md)). `promotion retrain --data` takes
    precedence. Commands check that files exist before they start. Other names are passed to the recipe unchecked.
    """
    holdout: DataSource | None = None
    """Evaluation rows, in the same forms. Training uses the rows of `data` that are not among them. `promotion gate
    --holdout` takes precedence, and so does `promotion gate --data`, which uses the recipe's own holdout.
    """
    mature_after: Span | None = None
    """Minimum age of a row relative to the newest row of its file. Younger rows are not used for training or
    evaluation, because their labels may still change. A duration (`"30s"`, `"90m"`, `"12h"`, `"7d"`, `"2w"`), or a
    number in the unit of the recipe's time if that time is numeric.
    """
    time_unit: TimeUnit | None = None
    """The unit of the recipe's time, if that time is numeric; required if `mature_after` or the window of `group` is a
    duration. If it is set, blocks of time are whole days.
    """
    group: GroupKey = None
    """Groups of rows that depend on each other, such as the rows of one customer: a column, `"card1"`, or time windows,
    `{ by = "TransactionDT", window = "1d" }`. The window is a number in the column's own unit, or a duration, which
    requires `time_unit` if the column is numeric. Standard errors then treat groups, not rows, as independent.
    Overrides the recipe's own `group`.
    """
    dependence: DependenceWord = "auto"
    """How rows depend on each other if there are no groups. `"auto"`: if the recipe has a time, standard errors are
    computed by blocks of time and by single rows, and the wider interval is used. `"independent"`: you declare that
    rows are independent, and every decision records this.
    """
    clean_by: CleanBy = "row"
    """Which rows neither model may have been trained on: `"row"`, the evaluation rows; `"group"`, all rows of a group
    that contains an evaluation row. If a version was saved without fingerprints of these groups, its training rows are
    treated as unknown.
    """
    serving: WebAddress | None = None
    """URL where a running service reports the version that it has loaded; `promotion audit` queries it."""
    champion_max_age: Length | None = None
    """`promotion audit` warns (`AUD074`) if a champion has been in production for longer than this, such as `36h`,
    `30d` or `12w`.
    """
    policy: Policy
    """The requirements that a version must meet to be promoted."""

    @property
    def draws(self) -> Draws | None:
        """The configured dependence of rows; None if the recipe decides."""
        found = Draws(group=self.group, independent=self.dependence == "independent")
        return None if found == UNSAID else found

    @model_validator(mode="after")
    def _one_dependence(self) -> Self:
        if self.group is not None and self.dependence == "independent":
            message = (
                f"group = '{self.group.name}' and dependence = \"independent\" contradict each other. Leave out one of "
                "the two."
            )
            raise ConfigError(message, key="dependence")
        return self


class LinksConfig(BaseModel):
    """Where pages lie that reports link to."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)
    mlflow: WebAddress | None = None
    """Address of MLflow's pages, to which reports and the site link training runs and models. Defaults to
    `mlflow_tracking_uri` if that is a server.
    """
    prefect: WebAddress | None = None
    """Address of Prefect's pages, like `http://127.0.0.1:4200`. Reports, the site and the descriptions of versions in
    MLflow link to flow runs there.
    """
    site: WebAddress | None = None
    """Address at which you publish the site of `promotion report --site`. Single reports and the descriptions of
    versions in MLflow link to it.
    """


class Config(BaseModel):
    """All settings."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)
    ledger: str = "sqlite:///.promotion/ledger.db"
    """URL of the ledger: `sqlite:///PATH`, or `postgresql://USER@HOST/DATABASE` with libpq's parameters."""
    mlflow_tracking_uri: str = "sqlite:///.promotion/mlflow.db"
    """MLflow tracking URI for training runs and for the copy of the ledger: a SQLite URL, or the URL of an MLflow
    server. A missing SQLite file is created. A missing folder is created only if it is `.promotion`; any other folder
    may be a share that is not mounted.
    """
    mlflow_artifacts: str = ".promotion/mlartifacts"
    """Folder for artifacts if the tracking URI is a SQLite database; an MLflow server has its own."""
    bentoml_home: str = "~/bentoml"
    """Folder of the BentoML model store, which contains `models`."""
    cache: str = ".promotion/cache"
    """Folder for the rows and results that flows cache, for the audit's cache of digests (`digests.db`), for the
    outcome of each model's last audit (`audits`), and for marks of the versions that scored rows here (`scored`). You
    can delete it at any time.
    """
    snapshots: str = ".promotion/snapshots"
    """Folder of the rows that were read from URLs and queries. Decisions are recomputed from them, so keep them;
    `promotion gc` deletes those that no record needs.
    """
    actor: str | None = None
    """Name of the person or program that makes changes, recorded as `config:NAME`. Defaults to the Prefect run, or the
    operating system's user.
    """
    hand_off: Literal["subflow", "deployment"] = "subflow"
    """How a train flow runs the gate: `"subflow"` runs it in the same process; `"deployment"` runs the Prefect
    deployment `gate/gate`, possibly on another worker.
    """
    signing_key: SecretStr | None = None
    """PEM file of the Ed25519 key that signs entries; `promotion key FILE` writes such a file. The environment variable
    `PROMOTION_SIGNING_KEY` may also contain the text of the file. The key is never shown in any output.
    """
    public_keys: dict[str, PublicKey] = Field(default_factory=dict)
    """Public keys by name. If any are set, commands record nothing without a signing key, and `promotion audit`
    verifies the signature of every entry.
    """
    links: LinksConfig = Field(default_factory=LinksConfig)
    """URLs that reports link to. Without a URL, reports show the name or id as plain text."""
    models: dict[str, ModelConfig] = Field(default_factory=dict)
    """The models by name. A name has at most 63 of the characters `a-z`, `0-9`, `_`, `-`, `.`."""
    root: Path = Field(default_factory=Path.cwd, exclude=True)
    """The folder that relative paths are resolved against; not a key."""

    def __init__(self, **given: Any) -> None:
        if _overridden():  # only then: the library that reads the variables takes a tenth of a short command
            from promotion.environment import with_environment

            given = with_environment(given, type(self), _PREFIX)
        super().__init__(**given)

    def model(self, name: str) -> ModelConfig:
        """Return one model's settings.

        Raises:
            UnknownName: the configuration does not contain the model.
        """
        if name not in self.models:
            here = f"Run this in the folder of {FILE_NAME}, or set PROMOTION_CONFIG to that file."
            named = f"Models are named in {FILE_NAME} as [models.NAME]."
            hint = named if self.models else f"No model is configured in {self.root}. {here} {named}"
            raise UnknownName("model", name, self.models, hint=hint)
        return self.models[name]

    @property
    def home(self) -> Path:
        """The folder for the default embedded databases, which is created if missing."""
        return self.root / ".promotion"

    @property
    def unsaved(self) -> Path:
        """The folder of trained models that could not be logged or saved."""
        return self.home / "unsaved"

    def path(self, text: str) -> Path:
        """Resolve a path in the file to an absolute one.

        Raises:
            ConfigError: it begins with `~` for a user without a home folder.
        """
        try:
            return self.root / Path(text).expanduser()
        except RuntimeError as error:
            raise ConfigError(f"The path '{text}' cannot be resolved: there is no home folder of that name.") from error

    def url(self, text: str) -> str:
        """Resolve the relative path of a SQLite URL; return other URLs unchanged."""
        scheme, slashes, rest = text.partition(":///")
        if scheme.startswith("sqlite") and slashes and rest and not rest.startswith(("/", ":memory:")):
            return f"{scheme}:///{self.root / rest}"
        return text


def load_config(path: Path | None = None) -> Config:
    """Load the configuration: the given file, or PROMOTION_CONFIG, or the nearest file upward, or the defaults.

    Raises:
        ConfigError: it cannot be read or is invalid.
    """
    named = path or (Path(os.environ["PROMOTION_CONFIG"]) if "PROMOTION_CONFIG" in os.environ else None)
    try:
        file = named or nearest_file(Path.cwd())
    except FileNotFoundError as error:
        raise ConfigError("The current folder no longer exists. Change to another folder.") from error
    _check_environment()
    data = _section(file) if file else {}
    root = (file.parent if file else Path.cwd()).resolve()
    with_environment = data | {
        key: os.environ[name]
        for key, name in (("bentoml_home", "BENTOML_HOME"), ("mlflow_tracking_uri", "MLFLOW_TRACKING_URI"))
        if os.environ.get(name)
    }
    try:
        config = Config(**with_environment, root=root)
    except ValidationError as error:
        where = f"{file} (or the environment)" if file and _overridden("__") else str(file or "the environment")
        raise ConfigError(sentences(error, Config, where), key=key_at_fault(error), path=file) from error
    except (ValueError, RecursionError) as error:
        message = f"An environment variable {_PREFIX}… must contain JSON or name a single key ({error})."
        raise ConfigError(message) from error
    except PromotionError as error:
        message = f"{file or 'The environment'}: {error}"
        raise ConfigError(message, key=getattr(error, "key", None), path=file) from error
    for name in config.models:
        if not is_name(name):
            message = f"'{name}' in {file} cannot name a model: a name has at most 63 of a-z, 0-9, '_', '-', '.'."
            raise ConfigError(message, key=f"models.{name}", path=file)
    return config


def nearest_file(folder: Path) -> Path | None:
    """Return the settings file of this folder or of its nearest parent; None if no folder has one."""
    for place in (folder, *folder.parents):
        if (place / FILE_NAME).is_file():
            return place / FILE_NAME
        pyproject = place / "pyproject.toml"
        if pyproject.is_file() and "promotion" in read_toml(pyproject).get("tool", {}):
            return pyproject
    return None


def policies(file: Path | None) -> dict[str, Policy]:
    """Return the policy of each model of a configuration.

    Raises:
        ConfigError: the configuration is invalid, or configures no model.
    """
    found = {name: settings.policy for name, settings in load_config(file).models.items()}
    if not found:
        message = (
            f"{file or 'The configuration'} configures no model, so it contains no policy. `promotion init` writes an "
            "example."
        )
        raise ConfigError(message, path=file)
    return found


def _section(path: Path) -> dict[str, Any]:
    """Return this library's part of the file: all of promotion.toml, `[tool.promotion]` of pyproject.toml."""
    try:
        there = path.is_file()
    except OSError:  # a name that is too long
        there = False
    if not there:
        raise ConfigError(f"There is no configuration file at {path}. `promotion init` writes one.", path=path)
    data = read_toml(path)
    ours: dict[str, Any] = data.get("tool", {}).get("promotion", {}) if path.name == "pyproject.toml" else data
    return ours


def _overridden(within: str = "") -> bool:
    """Return whether a variable sets a key; with `__`, a key below a table."""
    names = (name.upper() for name in os.environ)
    return any(name.startswith(_PREFIX) and name != f"{_PREFIX}CONFIG" and within in name for name in names)


def _check_environment() -> None:
    known = {*(name.upper() for name in Config.model_fields if name != "root"), "CONFIG"}
    for variable in os.environ:
        if variable.startswith(_PREFIX):
            name = variable.removeprefix(_PREFIX).split("__")[0].upper()
            if name not in known:
                raise ConfigError(
                    str(UnknownName("environment variable", variable, [_PREFIX + key for key in known])), key=variable
                )
