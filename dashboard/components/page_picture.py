"""One page of a document as a picture, with some of its words marked and the current ones scrolled into view."""

import base64
from collections.abc import Sequence

import streamlit as st

from core.ingestion.marking import boxes
from core.ingestion.pictures import PagePicture
from dashboard.components.browser_files import script, sheet
from dashboard.components.page_text import Stretch

_component = st.components.v2.component(
    "triptych_picture",
    html='<div id="frame" tabindex="0"><div id="sheet"><img id="picture"></div></div>',
    css=sheet("page_picture"),
    js=script("page_picture"),
)


def show(
    picture: PagePicture, text: str, marks: Sequence[Stretch] = (), *, current: int = 0, name: str, key: str
) -> bool:
    """Show a page's picture with stretches of its text marked, the one at `current` most.

    Args:
        text: the page's text, which the marks are stretches of.
        name: what the picture shows, for those who cannot see it.

    Returns: whether every mark was found on the picture.
    """
    found = boxes(text, picture.words, marks)
    lines = [
        [box.left, box.top, box.right, box.bottom, box.text, "current" if at == current else "mark"]
        for at, group in enumerate(found)
        for box in group
    ]
    source = f"data:{picture.media_type};base64,{base64.b64encode(picture.image).decode()}"
    _component(
        key=key,
        data={"source": source, "width": picture.width, "height": picture.height, "name": name, "lines": lines},
    )
    return all(found)
