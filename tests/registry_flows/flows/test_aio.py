import asyncio
import inspect
from contextvars import ContextVar

import pytest

from promotion.errors import ConfigError
from registry_flows.flows import aio

FLOWS = {name: getattr(aio, f"{name}_flow") for name in aio.__all__}


@pytest.mark.parametrize(("name", "flow"), FLOWS.items(), ids=FLOWS)
def test_each_has_the_parameters_of_its_flow_and_can_be_awaited(name, flow):
    awaited = getattr(aio, name)
    assert inspect.iscoroutinefunction(awaited)
    assert inspect.signature(awaited) == inspect.signature(flow.fn)
    assert awaited.__doc__ == flow.fn.__doc__


def test_an_awaited_flow_runs_beside_others_in_the_callers_context_and_raises_what_it_raises():
    caller, met = ContextVar("caller"), []

    def work(number: int) -> int:
        met.append(caller.get())
        if number < 0:
            raise ConfigError("No number is below zero.")
        return number

    async def gathered():
        caller.set("outer")
        return await asyncio.gather(*map(aio._awaited(work), (1, 2, -1)), return_exceptions=True)

    one, two, error = asyncio.run(gathered())
    assert (one, two, str(error)) == (1, 2, "No number is below zero.")
    assert met == ["outer"] * 3
