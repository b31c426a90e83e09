"""The flows: train, gate, retrain, retrain_all, promote, audit; `aio` has them for asynchronous callers."""
