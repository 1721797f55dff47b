"""conversations branch, are pinned and searched, and hold files of their own

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from storage.talk_text import create_statements

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PARENTS = (
    "UPDATE messages SET parent_id = (SELECT max(p.id) FROM messages p "
    "WHERE p.conversation_id = messages.conversation_id AND p.id < messages.id)"
)
LEAVES = (
    "UPDATE conversations SET leaf_id = (SELECT max(m.id) FROM messages m WHERE m.conversation_id = conversations.id)"
)


def upgrade() -> None:
    # Columns are added, never constraints: SQLite would rebuild the table for one, and dropping the old table
    # takes every row along that refers to it.
    op.add_column("corpora", sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("conversations", sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("conversations", sa.Column("leaf_id", sa.Integer(), nullable=True))
    op.add_column("conversations", sa.Column("files_corpus_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_conversations_files_corpus_id"), "conversations", ["files_corpus_id"], unique=False)
    op.add_column("messages", sa.Column("parent_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_messages_parent_id"), "messages", ["parent_id"], unique=False)
    op.add_column("messages", sa.Column("searched_for", sa.Text(), nullable=False, server_default=""))
    op.execute(PARENTS)
    op.execute(LEAVES)
    bind = op.get_bind()
    for statement in create_statements(bind.dialect.name):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("Branches cannot be put back into one line: restore a backup instead.")
