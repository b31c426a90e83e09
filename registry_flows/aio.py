"""The flows for asynchronous callers, where earlier releases had them."""

from registry_flows.flows.aio import audit as audit
from registry_flows.flows.aio import gate as gate
from registry_flows.flows.aio import promote as promote
from registry_flows.flows.aio import retrain as retrain
from registry_flows.flows.aio import retrain_all as retrain_all
from registry_flows.flows.aio import train as train
