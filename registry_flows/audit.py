"""Alias: earlier deployments, on any Prefect server, name `registry_flows.audit.audit_flow`."""

from registry_flows.flows.audit import audit_flow as audit_flow
