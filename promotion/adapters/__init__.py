"""The only files that import BentoML, SQLAlchemy and MLflow; each keeps one of the protocols of `promotion.seams`."""
