"""Alias: earlier deployments, on any Prefect server, name `registry_flows.retrain.retrain_flow`."""

from registry_flows.flows.retrain import retrain_flow as retrain_flow
