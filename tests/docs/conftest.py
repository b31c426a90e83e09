"""Pages run against one Prefect server."""

from servers import prefect_server

__all__ = ["prefect_server"]
