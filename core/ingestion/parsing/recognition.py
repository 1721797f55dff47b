"""Reads the text off pictures of pages with rapidocr, whose models come in its package. Runs in the sandbox's child.

One thread, for the child may start none; no network, for it has none. A page's picture is scaled so that its pixels
are bounded whatever the file says; what has more pixels than a document may is refused before it is decoded.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsed import ScannedLine

if TYPE_CHECKING:
    import numpy as np

    Pixels = np.ndarray[Any, np.dtype[np.uint8]]

PAGE_POINTS = 842.0
"""A picture has no size on paper; its longer side is taken for that of an A4 page."""
_LONGEST = 2200
"""Pixels of the longer side: 190 dpi on A4, where 10-point print is read without mistakes."""


def recognise(
    engine: Any, path: Path, name: str, numbers: Sequence[int], limits: Limits
) -> dict[int, list[ScannedLine]]:
    """The lines of some pages (1-based) of a PDF, or frames of a picture; rotated text is left out.

    Args:
        engine: from `load`.

    Raises:
        UnreadableFile: the picture is broken, or has more pixels than it may.
    """
    return {
        number: _lines(engine, pixels, to_points)
        for number, pixels, to_points in _pictures(path, name, numbers, limits)
    }


def load() -> Any:
    """The recogniser with its models; called before rights are given up and before anything of a file is read."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    import cv2
    from PIL import Image
    from rapidocr import RapidOCR

    Image.init()
    cv2.setNumThreads(0)
    runtime = "EngineConfig.onnxruntime."
    threads = {f"{runtime}intra_op_num_threads": 1, f"{runtime}inter_op_num_threads": 1}
    return RapidOCR(params={"Global.log_level": "error", "Global.use_cls": False, **threads})


def _lines(engine: Any, pixels: "Pixels", to_points: float) -> list[ScannedLine]:
    found = engine(pixels)
    lines = []
    for corners, text, score in zip(
        *(part if part is not None else () for part in (found.boxes, found.txts, found.scores)), strict=True
    ):
        xs, ys = [float(x) * to_points for x, _ in corners], [float(y) * to_points for _, y in corners]
        box = min(xs), min(ys), max(xs), max(ys)
        if str(text).strip() and (box[2] - box[0] > box[3] - box[1] or len(text) <= 2):
            lines.append(ScannedLine(str(text), *box, float(score)))
    return lines


def _pictures(path: Path, name: str, numbers: Sequence[int], limits: Limits) -> Iterator[tuple[int, "Pixels", float]]:
    """Each page's pixels (height, width, 3; BGR) and how many points a pixel is."""
    with path.open("rb") as file:
        is_pdf = b"%PDF-" in file.read(1024)
    return _of_pdf(path, name, numbers) if is_pdf else _of_image(path, name, numbers, limits)


def _of_pdf(path: Path, name: str, numbers: Sequence[int]) -> Iterator[tuple[int, "Pixels", float]]:
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(path)
        for number in numbers:
            page = document[number - 1]
            scale = _LONGEST / max(page.get_size())
            yield number, page.render(scale=scale, rev_byteorder=False).to_numpy()[:, :, :3], 1 / scale
    except pdfium.PdfiumError as error:
        raise UnreadableFile(f"{name} cannot be drawn: it is damaged.", "Save it again.") from error


def _of_image(path: Path, name: str, numbers: Sequence[int], limits: Limits) -> Iterator[tuple[int, "Pixels", float]]:
    import numpy as np
    from PIL import Image

    with opened(path, name, limits) as image:
        for number in numbers:
            upright = frame(image, number, name, limits)
            longest = max(upright.size)
            if longest > _LONGEST:
                size = [max(1, round(side * _LONGEST / longest)) for side in upright.size]
                upright = upright.resize((size[0], size[1]), Image.Resampling.LANCZOS)
            yield number, np.asarray(upright)[:, :, ::-1].copy(), PAGE_POINTS / max(upright.size)


def frame(image: Any, number: int, name: str, limits: Limits) -> Any:
    """Frame `number` (1-based) of a picture that `opened` opened, in RGB and the right way up.

    Raises:
        UnreadableFile: it is broken, has more pixels than it may, or is not there.
    """
    from PIL import ImageOps

    try:
        image.seek(number - 1)
        check_pixels(image, name, limits)
        return ImageOps.exif_transpose(_on_paper(image))
    except (OSError, EOFError, ValueError, SyntaxError) as error:
        raise _broken(name) from error


def _on_paper(image: Any) -> Any:
    """In RGB, white where it lets through: what has no colour there is black otherwise, as its letters often are."""
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")


def opened(path: Path, name: str, limits: Limits) -> Any:
    """A Pillow image, not decoded yet; raises UnreadableFile when it is none, or too large."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # counted by us, before anything is decoded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(path, formats=("PNG", "JPEG", "TIFF", "WEBP"))
    except (OSError, ValueError, SyntaxError) as error:
        raise _broken(name) from error
    check_pixels(image, name, limits)
    return image


def check_pixels(image: Any, name: str, limits: Limits) -> None:
    """Raises UnreadableFile when a picture has more pixels than it may."""
    if image.width * image.height > limits.pixels:
        message = (
            f"{name} has {image.width:,} by {image.height:,} pixels; the limit is {limits.pixels // 1_000_000} million."
        )
        raise UnreadableFile(message, "Save it smaller and add it again.")


def _broken(name: str) -> UnreadableFile:
    return UnreadableFile(f"{name} is not a picture that can be read: it is damaged.", "Save it again.")
