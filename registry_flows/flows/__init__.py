"""The flows: train, gate, retrain, retrain_all, promote, audit; `aio` has awaitable versions."""
