"""The only files that import BentoML, SQLAlchemy and MLflow; each keeps a protocol of `promotion.interfaces`."""
