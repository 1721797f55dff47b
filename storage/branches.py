"""A conversation as a tree: the path that is shown, and the ways that branch off it. Pure.

An edited question and an answer written anew are siblings of the old ones; nothing is ever overwritten.
"""

from collections.abc import Sequence

from storage.rows import MessageRow


def path(messages: Sequence[MessageRow], leaf_id: int | None) -> list[MessageRow]:
    """The messages from the first question to `leaf_id`, in order; to the newest one when that is not there."""
    by_id = {message.id: message for message in messages}
    if not by_id:
        return []
    at: int | None = leaf_id if leaf_id in by_id else max(by_id)
    found: list[MessageRow] = []
    while at is not None and (message := by_id.pop(at, None)) is not None:
        found.append(message)
        at = message.parent_id
    return found[::-1]


def siblings(messages: Sequence[MessageRow], message: MessageRow) -> list[MessageRow]:
    """What stands in the place of a message, itself among them, oldest first."""
    same = [each for each in messages if each.parent_id == message.parent_id and each.role == message.role]
    return sorted(same, key=lambda each: each.id)


def newest_leaf(messages: Sequence[MessageRow], message_id: int) -> int:
    """The end of the path that goes through a message and then always to the newest reply."""
    newest: dict[int | None, int] = {}
    for message in messages:
        newest[message.parent_id] = max(message.id, newest.get(message.parent_id, 0))
    while message_id in newest:
        message_id = newest[message_id]
    return message_id
