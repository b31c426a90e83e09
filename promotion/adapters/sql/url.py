"""The URL of a ledger's database, in SQLAlchemy's form: `sqlite:///file.db`, `postgresql+psycopg://user@host/db`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, quote_plus, unquote

from promotion.errors import ConfigError
from promotion.secrets import without_password

_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_FORM = re.compile(
    r"(?P<driver>[\w+]+)://"
    r"(?:(?P<user>[^:/]*)(?P<password>:[^@]*)?@)?"
    r"(?P<host>\[[^/?]+\]|[^/:?]+)?(?::(?P<port>\d*))?"
    r"(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?"
)


@dataclass(frozen=True, kw_only=True)
class LedgerUrl:
    """The parts of a URL.

    Attributes:
        driver: `sqlite` or `postgresql+psycopg`.
        login: user and password, as far as they are given, by libpq's names.
        host: the host, in brackets if it is an IPv6 address.
        port: the port, in digits.
        database: the file or the name of the database; None if there is no slash before it.
        query: the values of each parameter.
    """

    driver: str
    login: Mapping[str, str]
    host: str | None
    port: str | None
    database: str | None
    query: Mapping[str, Sequence[str]]

    @property
    def on_sqlite(self) -> bool:
        """Whether it names an SQLite database."""
        return self.driver == "sqlite"

    @property
    def place(self) -> str:
        """The URL without passwords, in one form whatever the order of its parameters."""
        login = "***@" if self.login else ""
        server = (self.host or "") + (f":{self.port}" if self.port else "")
        given = ((name, text) for name in sorted(self.query) for text in self.query[name])
        query = "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in given)
        database = "" if self.database is None else f"/{self.database}"
        return without_password(f"{self.driver}://{login}{server}{database}{f'?{query}' if query else ''}")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords that it contains."""
        named = (one for name, given in self.query.items() if "password" in name for one in given)
        return tuple(filter(None, (self.login.get("password"), *named)))


def parsed(url: str) -> LedgerUrl:
    """Parse a URL.

    Raises:
        ConfigError: it is not the URL of a database that can hold a ledger; the sentence does not quote it.
    """
    found = _FORM.fullmatch(url)
    if found is None:
        raise unusable("it has another form")
    driver, user, password, host, port, database, query = found.groups()
    if driver not in _DRIVERS:
        raise unusable("the database or driver is not supported")
    if "@" in (host or ""):
        raise unusable("write '@' in a password as %40")
    login = {"user": unquote(user or ""), "password": unquote((password or "")[1:])}
    return LedgerUrl(
        driver=_DRIVERS[driver],
        login={name: text for name, text in login.items() if text},
        host=host,
        port=port,
        database=database,
        query=parse_qs(query or ""),
    )


def unusable(why: str) -> ConfigError:
    """Return the error for a URL that cannot be used."""
    return ConfigError(
        f"The ledger's URL cannot be used: {why}. A URL looks like sqlite:///ledger.db or "
        "postgresql+psycopg://user@host/db."
    )
