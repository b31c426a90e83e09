"""Deployments made earlier name `registry_flows.retrain_all.retrain_all_flow`, results that it persisted `Outcome`."""

from registry_flows.flows.retrain_all import RetrainOutcome as Outcome
from registry_flows.flows.retrain_all import retrain_all_flow

__all__ = ["Outcome", "retrain_all_flow"]
