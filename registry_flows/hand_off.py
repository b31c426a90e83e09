"""Results of train flows that a project persists are pickles, and name `registry_flows.hand_off.Candidate`."""
