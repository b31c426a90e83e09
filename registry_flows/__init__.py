"""Runs `promotion` under Prefect: train, gate, retrain, promote and audit flows, and the fraud recipe."""
