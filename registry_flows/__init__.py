"""Runs `promotion` under Prefect: `flows`, what they need of Prefect (`under_prefect`), and the example (`fraud`).

Each other module here but `commands` is a name that data or documents of earlier use; its first line says whose.
"""
