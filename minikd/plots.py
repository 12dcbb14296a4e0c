"""The house style of all figures; none needs a display.

The figure of an experiment stands in its room, :mod:`minikd.experiments`, those of the equations in
:mod:`minikd.temperature`.
"""

from __future__ import annotations

import base64
import functools
import html
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from minikd import values
from minikd.checkpoint import write_atomically
from minikd.data import catalog
from minikd.progress import in_notebook

__all__ = [
    "BLUE", "GREEN", "GREY", "HOUSE_STYLE", "ORANGE", "PURPLE", "Rectangle", "count", "footer", "formats",
    "in_house_style", "legend_above", "plt", "save_figure", "say", "seeds_of", "signed",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")

# Okabe & Ito's colours, which the colour-blind can tell apart.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#777777"

# For plt.style.use in a lesson; the functions here use it by themselves.
HOUSE_STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 150,
}


def in_house_style(draw: Callable[P, R]) -> Callable[P, R]:
    """``draw`` in the house style, whatever the user's own settings are."""
    values.function("draw", draw)

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        with plt.rc_context(HOUSE_STYLE):
            return draw(*args, **kwargs)

    return drawn


@in_house_style
def save_figure(figure: Any, path: str | PathLike[str]) -> Path:
    """Write a figure, make its folder if need be, and close it in any case; a notebook shows it too.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path
        Its ending says the format, such as PNG, SVG or PDF. Inside :func:`formats`, that says it.

    Returns
    -------
    Path
        Where it was written.
    """
    values.able("figure", figure, "savefig", "a figure of matplotlib")
    path = values.path("path", path)
    path = path if path.suffix else path.with_suffix(".png")
    try:
        # A figure without a layout engine would get that of the house style once it was drawn.
        with plt.rc_context({"figure.constrained_layout.use": False}):
            for ending in _formats or (path.suffix,):
                drawn = io.BytesIO()
                figure.savefig(drawn, format=ending.removeprefix("."))
                write_atomically(path.with_suffix(ending), drawn.getvalue())
            if in_notebook():
                _show(figure)
    finally:
        plt.close(figure)
    return path.with_suffix(_formats[0]) if _formats else path


def _show(figure: Any) -> None:
    """Show a figure in a notebook, with its finding for those who do not see it."""
    from IPython.display import HTML, display

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    titles = [figure._suptitle] if getattr(figure, "_suptitle", None) else []
    titles += [title for axes in figure.axes for title in (axes.title, axes._left_title)]
    finding = "; ".join(filter(None, (" ".join(title.get_text().split()) for title in titles)))
    encoded = base64.b64encode(drawn.getvalue()).decode()
    display(HTML(
        f'<img style="max-width: 100%" width="{72 * figure.get_figwidth():.0f}" '
        f'alt="{html.escape(finding or "a figure")}" src="data:image/png;base64,{encoded}">'
    ))  # fmt: skip


_formats: tuple[str, ...] = ()


@contextmanager
def formats(endings: Sequence[str]) -> Iterator[None]:
    """While inside, figures are saved in these formats, whatever ending is asked for.

    Parameters
    ----------
    endings : sequence of {"png", "svg", "pdf"}
    """
    global _formats
    known = ("png", "svg", "pdf")
    endings = values.each("endings", endings, "formats of figures", values.text)
    if not endings or not all(ending in known for ending in endings):
        raise values.refused("endings", endings, f"some of {', '.join(known)}")
    before, _formats = _formats, tuple(f".{ending}" for ending in endings)
    try:
        yield
    finally:
        _formats = before


def say(figure: Any, finding: str, footer: str) -> None:
    """The finding of a figure above it, and its data below, in small print."""
    values.able("figure", figure, "suptitle", "a figure of matplotlib")
    finding, footer = values.text("finding", finding), values.text("footer", footer)
    figure.suptitle(finding, x=0.01, ha="left", weight="bold")
    figure.supxlabel(footer, fontsize=8, color=GREY, x=0.01, ha="left")


def legend_above(axes: Any, title: str = "", columns: int = 2, **options: Any) -> None:
    """The legend above the axes, where no data can lie under it, and the title above that."""
    values.able("axes", axes, "legend", "axes of matplotlib")
    title, columns = values.text("title", title), values.whole("columns", columns, 1, 100)
    legend = axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncols=columns, **options
    )
    rows = -(-len(legend.get_texts()) // columns)
    axes.set_title(title, pad=10 + 15 * rows)


def count(mean: float) -> str:
    """A mean of counts as it is said: ``92.5``, and ``92`` only where it is one."""
    return f"{values.finite('mean', mean):.1f}".removesuffix(".0")


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign, a minus as the axes have it: ``+2.3``, ``−6.0``."""
    value, digits = values.finite("value", value), values.whole("digits", digits, 0, 20)
    return f"{value:+.{digits}f}".replace("-", "−")


def footer(record: dict[str, Any], T: float | None = None) -> str:
    """What a figure is of, in small print."""
    values.mapping("record", record, ("seeds", "data"), "a record, from read_record")
    seeds = len(record["seeds"])
    at = "" if T is None else f"T = {T:g}; "
    of = f"means over {seeds} seeds" if seeds > 1 else "1 seed"
    return f"{catalog.title(record['data'])}; {at}{of}"


def seeds_of(record: dict[str, Any]) -> str:
    """The same where a figure has error bars."""
    values.mapping("record", record, ("seeds", "data"), "a record, from read_record")
    bars = ", with standard errors" if len(record["seeds"]) > 1 else ""
    return footer(record) + bars
