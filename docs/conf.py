"""The site: ``sphinx-build -W -j auto docs docs/_site``, offline, with every lesson executed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx

import minikd
from minikd.course import as_notebook, lesson_files

HERE = Path(__file__).parent
# The address of a public repository, such as https://example.org/minikd, and of its notebooks for
# Colab, such as https://colab.example/github/NAME/minikd/blob/main; none is known here.
REPOSITORY = os.environ.get("MINIKD_REPOSITORY", "")
COLAB = os.environ.get("MINIKD_COLAB", "")

project, author, version = "minikd", "the developers of minikd", minikd.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = [
    "_site",
    ".jupyter_cache",
    "images",
    "_downloads_of_lessons",
    "jupyter_execute",
]
html_theme = "furo"
html_title = "minikd: knowledge distillation from scratch"
html_static_path = ["_static"]
html_css_files = ["minikd.css"]
html_copy_source = False
html_show_copyright = False
html_theme_options = {"source_repository": REPOSITORY} if REPOSITORY else {}

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "html_image"]
myst_heading_anchors = 4
nb_execution_mode = os.environ.get("MINIKD_EXECUTE", "cache")
nb_execution_timeout = 900
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_output_stderr = "remove"  # bars and lines that say how far a training run is
nb_merge_streams = True

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_use_rtype = False
napoleon_use_param = False
napoleon_custom_sections = [("Yields", "returns_style")]

# ---------------------------------------------------------------- lessons


def bring_lessons(app: Sphinx) -> None:
    """Put the lessons beside the pages, each with links to its notebook and its script."""
    to, downloads = HERE / "lessons", HERE / "_downloads_of_lessons"
    downloads.mkdir(exist_ok=True)
    pages = {}
    for lesson in lesson_files():
        text = lesson.read_text(encoding="utf-8")
        for path, said in ((downloads / f"{lesson.stem}.ipynb", as_json(as_notebook(text))),
                           (downloads / lesson.name, text)):  # fmt: skip
            write_if_changed(path, said)
        links = [f"{{download}}`notebook <../_downloads_of_lessons/{lesson.stem}.ipynb>`",
                 f"{{download}}`script <../_downloads_of_lessons/{lesson.name}>`"]  # fmt: skip
        if COLAB:
            links.append(f"[open in Colab]({COLAB}/notebooks/{lesson.stem}.ipynb)")
        page = as_notebook(text)
        page.cells.pop(1)  # how to install it
        page.cells[0].source += f"\n\n*Take this lesson away as {', '.join(links)}.*"
        pages[to / f"{lesson.stem}.ipynb"] = as_json(page)
    for stale in set(to.glob("*.ipynb")) - set(pages):
        stale.unlink()
    for path, said in pages.items():
        write_if_changed(path, said)


def link_to_pages(app: Sphinx, name: str, source: list[str]) -> None:
    """Links that lead to a file on GitHub lead to its page here."""
    source[0] = re.sub(
        r"\((?:\.\./)+lessons/(\d\d_\w+)\.py\)", r"(/lessons/\1.ipynb)", source[0]
    )
    source[0] = re.sub(r"\((?:\.\./)+docs/([\w-]+\.md)", r"(/\1", source[0])
    source[0] = re.sub(r"\((?:\.\./)+REPRODUCTION\.md", "(/overview.md", source[0])


def as_json(notebook: Any) -> str:
    """A notebook as it is written to a file."""
    return json.dumps(notebook, indent=1) + "\n"


def write_if_changed(path: Path, text: str) -> None:
    """Leave a file alone that is right already, so that it is not executed again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


# ---------------------------------------------------------------- equations without a network


def as_mathml(tex: str, block: bool) -> str:
    """TeX as MathML, which browsers draw by themselves, with the source for those who copy it."""
    # Sizes of brackets, which MathML finds by itself; and the space after the name of a function.
    tex = re.sub(r"\\[Bb]igg?[lr]?(?![a-z])", "", tex)
    tex = re.sub(r"\\log(?=\s*[A-Za-z\\])", r"\\log\\,", tex)
    return str(latex2mathml.tex2mathml(tex, as_block=block))


def visit_inline(self: Any, node: nodes.math) -> None:
    """Write an equation in a line."""
    self.body.append(as_mathml(node.astext(), block=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.math_block) -> None:
    """Write an equation on a line of its own."""
    tex = re.sub(
        r"\\begin\{(equation|align)\*?\}|\\end\{(equation|align)\*?\}", "", node.astext()
    )
    self.body.append(
        f'<div class="math-block" tabindex="0">{as_mathml(tex, block=True)}</div>\n'
    )
    raise nodes.SkipNode


# ---------------------------------------------------------------- for readers without a mouse


def mend_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any
) -> None:
    """Say the level of headings that the theme makes, and let keys scroll what is wider than a page."""
    for part, old, new in (
        ("furo_navigation_tree", 'class="caption" role="heading"',
         'class="caption" role="heading" aria-level="2"'),
        ("body", 'class="caption" role="heading"',
         'class="caption" role="heading" aria-level="2"'),
        ("body", '<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
        ("body", '<div class="highlight"><pre>', '<div class="highlight"><pre tabindex="0">'),
    ):  # fmt: skip
        if part in context:
            context[part] = context[part].replace(old, new)


# ---------------------------------------------------------------- pages for the browser


def write_browser_pages(app: Sphinx, error: Exception | None) -> None:
    """Add the pages that a browser computes."""
    if error is None and app.builder.format == "html":
        from minikd.cli_parts import PAGES

        for name, write in PAGES.items():
            write(Path(app.outdir) / f"{name}.html")


def escape_stars(
    app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]
) -> None:
    """``(*E, in, out)`` is a shape, and begins no emphasis."""
    lines[:] = [re.sub(r"(?<![\\*\w`])\*(?=E\b)", r"\\*", line) for line in lines]


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.add_node(nodes.math, override=True, html=(visit_inline, None))
    app.add_node(nodes.math_block, override=True, html=(visit_block, None))
    app.connect("autodoc-process-docstring", escape_stars)
    app.connect("source-read", link_to_pages)
    app.connect("html-page-context", mend_page, priority=900)
    app.connect("builder-inited", bring_lessons)
    app.connect("build-finished", write_browser_pages)
