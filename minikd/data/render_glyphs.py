"""Makes ``glyphs.npz`` and ``characters.npz``: drawn once, with matplotlib's own fonts.

Run ``python -m minikd.data.render_glyphs`` to make them again. They are kept in the repository so
that the bundled data is the same everywhere, with any version of matplotlib.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SIZE = 28
# As in MNIST: the ink fits a box of 20 × 20 pixels, with its centre of mass in the middle.
BOX = 20

# Fonts that ship with matplotlib and draw all ten digits. (LastResortHE claims every character
# there is and draws a box for each; cmmi10 has old-style figures; the rest have no digits.)
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique",
    "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic",
    "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta",
    "cmb10", "cmr10", "cmss10", "cmti10", "cmtt10",
)  # fmt: skip

# Letters and digits that all of these fonts draw: Latin, with and without accents, Greek and
# Cyrillic. Some look alike: o, ο, о and nearly 0.
CHARACTER_FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "STIXGeneral",
)  # fmt: skip
_RANGES = (
    (0x30, 0x3A),
    (0x41, 0x5B),
    (0x61, 0x7B),
    (0xC0, 0x131),
    (0x391, 0x3CA),
    (0x401, 0x460),
)
# The multiplication and division signs; letters that STIXGeneral lacks.
_LEFT_OUT = "×÷\u03a2\u040d\u0450\u045d"
CHARACTERS = "".join(
    chr(c) for first, end in _RANGES for c in range(first, end) if chr(c) not in _LEFT_OUT
)


def render(character: str, font: str) -> Any:
    """One character in one font: uint8, shape (SIZE, SIZE), 255 is ink."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import PathPatch
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D
    from scipy import ndimage

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    path = TextPath((0, 0), character, size=100, prop=FontProperties(fname=file))
    box = path.get_extents()
    scale = BOX / max(box.width, box.height)
    middle = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    to_pixels = (
        Affine2D().translate(-middle[0], -middle[1]).scale(scale).translate(*[SIZE / 2] * 2)
    )

    figure = Figure(figsize=(1, 1), dpi=SIZE)
    canvas: Any = FigureCanvasAgg(figure)
    figure.add_artist(PathPatch(path, color="black", lw=0, transform=to_pixels))
    canvas.draw()
    ink = 255 - np.asarray(canvas.buffer_rgba())[:, :, 0]
    down, right = ndimage.center_of_mass(ink)
    shift = round((SIZE - 1) / 2 - down), round((SIZE - 1) / 2 - right)
    return ndimage.shift(ink, shift, order=0)


def render_digits() -> dict[str, Any]:
    """All digits in all fonts.

    Returns
    -------
    dict
        ``images``, uint8 (fonts * 10, SIZE, SIZE); ``labels``, uint8 (fonts * 10,).
    """
    drawn = [(render(str(digit), font), digit) for font in FONTS for digit in range(10)]
    return {
        "images": np.stack([image for image, _ in drawn]),
        "labels": np.array([digit for _, digit in drawn], dtype=np.uint8),
    }


def render_characters() -> dict[str, Any]:
    """All characters in all their fonts, in 16 shades of grey to keep the file small.

    Returns
    -------
    dict
        ``images``, uint8 (fonts * N, SIZE, SIZE); ``labels``, uint16 (fonts * N,); ``names``, str
        (N,), the characters.
    """
    drawn = np.stack([render(c, font) for font in CHARACTER_FONTS for c in CHARACTERS])
    return {
        "images": (drawn.astype(float) / 17).round().astype(np.uint8) * 17,
        "labels": np.tile(np.arange(len(CHARACTERS), dtype=np.uint16), len(CHARACTER_FONTS)),
        "names": np.array(list(CHARACTERS)),
    }


if __name__ == "__main__":
    here = Path(__file__).parent
    np.savez_compressed(here / "glyphs.npz", **render_digits())
    np.savez_compressed(here / "characters.npz", **render_characters())
