"""The site in a browser: every page, offline, in light and dark, on wide and narrow screens.

``MINIKD_SITE`` names a site that is built, every page of which is read as a screen reader does. Without
it, one is built here, with no lesson executed, and every sixth page is read so.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from browser import address, launched, opened, serious

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


@pytest.fixture(scope="module")
def seen(pages):
    """What there is to find fault with on each page, by page; two browsers look, half each."""
    read = set(pages if os.environ.get("MINIKD_SITE") else pages[::6])
    with ThreadPoolExecutor(2) as two:
        halves = list(two.map(look_at, (pages[::2], pages[1::2]), (read, read)))
    return halves[0] | halves[1]


def look_at(pages, read):
    """Open each page once, and see it in the light, in the dark and on a phone; read some to the end."""
    found = {}
    with launched() as browser:
        for path in pages:
            faults: dict[str, Any] = {}
            try:
                with opened(browser) as page:
                    page.goto(address(path))
                    faults["no title"] = not page.title()
                    faults["equations as source"] = re.findall(
                        r"\$\$|\\(?:frac|sum|partial|mathrm|text)\b", page.evaluate(PROSE)
                    )
                    faults["pictures without words"] = page.evaluate(NAMELESS)
                    faults["broken pictures"] = page.evaluate(BROKEN)
                    if path in read:
                        faults["light"] = serious(page)
                        # In the dark, only colours differ.
                        page.emulate_media(color_scheme="dark")
                        faults["dark"] = serious(page, "color-contrast", "link-in-text-block")
                    page.set_viewport_size({"width": 360, "height": 700})
                    width = page.evaluate("document.documentElement.scrollWidth")
                    faults["too wide for a phone"] = width if width > 360 else 0
            except AssertionError as problems:
                faults["network and console"] = str(problems)
            found[path] = faults
    return found


PROSE = """() => {
    const all = document.body.cloneNode(true);
    all.querySelectorAll('pre, code, math, script, style').forEach(e => e.remove());
    return all.textContent;
}"""
NAMELESS = """() => [...document.images]
    .filter(i => !i.alt && !i.closest('[aria-hidden=true]')).map(i => i.src)"""
BROKEN = (
    """() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"""
)


@pytest.mark.parametrize(
    "fault",
    ["network and console", "no title", "equations as source", "pictures without words",
     "broken pictures", "light", "dark", "too wide for a phone"],
)  # fmt: skip
def test_no_page_has_a_fault(seen, fault):
    having = {path.name: faults[fault] for path, faults in seen.items() if faults.get(fault)}
    assert not having, having


def test_every_page_was_seen_to_its_end(seen, pages):
    assert set(seen) == set(pages)
    assert all("too wide for a phone" in faults for faults in seen.values())
    # Some of each kind, at least.
    kinds = {page.parent for page in pages}
    assert kinds == {page.parent for page, faults in seen.items() if "dark" in faults}


def test_every_link_inside_the_site_leads_somewhere(pages):
    for path in pages:
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r'(?:href|src)="([^"#:?]+)(?:[#?][^"]*)?"', text):
            assert (path.parent / target).exists(), (path.name, target)
