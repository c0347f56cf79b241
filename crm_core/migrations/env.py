"""Alembic's environment: migrations run on the engine that `crm_core.schema` hands over."""

from alembic import context

from crm_core.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=False,
    include_name=lambda name, kind, _parents: not (kind == "table" and str(name).startswith("customer_search")),
)
with context.begin_transaction():
    context.run_migrations()
