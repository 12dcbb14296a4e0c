"""Does a message name the mistake? The same patterns judge every checker."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any


def _factor(value: Any = None) -> str:
    """The number before "times the derivative", as a decimal or as a fraction."""
    if not isinstance(value, (int, float)):
        return r"times the derivative"
    written = {f"{value:.{digits}g}" for digits in (3, 4, 6)}
    close = [re.escape(text) for text in written if abs(float(text) / value - 1) < 5e-4]
    decimals = "|".join(rf"{text}\d*" for text in close)
    fraction = Fraction(value).limit_denominator(100)
    if abs(fraction / value - 1) > 1e-9:
        fraction = Fraction(value).limit_denominator(10_000)
    return rf"(?<![\d.])(?:{decimals}|{fraction})(?: \([^)]*\))? times the derivative"


def _term(i: int, detail: str = "") -> str:
    """The input, and what the term looks like where that is asked for."""
    looks = {
        "": "", "constant": r".*(?:constant|the same (?:amount|number|value))",
        "proportional to x": r".*(?:proportional to|times (?:x|the input))",
        "sign of x": r".*sign of",
    }  # fmt: skip
    return rf"\binputs? {i}\b{looks[detail]}"


_SHAPE = r"shape|not summed|sum over|summed over"

# What must stand in a message, given the details of the cause. To be extended when a checker says
# the same in other words.
NAMED: dict[str, Callable[..., str]] = {
    "factor": _factor,
    "sign": lambda: (
        r"wrong sign|opposite sign|sign is|-1(?:\.0*)? times the derivative|negative of"
    ),
    "transposed": lambda: r"transpos",
    "permuted": lambda how="": (
        r"permut|flip|shift|revers|(?:wrong|another|other) order|elsewhere|another place"
        r"|rolled|swapped ax|transpos"
    ),
    "missing sum": lambda: _SHAPE,
    "extra sum": lambda: _SHAPE,
    "wrong shape": lambda: _SHAPE,
    "mean not subtracted": lambda axis: (
        rf"(?:mean|sum|average|constant|reduction)\b.*\bax[ie]s (?:{axis}|-1)\b"
    ),
    "dout ignored": lambda: r"dout|gradient on (?:the|an) output|not linear|upstream",
    "mask": lambda: r"mask|where the derivative is (?:0|zero|1|one)|\bkinks?\b|\bties?\b",
    "term missing": _term,
    "inputs swapped": lambda: r"swap|exchang",
    "duplicates": lambda: r"duplicate|repeated|add\.at|more than once",
    "not deterministic": lambda: r"determin|reentrant|differs? between (?:two )?calls",
    "input written": lambda: r"written|in.place|modif|overw",
    "buffer reused": lambda: r"buffer|reuse|memory|overw|\bview",
    "accumulates": lambda: r"accumulat|second (?:call|backward)|twice|adds? up|reentrant",
    "number of gradients": lambda: (
        r"number of gradients|\d+ gradients? for \d+ inputs?|incorrect number"
    ),
    "nan": lambda: r"\bnan\b|not finite|not a number",
    "zero": lambda: r"gradient (?:is|are) (?:all )?(?:0|zero)|zero everywhere|all zeros",
    "stale cache": lambda: r"stale|cache|(?:another|earlier|last|first|other|later) call|overw",
    "single elements": lambda: (
        r"\d+ of (?:the |its )?\d+|(?:others?|rest|elsewhere).{0,40}right|single element"
        r"|only (?:at|in|for) "
    ),
    "constant in the gradient": lambda: (
        r"constant|added|dout = 0|zero dout|does not vanish|not linear|whatever dout"
    ),
    "precision": lambda: r"precision|rounding|digits|nearly|almost|accura|close to",
}

# What a message claims without doubt. A claim of another kind than the mistake is a wrong hint...
CLAIMS: dict[str, str] = {
    # "... only at some elements" claims less.
    "factor": r"times the derivative(?! (?:only|where|at|in|for)\b)",
    "sign": r"wrong sign|opposite sign",
    "transposed": r"transposed",
    "permuted": r"permuted|flipped|shifted by|reversed",
    "missing sum": r"not summed|sum (?:is )?missing",
    "mean not subtracted": r"mean (?:is )?(?:not subtracted|missing|forgotten)",
    "dout ignored": r"dout (?:is |was )?(?:ignored|dropped|not used)|does not depend on dout",
    "mask": r"\bmask",
    "inputs swapped": r"swapped|exchanged",
    "duplicates": r"duplicate|repeated ind|add\.at",
    "not deterministic": r"not deterministic|reentrant",
    "input written": r"written to",
    "buffer reused": r"same buffer|buffer (?:is |was )?(?:reused|overwritten)",
    "accumulates": r"accumulat",
    "number of gradients": r"\d+ gradients? for \d+ inputs?|incorrect number of gradients",
    "zero": r"gradient is zero everywhere|gradient is all zeros",
    "stale cache": r"stale|another call's",
    "constant in the gradient": r"constant (?:is )?added|does not vanish",
}

# ...unless both can be said of the same mistake.
_STATE = {"not deterministic", "accumulates", "stale cache", "buffer reused", "input written"}
_SHAPES = {"missing sum", "extra sum", "wrong shape", "number of gradients", "transposed"}
_PLACES = {"permuted", "transposed", "duplicates", "single elements", "mask", "inputs swapped"}
_FITS: dict[str, set[str]] = {
    **dict.fromkeys(_STATE, _STATE),
    **dict.fromkeys(_SHAPES, _SHAPES),
    "transposed": _SHAPES | _PLACES, "permuted": _PLACES, "duplicates": _PLACES, "mask": _PLACES,
    "single elements": {*_PLACES, "zero", "constant in the gradient"},
    "inputs swapped": {"permuted", "transposed", "sign", "factor"},
    "sign": {"factor", "inputs swapped"}, "zero": {"term missing"},
    "dout ignored": {"constant in the gradient", "zero"},
    "constant in the gradient": {"dout ignored", "zero"},
}  # fmt: skip


def names(message: str, cause: tuple[Any, ...]) -> bool:
    """Whether a message says what the mistake is."""
    pattern = NAMED[cause[0]](*cause[1:])
    return re.search(pattern, message, re.IGNORECASE | re.DOTALL) is not None


def wrong_hints(message: str, cause: tuple[Any, ...], also: tuple[str, ...] = ()) -> list[str]:
    """Kinds that a message claims, and that the mistake is not."""
    kind, true = cause[0], {*also, *_FITS.get(cause[0], set())}
    claimed = [k for k, claim in CLAIMS.items() if re.search(claim, message, re.IGNORECASE)]
    wrong = [k for k in claimed if k != kind and k not in true]
    # The number counts too.
    if kind == "factor" and "factor" in claimed and not names(message, cause):
        wrong.append("factor")
    return wrong


def asks_for_the_input_alone(cause: tuple[Any, ...]) -> bool:
    """Whether naming the input is all that a message needs."""
    return cause[0] == "term missing" and len(cause) == 2
