"""One file per claim of the paper: what is run, with which settings, and what is recorded."""

from __future__ import annotations

from minikd.experiments import omitted_3, sevens_and_eights
from minikd.experiments.unseen import Unseen, run_unseen

__all__ = ["EXPERIMENTS", "Unseen", "run_unseen"]

# Name → the line that says what it shows, and its settings for each data set.
EXPERIMENTS: dict[str, tuple[str, dict[str, Unseen]]] = {
    "omitted-3": (omitted_3.CLAIM, omitted_3.PRESETS),
    "sevens-and-eights": (sevens_and_eights.CLAIM, sevens_and_eights.PRESETS),
}
