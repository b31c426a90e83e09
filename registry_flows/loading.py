"""Alias: results of `load_data` in a project's cache are pickles that name `registry_flows.loading.recalled`."""

from registry_flows.under_prefect.loading import recalled as recalled
