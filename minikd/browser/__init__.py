"""Pages that a browser computes."""

PAGES: dict = {}
