"""Alias: earlier deployments, on any Prefect server, name `registry_flows.gate.gate_flow`."""

from registry_flows.flows.gate import gate_flow as gate_flow
