"""Implementations of `promotion.interfaces`; the only modules that import BentoML, SQLAlchemy and MLflow."""
