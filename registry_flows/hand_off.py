"""Alias: persisted results of train flows are pickles that name `registry_flows.hand_off.Candidate`."""

from registry_flows.under_prefect.hand_off import TrainedVersion as Candidate

__all__ = ["Candidate"]
