"""A zoo of right layers and of the mistakes that people make in them.

Each file holds a family. A layer is plain NumPy, ``func(*inputs) -> (out, backward)``; below it
stand its inputs and its bugs, each an edit of the layer's source and a word about what it is.
"""

from . import (
    attention,
    contracts,
    convolution,
    costs,
    dense,
    elementwise,
    normalisation,
    own,
    recurrent,
    reductions,
    shapes,
    tempting,
)
from .entry import ZOO, Bug, Entry

FAMILIES = (
    dense, convolution, normalisation, attention, recurrent, elementwise, costs, reductions, shapes,
    contracts, tempting, own,
)  # fmt: skip

__all__ = ["FAMILIES", "ZOO", "Bug", "Entry"]
