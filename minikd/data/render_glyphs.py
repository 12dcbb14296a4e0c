"""Makes ``glyphs.npz``: the digits of matplotlib's own fonts, drawn once.

Run ``python -m minikd.data.render_glyphs`` to make it again. It is kept in the repository so
that the bundled data is the same everywhere, whatever matplotlib is installed.
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


def render(character: str, font: str) -> Any:
    """One character of one font: uint8, shape (SIZE, SIZE), 255 is ink."""
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
    """All digits of all fonts.

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


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).with_name("glyphs.npz"), **render_digits())
