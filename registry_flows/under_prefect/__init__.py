"""What Prefect needs: its server, caches, events, artifacts, forms and deployments.

Not named `prefect`: beside a script in `registry_flows/`, Python would take it for the library.
"""
