"""The site in a browser: every page, offline, in light and dark, on wide and narrow screens.

``MINIKD_SITE`` names a site that is built; without it, one is built here, with no lesson executed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser import address, opened, serious

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory, chromium):
    built = os.environ.get("MINIKD_SITE")
    if built:
        return Path(built)
    for module in ("sphinx", "myst_nb", "furo"):
        pytest.importorskip(
            module, reason="the extra 'docs' is not installed; the site is not tested"
        )
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", ROOT / "docs", out],
        env=os.environ | {"MINIKD_EXECUTE": "off"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def pages(site):
    found = [
        p
        for p in sorted(site.rglob("*.html"))
        if p.name not in ("search.html", "genindex.html")
    ]
    assert len(found) > 40
    return found


def test_the_pages_that_readers_look_for_are_there(site, pages):
    names = {str(page.relative_to(site)) for page in pages}
    assert {
        "index.html", "questions.html", "lecturers.html", "beside-others.html", "temperature.html",
        "playground.html", "hard-targets.html", "overview.html", "api/equations.html",
        *(f"lessons/{path.stem}.html" for path in (ROOT / "lessons").glob("[0-9]*.py")),
        *(f"reproduction/{path.stem}.html" for path in (ROOT / "docs" / "reproduction").glob("*.md")),
    } <= names  # fmt: skip


def test_no_page_asks_the_network_or_shows_an_equation_as_source(chromium, pages):
    """Each is opened; an exception, a console message or a request fails."""
    for path in pages:
        with opened(chromium) as page:
            page.goto(address(path))
            assert page.title()
            text = page.evaluate(
                "() => { const all = document.body.cloneNode(true);"
                " all.querySelectorAll('pre, code, math, script, style').forEach(e => e.remove());"
                " return all.textContent; }"
            )
            left = re.findall(r"\$\$|\\(?:frac|sum|partial|mathrm|text)\b", text)
            assert not left, (path.name, left)
            unnamed = page.eval_on_selector_all(
                "img",
                "all => all.filter(i => !i.alt && !i.closest('[aria-hidden=true]')).map(i => i.src)",
            )
            assert not unnamed, (path.name, unnamed)
            broken = page.eval_on_selector_all(
                "img", "all => all.filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
            )
            assert not broken, (path.name, broken)


def test_every_link_inside_the_site_leads_somewhere(pages):
    for path in pages:
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r'(?:href|src)="([^"#:?]+)(?:[#?][^"]*)?"', text):
            assert (path.parent / target).exists(), (path.name, target)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_shuts_anybody_out(chromium, pages, scheme):
    for path in pages:
        with opened(chromium, color_scheme=scheme) as page:
            page.goto(address(path))
            assert not serious(page), (path.name, serious(page))


def test_pages_fit_on_a_phone(chromium, pages):
    for path in pages:
        with opened(chromium, width=360, height=700) as page:
            page.goto(address(path))
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, (path.name, width)
