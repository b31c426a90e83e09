"""The registry as static pages that need no server: all models, each model's history, a report for each decision."""

from promotion.report.site.writer import SiteWritten as SiteWritten
from promotion.report.site.writer import write_site as write_site
