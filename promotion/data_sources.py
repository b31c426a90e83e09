"""Where rows lie if not in files here: at a URL, or in a database that a query asks.

What lies there may change at any time. A snapshot of it is kept, and from then on treated as any local file.
"""

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

from promotion.secrets import without_password

_URL = re.compile(r"[a-z][a-z0-9+.-]+(::[a-z][a-z0-9+.-]+)*://.*", re.IGNORECASE | re.DOTALL)
_PARAMETERS = re.compile(r"\?[^\s'\"]*")
_SHOWN = 500
_FORMS = 'Input should be text, or a table, { sql = "select …", url = "postgresql://user@host/database" }'


class Query(BaseModel):
    """A query whose rows are the data."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)
    sql: str
    """The query. Name the columns that the recipe needs, so that no others are read."""
    url: SecretStr | None = None
    """SQLAlchemy's URL of the database, or `duckdb:///FILE`. Without a URL, DuckDB runs the query on local files, whose
    names are relative to the configuration's folder. The URL is never shown in any output.
    """

    def __str__(self) -> str:
        """Return the database without password and parameters, and the query."""
        asked = without_password(" ".join(self.sql.split()))[:_SHOWN]
        return f"{_database(self.url.get_secret_value()) if self.url else 'DuckDB'}: {asked}"


def _database(url: str) -> str:
    """Return a URL without its secrets, and `***` for any other text, which may contain a password anywhere."""
    return shown_url(url) if _URL.fullmatch(url) else "***"


Where: TypeAlias = str | Path | Query
"""Where rows lie: a path, a pattern of paths or a URL, as text; or a query."""


def _where(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    if not {"sql"} <= given.keys() <= {"sql", "url"} or not all(isinstance(text, str) for text in given.values()):
        raise ValueError(_FORMS)
    return Query(**given)


DataSource = Annotated[str | Query, BeforeValidator(_where)]
"""The setting that says where rows lie."""


def is_url(where: Where) -> bool:
    """Return whether it is a URL, which is fetched."""
    return isinstance(where, str) and bool(_URL.fullmatch(where))


def is_elsewhere(where: Where) -> bool:
    """Return whether rows must be fetched, by a URL or a query."""
    return isinstance(where, Query) or is_url(where)


def shown_url(url: str) -> str:
    """Return a URL without user, password and parameters, which may be a signature."""
    return _PARAMETERS.sub("?***", without_password(url))


def shown_source(where: Where) -> str:
    """Return a source for output and records, without its secrets."""
    return shown_url(str(where)) if is_url(where) else str(where)


def placed(text: str | None) -> str | None:
    """Return data that a command's option names: a URL as it is, a path from the working folder; None for None."""
    if text is None or is_url(text):
        return text
    return str(Path(text).absolute())
