"""Progress bars on stderr, which vanish where it is no terminal."""

from __future__ import annotations

from collections.abc import Iterator


def with_progress(start: int, stop: int, title: str | None, unit: str) -> Iterator[int]:
    """``range(start, stop)``, with a progress bar unless there is no title."""
    if title is None:
        yield from range(start, stop)
        return
    from tqdm import tqdm

    # disable=None: no bar where stderr is no terminal.
    yield from tqdm(
        range(start, stop),
        desc=title, initial=start, total=stop, unit=unit, leave=False, disable=None,
    )  # fmt: skip
