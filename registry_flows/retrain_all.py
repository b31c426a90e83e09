"""Alias: earlier deployments name `registry_flows.retrain_all.retrain_all_flow`; its persisted results, `Outcome`."""

from registry_flows.flows.retrain_all import RetrainOutcome as Outcome
from registry_flows.flows.retrain_all import retrain_all_flow

__all__ = ["Outcome", "retrain_all_flow"]
