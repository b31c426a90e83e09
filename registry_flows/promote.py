"""Alias: earlier deployments, on any Prefect server, name `registry_flows.promote.promote_flow`."""

from registry_flows.flows.promote import promote_flow as promote_flow
