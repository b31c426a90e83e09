"""MLflow: reaching it (`connection`) and the mirror that is kept there (`mirror`)."""

from promotion.adapters.mlflow.connection import connect, in_short
from promotion.adapters.mlflow.mirror import DIGEST, MlflowMirror

__all__ = ["DIGEST", "MlflowMirror", "connect", "in_short"]
