"""What the zoo is made of: right layers, and edits of their source that are mistakes."""

from __future__ import annotations

import inspect
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Layer = Callable[..., tuple[Any, Callable[..., Any]]]
Inputs = Callable[[np.random.Generator], tuple[Any, ...]]


@dataclass(frozen=True)
class Bug:
    """One mistake that people make, as an edit of a right layer.

    Attributes
    ----------
    old, new : str
        A piece of the source, and what stands in its place.
    cause : tuple
        What the mistake is, ``(kind, *detail)``; ``benchmarks/zoo/named.py`` lists the kinds.
    note : str
        The mistake in words.
    count : int
        How often the piece occurs; all are replaced.
    breaks : str
        "gradient" if a gradient is not the derivative, "contract" if it is, but the layer writes
        to an input, remembers a call, or gives the wrong number of gradients.
    also : tuple of str
        Kinds that are true of the mistake as well, so that naming them is no wrong hint.
    """

    old: str
    new: str
    cause: tuple[Any, ...]
    note: str
    count: int = 1
    breaks: str = "gradient"
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A right layer, its inputs, and the mistakes one can make in it."""

    func: Layer
    make: Inputs
    bugs: tuple[Bug, ...]
    tempting: str = ""

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.func.__name__

    def inputs(self) -> tuple[Any, ...]:
        """Fresh inputs, the same in every call."""
        return self.make(np.random.default_rng(zlib.crc32(self.name.encode())))

    def right(self) -> Layer:
        """The layer as it stands, built anew, so that no checker sees the state of another."""
        return self._build(inspect.getsource(self.func), "right")

    def wrong(self, bug: Bug) -> Layer:
        """The layer with one mistake."""
        source = inspect.getsource(self.func)
        found = source.count(bug.old)
        if found != bug.count:
            raise ValueError(f"{self.name}: {bug.old!r} occurs {found} times, not {bug.count}")
        return self._build(source.replace(bug.old, bug.new), bug.note)

    def _build(self, source: str, what: str) -> Layer:
        namespace = dict(vars(sys.modules[self.func.__module__]))
        # State that outlives a call belongs to one copy of the layer.
        namespace["KEPT"] = {}
        exec(compile(source, f"<zoo: {self.name}, {what}>", "exec"), namespace)
        layer: Layer = namespace[self.name]
        return layer


ZOO: list[Entry] = []
KEPT: dict[str, Any] = {}


def entry(func: Layer, inputs: Inputs, *bugs: Bug, tempting: str = "") -> None:
    """Add a layer to the zoo; ``tempting`` says why a checker might raise a false alarm."""
    ZOO.append(Entry(func, inputs, bugs, tempting))


def normal(*shapes: tuple[int, ...]) -> Inputs:
    """Inputs in general position: normal numbers of these shapes."""
    return lambda rng: tuple(np.asarray(rng.normal(0.1, 0.9, shape)) for shape in shapes)


def positive(*shapes: tuple[int, ...]) -> Inputs:
    """Inputs between 0.5 and 2."""
    return lambda rng: tuple(np.asarray(rng.uniform(0.5, 2.0, shape)) for shape in shapes)
