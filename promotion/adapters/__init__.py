"""Implementations of `promotion.interfaces`; the only modules that import BentoML, Alembic and MLflow."""
