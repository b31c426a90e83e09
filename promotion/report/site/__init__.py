"""The registry as static pages that need no server: all models, each model's history, a report for each decision."""

from promotion.report.site.writing import SiteWritten, write_site

__all__ = ["SiteWritten", "write_site"]
