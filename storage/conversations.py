"""Conversations and their questions: a tree of messages of which one path is shown.

What answers are made of is in `storage/answers.py`, how paths are found in `storage/branches.py`.
"""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from storage import audit, postgres, talk_text, traces
from storage.answers import Answers, found
from storage.branches import newest_leaf, path
from storage.errors import Damaged, NotFound
from storage.rows import ConversationRow, FoundTalk, MessageRow, copied
from storage.tables import Conversation, Message, now

Rows = list  # the word itself names a method of the class below
TITLE = 80  # characters of the first question that become the title
LEAF = -1
"""As the message before a new one: the end of the path that is shown."""


class Conversations(Answers):
    """All writes are one transaction each."""

    def create(self, corpus_id: int, mode: str = "rag") -> ConversationRow:
        """Begin an empty conversation; its first question becomes its title."""
        with self._database.write() as session:
            conversation = Conversation(corpus_id=corpus_id, mode=mode)
            session.add(conversation)
            session.flush()
            audit.note(session, "begun", "conversation", conversation.id, corpus_id=corpus_id, mode=mode)
            return copied(ConversationRow, conversation)

    def list(self, corpus_id: int) -> Rows[ConversationRow]:
        """A corpus's conversations: the pinned ones, then the others, the one used last first."""
        query = select(Conversation).where(Conversation.corpus_id == corpus_id, Conversation.comparison_id.is_(None))
        order = Conversation.pinned.desc(), Conversation.updated_at.desc(), Conversation.id.desc()
        with self._database.read() as session:
            return [copied(ConversationRow, row) for row in session.scalars(query.order_by(*order))]

    def search(self, corpus_id: int, wanted: str, limit: int = 30) -> Rows[FoundTalk]:
        """Conversations whose title holds the words as typed, then those whose messages hold every one of them.

        While the full text of conversations is damaged, titles alone are looked through.
        """
        query = select(Conversation.id, Conversation.title).where(
            Conversation.corpus_id == corpus_id, Conversation.comparison_id.is_(None)
        )
        words = wanted.strip().casefold()  # compared here: SQLite knows the case of ASCII letters alone
        with self._database.read() as session:
            messages = _holding(session, corpus_id, wanted, 4 * limit)
            first = {each.conversation_id: each for each in reversed(messages)}
            titles = session.execute(query.order_by(Conversation.updated_at.desc())).all()
            titled = [key for key, title in titles if words in title.casefold()][:limit]
            ids = dict.fromkeys([*titled, *(each.conversation_id for each in messages)])
            talks = [found(session, Conversation, key) for key in ids]
            rows = [copied(ConversationRow, talk) for talk in talks][:limit]
        nothing = talk_text.FoundMessage(0, None, "")
        return [FoundTalk(row, *first.get(row.id, nothing)[1:]) for row in rows]

    def get(self, conversation_id: int) -> ConversationRow:
        """One conversation; raises NotFound."""
        with self._database.read() as session:
            return copied(ConversationRow, found(session, Conversation, conversation_id))

    def rename(self, conversation_id: int, title: str) -> None:
        """Give a conversation another title; raises NotFound."""
        with self._database.write() as session:
            row = found(session, Conversation, conversation_id)
            row.title = title
            audit.note(session, "renamed", "conversation", conversation_id, corpus_id=row.corpus_id)

    def pin(self, conversation_id: int, pinned: bool) -> None:
        """Keep a conversation above the others, or let go of it; raises NotFound."""
        with self._database.write() as session:
            found(session, Conversation, conversation_id).pinned = pinned

    def set_mode(self, conversation_id: int, mode: str) -> None:
        """Answer in that mode from now on; raises NotFound."""
        with self._database.write() as session:
            found(session, Conversation, conversation_id).mode = mode

    def set_files(self, conversation_id: int, corpus_id: int | None) -> None:
        """Name the hidden corpus with the conversation's own files; raises NotFound."""
        with self._database.write() as session:
            found(session, Conversation, conversation_id).files_corpus_id = corpus_id

    def with_files(self) -> dict[int, int]:
        """The hidden corpora that conversations name, each with its conversation."""
        query = select(Conversation.files_corpus_id, Conversation.id).where(Conversation.files_corpus_id.is_not(None))
        with self._database.read() as session:
            return {corpus: conversation for corpus, conversation in session.execute(query) if corpus is not None}

    def corpus_of_files(self, files_corpus_id: int) -> int | None:
        """The corpus of the conversation whose files are in a hidden corpus; None when it is gone."""
        query = select(Conversation.corpus_id).where(Conversation.files_corpus_id == files_corpus_id)
        with self._database.read() as session:
            return session.scalar(query.limit(1))

    def show(self, message_id: int) -> None:
        """Show the path through a message, to the newest reply below it; raises NotFound."""
        with self._database.write() as session:
            message = found(session, Message, message_id)
            rows = _messages(session, message.conversation_id)
            found(session, Conversation, message.conversation_id).leaf_id = newest_leaf(rows, message_id)

    def examples_of(self, conversation_id: int) -> Rows[int]:
        """The examples that were made of a conversation's answers."""
        with self._database.read() as session:
            return traces.of_messages(session, traces.messages_of(session, conversation_id))

    def made_of(self, conversation_id: int) -> traces.Traces:
        """How much was made of a conversation's answers that deleting it leaves, unless it is erased with it."""
        with self._database.read() as session:
            return traces.count_of_messages(session, traces.messages_of(session, conversation_id))

    def delete(self, conversation_id: int, erase: bool = False) -> None:
        """Delete a conversation with its messages and feedback, down to the full text and the write-ahead log.

        The files of the conversation alone are the caller's to delete before it. With `erase` what was made of
        its answers goes as well: examples, gold questions, and the words that evaluations copied from those.
        """
        with self._database.write() as session:
            if erase:
                traces.erase_of_messages(session, traces.messages_of(session, conversation_id))
            if (row := session.get(Conversation, conversation_id)) is not None:
                audit.note(session, "deleted", "conversation", conversation_id, corpus_id=row.corpus_id)
            session.execute(delete(Conversation).where(Conversation.id == conversation_id))
            talk_text.sweep(session)
        self._database.forget_deleted()

    def messages(self, conversation_id: int) -> Rows[MessageRow]:
        """Every question and answer, of all branches, in the order in which they were written."""
        with self._database.read() as session:
            return _messages(session, conversation_id)

    def path(self, conversation_id: int) -> Rows[MessageRow]:
        """The questions and answers of the path that is shown, in order; raises NotFound."""
        with self._database.read() as session:
            leaf_id = found(session, Conversation, conversation_id).leaf_id
            return path(_messages(session, conversation_id), leaf_id)

    def add_question(self, conversation_id: int, text: str, after: int | None = LEAF, title: str = "") -> MessageRow:
        """Add a question behind the message `after` of it (None: a first question); raises NotFound.

        `title` names a conversation that has no name yet; else the question does.
        """
        self._storable(text)
        with self._database.write() as session:
            return _asked(session, found(session, Conversation, conversation_id), text, after, title)

    def ask(
        self,
        conversation_id: int,
        text: str,
        mode: str,
        base_model: str = "",
        after: int | None = LEAF,
        title: str = "",
    ) -> tuple[MessageRow, MessageRow]:
        """Add a question and its empty answer, with status streaming, in one transaction; raises NotFound."""
        self._storable(text)
        with self._database.write() as session:
            conversation = found(session, Conversation, conversation_id)
            question = _asked(session, conversation, text, after, title)
            answer = Message(role="assistant", status="streaming", mode=mode, base_model=base_model)
            return question, _added(session, conversation, answer, question.id)

    def _storable(self, text: str) -> None:
        if self._database.dialect != "sqlite":
            postgres.refuse_zero(text)

    def begin_answer(
        self, conversation_id: int, mode: str, base_model: str = "", question_id: int = LEAF
    ) -> MessageRow:
        """Add an empty answer to a question, with status streaming; raises NotFound."""
        with self._database.write() as session:
            conversation = found(session, Conversation, conversation_id)
            answer = Message(role="assistant", status="streaming", mode=mode, base_model=base_model)
            return _added(session, conversation, answer, question_id)

    def discard(self, message_id: int) -> None:
        """Delete an answer that another one has taken the place of, unless something was said after it."""
        with self._database.write() as session:
            if session.scalar(select(Message.id).where(Message.parent_id == message_id).limit(1)) is None:
                session.execute(delete(Message).where(Message.id == message_id))
                talk_text.sweep(session)

    def words_agree(self) -> bool:
        """A quick look, for a start: whether the full text of conversations is readable and as long as it should be."""
        with self._database.read() as session:
            return talk_text.agrees(session)

    def words_in_step(self) -> bool:
        """Whether the full text of conversations holds the words of every message, and no others."""
        with self._database.write() as session:
            return talk_text.in_step(session)

    def rebuild_words(self) -> None:
        """Make the full text of conversations anew from the messages; raises Damaged when that cannot be done."""
        with self._database.write() as session:
            talk_text.rebuild(session)
        self._database.damaged.discard(talk_text.TABLE)
        self._database.compact_log()  # it may have held words of messages that are gone


def _holding(session: Session, corpus_id: int, wanted: str, limit: int) -> Rows[talk_text.FoundMessage]:
    try:
        return talk_text.search(session, corpus_id, wanted, limit)
    except Damaged:
        return []


def _messages(session: Session, conversation_id: int) -> Rows[MessageRow]:
    query = select(Message).where(Message.conversation_id == conversation_id).order_by(Message.id)
    return [copied(MessageRow, message) for message in session.scalars(query)]


def _asked(session: Session, conversation: Conversation, text: str, after: int | None, title: str) -> MessageRow:
    conversation.title = conversation.title or title or " ".join(text.split())[:TITLE]
    row = _added(session, conversation, Message(role="user", text=text), after)
    talk_text.put(session, row.id, text)
    return row


def _added(session: Session, conversation: Conversation, message: Message, after: int | None) -> MessageRow:
    foreign = after is not None and after != LEAF and found(session, Message, after).conversation_id != conversation.id
    if foreign:
        raise NotFound(f"message {after} of conversation {conversation.id}")
    message.conversation_id = conversation.id
    message.parent_id = conversation.leaf_id if after == LEAF else after
    conversation.updated_at = now()
    session.add(message)
    session.flush()
    conversation.leaf_id = message.id
    return copied(MessageRow, message)
