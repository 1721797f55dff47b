from hypothesis import given
from hypothesis import strategies as st

from core.generation.text import StopStrings, TokenText


def decode(tokens: list[int]) -> str:
    """One token a byte: the worst case for characters that come in pieces."""
    return bytes(tokens).decode("utf-8", "replace")


@given(st.text(max_size=80).filter(lambda text: "�" not in text))
def test_text_comes_out_whole_whatever_its_characters(text: str) -> None:
    stream = TokenText(decode)
    pieces = [stream.push([byte]) for byte in text.encode()]
    assert "�" not in "".join(pieces)
    assert "".join(pieces) + stream.finish() == text


def test_a_long_answer_loses_nothing_where_its_tail_is_cut() -> None:
    text = "日本語 😀 déjà vu, " * 40
    stream = TokenText(decode)
    assert "".join(stream.push([byte]) for byte in text.encode()) + stream.finish() == text


def test_a_character_that_never_ends_is_shown_at_the_end() -> None:
    stream = TokenText(decode)
    assert stream.push(list("a😀".encode()[:3])) == ""
    assert stream.finish().startswith("a")


@given(st.text("abE\n", max_size=60), st.lists(st.text("abE\n", min_size=1, max_size=4), max_size=3), st.data())
def test_stop_strings_cut_a_stream_where_they_would_cut_the_whole(
    text: str, stops: list[str], data: st.DataObject
) -> None:
    stream, given_out, at = StopStrings(stops), "", 0
    while at < len(text):
        step = data.draw(st.integers(1, 5))
        given_out += stream.push(text[at : at + step])
        at += step
    given_out += stream.finish()
    # the first one to be complete ends the stream; pieces may complete two at once, then the leftmost wins
    ends = [text.find(stop) for stop in stops if stop in text]
    assert text.startswith(given_out)
    assert stream.found == bool(ends)
    if not ends:
        assert given_out == text
    assert not any(stop in given_out for stop in stops)
