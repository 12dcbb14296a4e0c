"""Headless Chromium for tests of pages: no network, and every problem that a page has is an error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# Chromium looks for its maker's servers at every start unless told not to.
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip


def chromium_path() -> str | None:
    """Where Chromium is, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@contextmanager
def launched() -> Iterator[Any]:
    """A browser of Playwright, or a skip that says what is missing."""
    path = chromium_path()
    if path is None:
        pytest.skip("Chromium is not installed; pages are not tested")
    sync = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_QUIET)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, width: int = 1280, height: int = 900, **options: Any) -> Iterator[Any]:
    """A page in a context of its own; what goes wrong while it is open is an error at its end.

    That is: an exception, a message on the console that is an error or a warning, and any request
    that leaves this machine.
    """
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(f"exception: {error}"))
    page.on(
        "console",
        lambda said: (
            problems.append(f"{said.type}: {said.text}")
            if said.type in ("error", "warning")
            else None
        ),
    )
    page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))

    def local_only(route: Any) -> None:
        url = route.request.url
        if url.startswith(("file:", "data:", "blob:", "http://127.0.0.1", "http://localhost")):
            route.continue_()
        else:
            problems.append(f"asked the network for {url}")
            route.abort()

    context.route("**/*", local_only)
    try:
        yield page
        assert not problems, "\n".join(problems)
    finally:
        context.close()


def serious(page: Any, *rules: str) -> list[str]:
    """What axe-core finds that is serious or critical, in words; by these rules, or by all."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # Its look at style sheets from outside would be requests of the page; what passes takes as long
    # to report as what does not.
    options: dict[str, Any] = {"preload": False, "resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = axe.run(page, options=options).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes'][:3]]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def address(path: Path, fragment: str = "") -> str:
    """The address of a file, with a fragment."""
    return path.resolve().as_uri() + (f"#{fragment}" if fragment else "")
