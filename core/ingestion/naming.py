"""What an upload may be called. Pure."""

import unicodedata

LONGEST_NAME = 400
UNSEEN = ("Cc", "Cf", "Cs", "Co")  # control, format (direction overrides among them), surrogate, private


def clean_name(name: str) -> str:
    """A name that is safe to show and to compare: a relative path without control or direction characters.

    Two spellings of one name (composed or decomposed accents, back or forward slashes) become the same.
    """
    text = unicodedata.normalize("NFC", name.replace("\\", "/"))
    text = "".join(sign if unicodedata.category(sign) not in UNSEEN else " " for sign in text)
    steps = [" ".join(step.split()) for step in text.split("/")]
    kept = [step for step in steps if step not in ("", ".", "..")]
    return "/".join(kept)[-LONGEST_NAME:] or "unnamed"
