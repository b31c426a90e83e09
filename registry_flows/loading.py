"""Results of `load_data` that lie in a project's cache are pickles, and name `registry_flows.loading.recalled`."""

from registry_flows.under_prefect.loading import recalled as recalled
