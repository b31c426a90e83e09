"""Awaitable versions of the flows, for asynchronous callers. Each call runs its flow in a thread.

await asyncio.gather(aio.retrain("fraud_classifier"), aio.retrain("churn"))
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from registry_flows.flows.audit import audit_flow
from registry_flows.flows.gate import gate_flow
from registry_flows.flows.promote import promote_flow
from registry_flows.flows.retrain import retrain_flow
from registry_flows.flows.retrain_all import retrain_all_flow
from registry_flows.flows.train import train_flow

__all__ = ["audit", "gate", "promote", "retrain", "retrain_all", "train"]

P = ParamSpec("P")
R = TypeVar("R")


def _awaited(flow: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Run the flow in a thread of its own; within another flow, it is a child run, like the synchronous version."""
    body: Any = getattr(flow, "fn", flow)

    @wraps(body)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(flow, *args, **kwargs)

    return run


train = _awaited(train_flow)
gate = _awaited(gate_flow)
retrain = _awaited(retrain_flow)
retrain_all = _awaited(retrain_all_flow)
promote = _awaited(promote_flow)
audit = _awaited(audit_flow)
