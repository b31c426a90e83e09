"""Alembic's environment: writes the statements of the revisions, which the caller executes in its transaction."""

from alembic import context

from promotion.adapters.sql.tables import VERSION_TABLE

context.configure(
    dialect_name=context.config.attributes["dialect"],
    output_buffer=context.config.output_buffer,
    version_table=VERSION_TABLE,
    transactional_ddl=False,
)
context.run_migrations()
