"""Where the pages beside a page lie: the site's own pages, and those of MLflow and Prefect."""

import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urlsplit, urlunsplit

from promotion.config import Config

_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,80}")
_BY_PREFECT = "prefect:"


@dataclass(frozen=True, kw_only=True)
class Links:
    """Addresses of other pages. A method returns an empty text if there is no such page, which means no link.

    Attributes:
        mlflow: address of MLflow's pages; empty if there are none.
        prefect: address of Prefect's pages; empty if there are none.
        site: what the names of the site's pages are appended to: empty within the site,
            `https://host/` elsewhere; None if the site is not published.
    """

    mlflow: str = ""
    prefect: str = ""
    site: str | None = None

    def index(self) -> str:
        """Return the first page of the site."""
        return self._page("index.html")

    def model(self, name: str, anchor: str = "") -> str:
        """Return a model's page, or the place on it with this anchor."""
        return self._page(f"{model_page_name(name)}{f'#{anchor}' if anchor else ''}")

    def entry(self, model: str, seq: int) -> str:
        """Return an entry in the list on its model's page."""
        return self.model(model, f"entry-{seq}")

    def version(self, model: str, place: int) -> str:
        """Return a version in the table on its model's page, by its place in order of registration, from 1."""
        return self.model(model, f"version-{place}")

    def decision(self, digest: str) -> str:
        """Return a decision's report."""
        return self._page(decision_page_name(digest))

    def registered(self, model: str) -> str:
        """Return MLflow's page of a registered model."""
        return f"{self.mlflow}/#/models/{quote(model, safe='')}" if self.mlflow else ""

    def run(self, run_id: str | None) -> str:
        """Return MLflow's page of a run. MLflow finds the experiment by itself."""
        return f"{self.mlflow}/#/runs/{quote(run_id, safe='')}" if self.mlflow and run_id else ""

    def actor(self, actor: str) -> str:
        """Return Prefect's list of the flow runs that have the name of an actor such as `prefect:gate toy:good`."""
        if not self.prefect or not actor.startswith(_BY_PREFECT):
            return ""
        return f"{self.prefect}/runs?flow-run-search={quote(actor.removeprefix(_BY_PREFECT), safe='')}"

    def _page(self, name: str) -> str:
        return "" if self.site is None else f"{self.site}{name}"


NO_LINKS = Links()
"""The links of a page that stands alone."""


def links_of(config: Config, *, within_site: bool = False) -> Links:
    """Return the configured links.

    Args:
        config: `links.mlflow` defaults to the tracking URI if that is a server.
        within_site: whether the page is one of the site's pages, which link to each other by name.
    """
    tracking = config.mlflow_tracking_uri
    server = tracking if tracking.startswith(("http://", "https://")) else ""
    published = f"{_base(config.links.site)}/" if config.links.site else None
    return Links(
        mlflow=_base(config.links.mlflow or server),
        prefect=_base(config.links.prefect or ""),
        site="" if within_site else published,
    )


def model_page_name(model: str) -> str:
    """Return the file name of a model's page: `model-fraud_classifier.html`; a digest replaces unsafe names."""
    if _PLAIN.fullmatch(model):
        return f"model-{model}.html"
    return f"model-{sha256(model.encode()).hexdigest()[:16]}.html"


def decision_page_name(digest: str) -> str:
    """Return the file name of a decision's report: `decision-3f2a90c1d4e7.html`."""
    if not re.fullmatch(r"[0-9a-f]{12,64}", digest):
        digest = sha256(digest.encode()).hexdigest()
    return f"decision-{digest[:12]}.html"


def _base(address: str) -> str:
    """Return an address without the credentials that it may contain, and without a slash at its end."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
