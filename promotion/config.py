"""The configuration: promotion.toml, or `[tool.promotion]` in pyproject.toml, each key overridable as PROMOTION_….

Nested keys are joined by two underscores: PROMOTION_MODELS__FRAUD_CLASSIFIER__DATA. Relative paths count from the
file's own folder. BENTOML_HOME and MLFLOW_TRACKING_URI in the environment win over the file.
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
from promotion.toml import EnvironmentText, Span, read_toml, sentences
from promotion.vocabulary import is_name

FILE_NAME = "promotion.toml"
_PREFIX = "PROMOTION_"


class _Environment(EnvSettingsSource):
    """Variables, whose numbers are text; in the file a number in quotes is a mistake."""

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
    """CSV or Parquet file to train on and to judge by; `promotion retrain --data FILE` takes precedence. Commands
    check that it is there before they start anything. They leave a name without an ending, a pattern or an address to
    the recipe.
    """
    holdout: str | None = None
    """A file whose rows all judge; the rows of `data` that are not among them train. `promotion gate --holdout FILE`
    takes precedence, and so does `gate --data FILE`, of which the recipe's own holdout judges.
    """
    mature_after: Span | None = None
    """Rows that are not at least so much older than the newest row of their file neither train nor judge: too young for
    their label to be trusted. A length of time (`"30s"`, `"90m"`, `"12h"`, `"7d"`, `"2w"`), or where the recipe's time
    is a number, a number in its unit.
    """
    time_unit: TimeUnit | None = None
    """What the recipe's time counts in, where it is a number; needed where `mature_after` or the window of `group` is a
    length of time. With it, blocks of time are whole days.
    """
    group: GroupKey = None
    """Which rows belong together, like those of one customer or terminal: a column, `"card1"`, or windows of a time,
    `{ by = "TransactionDT", window = "1d" }` (a number in the column's own unit, or a length of time, which needs
    `time_unit` where the column holds numbers). Groups, not rows, are then the draws of every error. It goes before the
    recipe's own `group`.
    """
    dependence: DependenceWord = "auto"
    """How rows depend on each other where no group is named. `"auto"`: where the recipe has a time, blocks of time are
    asked beside single rows, and the larger half-width decides. `"independent"`: each row is a draw of its own, by your
    word, which every decision records.
    """
    clean_by: CleanBy = "row"
    """What must not have trained either model: `"row"`, no row that judges; `"group"`, no group that such a row is
    in. A version that was saved without fingerprints of these groups counts as unknown.
    """
    serving: WebAddress | None = None
    """Where a running service says which version it has loaded; `promotion audit` asks it."""
    champion_max_age: Length | None = None
    """An audit warns (`AUD074`) of a champion that serves for longer, like `36h`, `30d` or `12w`."""
    policy: Policy
    """What must hold before a version may serve."""

    @property
    def draws(self) -> Draws | None:
        """What counts as a draw of its own among the rows; None where that is the recipe's to say."""
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
    """Where trainings are logged and the mirror is kept: a SQLite URL, or an MLflow server. A SQLite file that is not
    there yet is made, but its folder is not, unless it is `.promotion`: it may be a share that is not mounted.
    """
    mlflow_artifacts: str = ".promotion/mlartifacts"
    """Folder for artifacts when the tracking URI is a SQLite database; a server keeps its own."""
    bentoml_home: str = "~/bentoml"
    """Folder of the Bento store; models lie in `models` below it."""
    cache: str = ".promotion/cache"
    """Folder of the rows and values that flows keep from run to run, and of the digests that audits do (`digests.db`);
    it may be deleted at any time.
    """
    actor: str | None = None
    """Who acts, recorded as `config:NAME`. Without it: the Prefect run, or the operating system's user."""
    hand_off: Literal["subflow", "deployment"] = "subflow"
    """How a train flow asks the gate: `"subflow"`, in its own process, or `"deployment"`, by the Prefect deployment
    `gate/gate`, whose worker may be another.
    """
    signing_key: SecretStr | None = None
    """PEM file of the Ed25519 key that signs entries, as `promotion key FILE` writes it. In the environment, as
    `PROMOTION_SIGNING_KEY`, the text of such a file will do. Never shown anywhere.
    """
    public_keys: dict[str, PublicKey] = Field(default_factory=dict)
    """Public keys by name. Once there is one, nothing is recorded without a signing key, and `promotion audit` holds
    every entry against them.
    """
    models: dict[str, ModelConfig] = Field(default_factory=dict)
    """Each model by its name: at most 63 of `a-z`, `0-9`, `_`, `-`, `.`."""
    root: Path = Field(default_factory=Path.cwd, exclude=True)
    """The folder that relative paths count from; not a key."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings fixes the signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file (given as arguments)."""
        return _Environment(settings_cls), init_settings

    def model(self, name: str) -> ModelConfig:
        """One model's settings.

        Raises:
            UnknownName: the file does not name it.
        """
        if name not in self.models:
            hint = f"Models are named in {FILE_NAME} as [models.NAME]."
            raise UnknownName("model", name, self.models, hint=hint)
        return self.models[name]

    @property
    def home(self) -> Path:
        """The folder of what is embedded by default, which is made where it is not there."""
        return self.root / ".promotion"

    def path(self, text: str) -> Path:
        """A path of the file, made absolute.

        Raises:
            ConfigError: it begins with the home of somebody who has none.
        """
        try:
            return self.root / Path(text).expanduser()
        except RuntimeError as error:
            message = f"The path '{text}' cannot be followed: there is no home folder of that name."
            raise ConfigError(message) from error

    def url(self, text: str) -> str:
        """A URL of the file; the relative path of a SQLite one made absolute."""
        scheme, slashes, rest = text.partition(":///")
        if scheme.startswith("sqlite") and slashes and rest and not rest.startswith(("/", ":memory:")):
            return f"{scheme}:///{self.root / rest}"
        return text


def load_config(path: Path | None = None) -> Config:
    """Read the configuration: the file given, or named by PROMOTION_CONFIG, or the nearest one upward, or none.

    Raises:
        ConfigError: it cannot be read or followed.
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
        raise ConfigError(sentences(error, Config, where), path=file) from error
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
    """Our part of the file: all of promotion.toml, `[tool.promotion]` of pyproject.toml."""
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
    """Whether a key below a table is set in the environment."""
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
