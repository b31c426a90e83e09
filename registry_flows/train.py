"""Alias: earlier deployments, on any Prefect server, name `registry_flows.train.train_flow`."""

from registry_flows.flows.train import train_flow as train_flow
