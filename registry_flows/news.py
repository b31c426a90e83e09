"""Alias: the metadata of earlier editable installations (`pip install -e`) names `registry_flows.news:spread`."""

from registry_flows.under_prefect.listeners import spread as spread
from registry_flows.under_prefect.listeners import spread_findings as spread_findings
