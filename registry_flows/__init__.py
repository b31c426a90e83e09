"""Runs `promotion` under Prefect: flows (`flows`), Prefect integration (`under_prefect`), and the example (`fraud`).

Every other module here except `commands` keeps a name that earlier data or documents use; its docstring says which.
"""
