"""Prefect integration: server, caches, events, artifacts, forms and deployments.

The package is not named `prefect`: a script in `registry_flows/` would import it instead of the library.
"""
