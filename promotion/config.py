"""The configuration: promotion.toml, or `[tool.promotion]` in pyproject.toml; PROMOTION_… variables override each key.

Nested keys are joined by two underscores: PROMOTION_MODELS__FRAUD_CLASSIFIER__DATA. Relative paths are resolved against
the file's folder. The environment variables BENTOML_HOME and MLFLOW_TRACKING_URI override the file.
"""

import os
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from promotion.config_types import Length, PublicKey, WebAddress
from promotion.draws import UNSAID, CleanBy, DependenceWord, Draws, GroupKey
from promotion.durations import TimeUnit
from promotion.errors import ConfigError, PromotionError, UnknownName
from promotion.policy import Policy
from promotion.toml import EnvironmentText, Span, key_at_fault, read_toml, sentences
from promotion.vocabulary import is_name

FILE_NAME = "promotion.toml"
_PREFIX = "PROMOTION_"


class _Environment(EnvSettingsSource):
    """Environment variables, which give numbers as text; in the file, a number in quotes is an error."""

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = _marked(super().__call__())
        return found


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _marked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner) for inner in value]
    return EnvironmentText(value) if isinstance(value, str) else value


class ModelConfig(BaseModel):
    """One model: its recipe, its data, its policy."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)
    recipe: str
    """`package.module:Class` of the recipe. Modules in the working folder are found too."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of the recipe's class."""
    data: str | None = None
    """CSV or Parquet file to train and evaluate on; `promotion retrain --data FILE` takes precedence. Commands
    check that it exists before they start. A name without an extension, a pattern or an address is passed to the recipe
    unchecked.
    """
    holdout: str | None = None
    """File of evaluation rows. The rows of `data` that are not in it are used for training.
    `promotion gate --holdout FILE` takes precedence, and so does `gate --data FILE`, which uses the recipe's own
    holdout.
    """
    mature_after: Span | None = None
    """Minimum age of a row relative to the newest row of its file. Younger rows do not train or evaluate models,
    because their labels may still change. A duration (`"30s"`, `"90m"`, `"12h"`, `"7d"`, `"2w"`), or a number in the
    unit of the recipe's time if that is numeric.
    """
    time_unit: TimeUnit | None = None
    """The unit of the recipe's time, if it is numeric; required if `mature_after` or the window of `group` is a
    duration. With it, blocks of time are whole days.
    """
    group: GroupKey = None
    """Groups of dependent rows, like those of one customer or terminal: a column, `"card1"`, or windows of a time,
    `{ by = "TransactionDT", window = "1d" }` (a number in the column's own unit, or a duration, which requires
    `time_unit` if the column is numeric). Groups, not rows, are then the independent draws of every standard error.
    Overrides the recipe's own `group`.
    """
    dependence: DependenceWord = "auto"
    """How rows depend on each other if there are no groups. `"auto"`: if the recipe has a time, errors are computed by
    blocks of time and by single rows, and the larger half-width counts. `"independent"`: you declare that rows are
    independent, which every decision records.
    """
    clean_by: CleanBy = "row"
    """What must not have trained either model: `"row"`, any evaluation row; `"group"`, any group that contains an
    evaluation row. A version saved without fingerprints of these groups counts as having unknown training rows.
    """
    serving: WebAddress | None = None
    """URL where a running service reports the version it has loaded; `promotion audit` queries it."""
    champion_max_age: Length | None = None
    """`promotion audit` warns (`AUD074`) if a champion has served for longer than this, like `36h`, `30d` or `12w`."""
    policy: Policy
    """The requirements on a version before it may serve."""

    @property
    def draws(self) -> Draws | None:
        """The configured dependence of rows; None if the recipe decides."""
        found = Draws(group=self.group, independent=self.dependence == "independent")
        return None if found == UNSAID else found

    @model_validator(mode="after")
    def _one_dependence(self) -> Self:
        if self.group is not None and self.dependence == "independent":
            message = (
                f"group = '{self.group.name}' says which rows belong together, and dependence = \"independent\" says "
                "that none do. Leave out one of the two."
            )
            raise ConfigError(message, key="dependence")
        return self


class Config(BaseSettings):
    """All settings."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=_PREFIX, env_nested_delimiter="__"
    )
    ledger: str = "sqlite:///.promotion/ledger.db"
    """SQLAlchemy URL of the ledger."""
    mlflow_tracking_uri: str = "sqlite:///.promotion/mlflow.db"
    """Tracking URI for training runs and the mirror: a SQLite URL, or an MLflow server. A missing SQLite file is
    created, but its folder only if it is `.promotion`: another folder may be a share that is not mounted.
    """
    mlflow_artifacts: str = ".promotion/mlartifacts"
    """Folder for artifacts if the tracking URI is a SQLite database; a server has its own."""
    bentoml_home: str = "~/bentoml"
    """Folder of the Bento store, which contains `models`."""
    cache: str = ".promotion/cache"
    """Folder for rows and values that flows cache between runs, and for the audit's cache of digests (`digests.db`);
    you can delete it at any time.
    """
    actor: str | None = None
    """Who acts, recorded as `config:NAME`. Defaults to the Prefect run, or the operating system's user."""
    hand_off: Literal["subflow", "deployment"] = "subflow"
    """How a train flow runs the gate: `"subflow"`, in its own process, or `"deployment"`, by the Prefect deployment
    `gate/gate`, which another worker may run.
    """
    signing_key: SecretStr | None = None
    """PEM file of the Ed25519 key that signs entries, as `promotion key FILE` writes it. The environment variable
    `PROMOTION_SIGNING_KEY` may also contain the text of such a file. Never shown in any output.
    """
    public_keys: dict[str, PublicKey] = Field(default_factory=dict)
    """Public keys by name. If there are any, recording requires a signing key, and `promotion audit` verifies the
    signature of every entry.
    """
    models: dict[str, ModelConfig] = Field(default_factory=dict)
    """Each model by its name: at most 63 of `a-z`, `0-9`, `_`, `-`, `.`."""
    root: Path = Field(default_factory=Path.cwd, exclude=True)
    """The folder that relative paths are resolved against; not a key."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings fixes the signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give the environment precedence over the file (given as arguments)."""
        return _Environment(settings_cls), init_settings

    def model(self, name: str) -> ModelConfig:
        """Return one model's settings.

        Raises:
            UnknownName: the configuration does not contain the model.
        """
        if name not in self.models:
            hint = f"Models are named in {FILE_NAME} as [models.NAME]."
            raise UnknownName("model", name, self.models, hint=hint)
        return self.models[name]

    @property
    def home(self) -> Path:
        """The folder for the default embedded databases, which is created if missing."""
        return self.root / ".promotion"

    def path(self, text: str) -> Path:
        """Resolve a path in the file to an absolute one.

        Raises:
            ConfigError: it begins with `~` for a user without a home folder.
        """
        try:
            return self.root / Path(text).expanduser()
        except RuntimeError as error:
            message = f"The path '{text}' cannot be followed: there is no home folder of that name."
            raise ConfigError(message) from error

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
        file = named or _nearest(Path.cwd())
    except FileNotFoundError as error:
        message = "The current folder no longer exists. Change to another folder."
        raise ConfigError(message) from error
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
        where = f"{file} (or the environment)" if file and _overridden() else str(file or "the environment")
        raise ConfigError(sentences(error, Config, where), key=key_at_fault(error), path=file) from error
    except (SettingsError, RecursionError) as error:
        message = f"A variable {_PREFIX}… in the environment must hold JSON, or name one key ({error})."
        raise ConfigError(message) from error
    except PromotionError as error:
        message = f"{file or 'The environment'}: {error}"
        raise ConfigError(message, key=getattr(error, "key", None), path=file) from error
    for name in config.models:
        if not is_name(name):
            message = f"'{name}' in {file} cannot name a model: a name has at most 63 of a-z, 0-9, '_', '-', '.'."
            raise ConfigError(message, key=f"models.{name}", path=file)
    return config


def _nearest(folder: Path) -> Path | None:
    for place in (folder, *folder.parents):
        if (place / FILE_NAME).is_file():
            return place / FILE_NAME
        pyproject = place / "pyproject.toml"
        if pyproject.is_file() and "promotion" in read_toml(pyproject).get("tool", {}):
            return pyproject
    return None


def _section(path: Path) -> dict[str, Any]:
    """Return this library's part of the file: all of promotion.toml, `[tool.promotion]` of pyproject.toml."""
    try:
        there = path.is_file()
    except OSError:  # a name that is too long
        there = False
    if not there:
        message = f"There is no configuration file at {path}. `promotion init` writes one."
        raise ConfigError(message, path=path)
    data = read_toml(path)
    ours: dict[str, Any] = data.get("tool", {}).get("promotion", {}) if path.name == "pyproject.toml" else data
    return ours


def _overridden() -> bool:
    """Return whether the environment sets a key below a table."""
    return any(name.startswith(_PREFIX) and "__" in name for name in os.environ)


def _check_environment() -> None:
    known = {*(name.upper() for name in Config.model_fields if name != "root"), "CONFIG"}
    for variable in os.environ:
        if variable.startswith(_PREFIX):
            name = variable.removeprefix(_PREFIX).split("__")[0].upper()
            if name not in known:
                raise ConfigError(
                    str(UnknownName("environment variable", variable, [_PREFIX + key for key in known])), key=variable
                )
