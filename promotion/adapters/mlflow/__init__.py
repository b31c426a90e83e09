"""MLflow: the connection (`connection`) and the mirror (`mirror`)."""

from promotion.adapters.mlflow.connection import as_mirror_error, check_address, connect, in_short, status_of
from promotion.adapters.mlflow.mirror import MlflowMirror
from promotion.adapters.mlflow.seen import DIGEST, TAG

__all__ = ["DIGEST", "TAG", "MlflowMirror", "as_mirror_error", "check_address", "connect", "in_short", "status_of"]
