"""Pages that show distillation in a browser, each in one file that needs no server."""
