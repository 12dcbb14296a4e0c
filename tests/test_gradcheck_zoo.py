"""The checker in the zoo: it passes what is right, catches what is wrong, and says what it is."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
from zoo import FAMILIES, ZOO, said  # noqa: E402
from zoo.named import CLAIMS, NAMED, asks_for_the_input_alone, names, wrong_hints  # noqa: E402
from zoo.oracle import STEPS, broken, called, disagreement  # noqa: E402

sys.path.remove(str(ROOT / "benchmarks"))

SAID = json.loads(
    (ROOT / "results" / "benchmarks" / "gradcheck_said.json").read_text(encoding="utf-8")
)
RIGHT = [pytest.param(entry, id=entry.name) for entry in ZOO]
BUGS = [
    pytest.param(entry, bug, id=f"{entry.name}: {bug.note}")
    for entry in ZOO
    for bug in entry.bugs
]


@pytest.fixture(autouse=True)
def quiet():
    """A mistake may divide by zero, or drop an imaginary part: that is for the checker to say."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


# ---------------------------------------------------------------- the checker


@pytest.mark.parametrize(
    ("name", "entry", "bug", "method"),
    [pytest.param(*case, id=case[0]) for case in said.cases()],
)
def test_it_says_what_it_said(name, entry, bug, method):
    """It passes what is right, catches what is wrong, and changes no word unseen.

    Where a change is meant, ``python benchmarks/gradcheck_zoo.py --said`` writes the record anew.
    """
    words = said.words(entry, bug, method)
    assert words.startswith("passes") == (bug is None)
    assert said.alike(words, SAID[name]), f"{words}\n\nbefore:\n{SAID[name]}"


def test_the_record_of_what_it_says_has_no_other_case():
    assert list(SAID) == [name for name, *_ in said.cases()]


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        ("gradient 0.500001, derivative -2e-07", True), ("gradient 0.51, derivative -2e-07", False),
        ("gradient 0.5, derivative 2e-07", False), ("gradient 0.5, derivative -2e-07, at 3", False),
        ("gradient 0.5", False), ("Gradient 0.5, derivative -2e-07", False),
    ],
)  # fmt: skip
def test_rounding_alone_may_differ(other, alike):
    assert said.alike("gradient 0.5, derivative -2e-07", other) is alike


def test_names_the_cause():
    """Of four mistakes in five; and hardly ever another one."""
    named, wrong = [], []
    for entry in ZOO:
        for bug in entry.bugs:
            words = SAID[f"{entry.name}: {bug.note}"]
            named.append(names(words, bug.cause))
            wrong.append(wrong_hints(words, bug.cause, bug.also))
    assert sum(named) >= 0.8 * len(named)
    assert sum(map(bool, wrong)) <= 0.05 * len(named)


# ---------------------------------------------------------------- the zoo itself


def test_it_is_large_and_no_name_occurs_twice():
    assert len(RIGHT) >= 40
    assert len(BUGS) >= 120
    assert len({entry.name for entry in ZOO}) == len(ZOO)
    assert len({case.id for case in BUGS}) == len(BUGS)
    for family in FAMILIES:
        assert len(Path(family.__file__).read_text(encoding="utf-8").splitlines()) < 400


@pytest.mark.parametrize("entry", RIGHT)
def test_right_layers_are_right(entry):
    assert disagreement(entry, entry.right()) < 1e-6
    assert not broken(entry, entry.right())


def test_every_mistake_is_one():
    """Each edit applies, and makes a gradient wrong or breaks the contract in the way it says."""
    harmless = [
        f"{entry.name}: {bug.note}"
        for entry in ZOO for bug in entry.bugs
        if not (
            bug.cause[0] in broken(entry, entry.wrong(bug)) if bug.breaks == "contract"
            else disagreement(entry, entry.wrong(bug), STEPS[2:7]) > 1e-4
        )
    ]  # fmt: skip
    assert not harmless


def test_an_edit_that_does_not_apply_is_an_error():
    entry = ZOO[0]
    bug = type(entry.bugs[0])("no such piece", "", ("zero",), "nothing")
    with pytest.raises(ValueError, match="occurs 0 times"):
        entry.wrong(bug)


SHAPE = {"missing sum", "extra sum", "wrong shape"}


def is_so(entry, bug):
    """Whether a cause that can be computed is what it says."""
    kind, *detail = bug.cause
    right, wrong = called(entry, entry.right())[3], called(entry, entry.wrong(bug))[3]
    pairs = [(w, r) for w, r in zip(wrong, right, strict=True) if r is not None]
    fits = [(w, r) for w, r in pairs if w.shape == r.shape]
    if kind == "factor":
        ratios = [(w / r)[r != 0] for w, r in fits]
        factor = detail[0] if isinstance(detail[0], (int, float)) else None
        return any(
            np.ptp(q) < 1e-6 * abs(q[0]) and (factor is None or np.isclose(q[0], factor, rtol=1e-6))
            for q in ratios if q.size
        )  # fmt: skip
    if kind == "sign":
        return any(np.allclose(w, -r) and r.any() for w, r in fits)
    if kind == "zero":
        return any(r.any() and not w.any() for w, r in pairs)
    if kind == "inputs swapped":
        return any(
            wrong[i].shape == right[j].shape and np.allclose(wrong[i], right[j])
            for i in range(len(right)) for j in range(len(right)) if i != j
        )  # fmt: skip
    if kind == "term missing":
        return not np.allclose(wrong[detail[0]], right[detail[0]], rtol=1e-6, atol=0)
    return (
        kind not in SHAPE or any(w.shape != r.shape for w, r in pairs) or kind == "missing sum"
    )


def test_causes_are_what_they_say():
    untrue = [
        f"{entry.name}: {bug.note} {bug.cause}"
        for entry in ZOO for bug in entry.bugs
        # An edit of the forward changes the derivative, not the gradient.
        if bug.breaks == "gradient" and "forward" not in bug.note and not is_so(entry, bug)
    ]  # fmt: skip
    assert not untrue


# ---------------------------------------------------------------- what names a cause


def test_every_kind_of_cause_has_a_pattern():
    kinds = {bug.cause[0] for entry in ZOO for bug in entry.bugs}
    assert kinds <= set(NAMED)
    assert set(CLAIMS) <= set(NAMED)
    assert not asks_for_the_input_alone(("term missing", 0, "constant"))


@pytest.mark.parametrize(
    ("message", "factor", "named"),
    [
        ("is 0.25 times the derivative", 0.25, True), ("is 1/4 times the derivative", 0.25, True),
        ("is 0.333333 times the derivative", 1 / 3, True), ("is 4 times the derivative", 4, True),
        ("is 14 times the derivative", 4, False), ("is 0.5 times the derivative", 0.25, False),
        ("is 1 times the derivative", 1.001, False), ("is 1.001 times the derivative", 1.001, True),
    ],
)  # fmt: skip
def test_the_number_counts(message, factor, named):
    assert names(message, ("factor", factor)) is named
    assert ("factor" in wrong_hints(message, ("factor", factor))) is not named


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("input 1 has the wrong sign", ("sign",)), ("input 1 is transposed", ("transposed",)),
        ("it is flipped along axis 1", ("permuted", "flipped along axis 1")),
        ("input 2 has shape (4,) and its gradient (5, 4)", ("missing sum",)),
        ("a mean over axis 1 is not subtracted", ("mean not subtracted", 1)),
        ("it does not depend on dout", ("dout ignored",)),
        ("the gradient is 1 where the derivative is 0", ("mask",)),
        ("input 1: a term is missing", ("term missing", 1)),
        ("input 0: what is missing is constant", ("term missing", 0, "constant")),
        ("input 0: what is missing is proportional to x", ("term missing", 0, "proportional to x")),
        ("input 0: what is missing goes with the sign of x", ("term missing", 0, "sign of x")),
        ("the gradients of inputs 0 and 1 are exchanged", ("inputs swapped",)),
        ("an index occurs more than once", ("duplicates",)),
        ("func is not deterministic", ("not deterministic",)),
        ("input 0 was written to", ("input written",)),
        ("a later call overwrites it", ("buffer reused",)),
        ("a second call of backward gives more: it accumulates", ("accumulates",)),
        ("the backward gave 2 gradients for 3 inputs", ("number of gradients",)),
        ("the gradient is not finite", ("nan",)), ("the gradient is zero everywhere", ("zero",)),
        ("backward uses what another call kept", ("stale cache",)),
        ("2 of 20 elements are wrong", ("single elements",)),
        ("the gradient does not vanish with dout", ("constant in the gradient",)),
        ("it is right to three digits", ("precision",)),
    ],
)  # fmt: skip
def test_words_that_name_a_cause(message, cause):
    assert names(message, cause)
    assert not wrong_hints(message, cause)


def test_a_wrong_hint_is_found():
    message = "input 0: the gradient is 2 times the derivative everywhere"
    assert wrong_hints(message, ("mask",)) == ["factor"]
    assert not wrong_hints("input 0: gradient 1.0, derivative 0.0", ("mask",))


# ---------------------------------------------------------------- the command


def test_the_page_shows_the_record(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    command = importlib.import_module("gradcheck_zoo")
    record = json.loads(command.RECORD.read_text(encoding="utf-8"))
    text = command.PAGE.read_text(encoding="utf-8")
    assert command.page(text, record) == text
    assert (record["right"], record["bugs"]) == (len(RIGHT), len(BUGS))
    for found in record["checkers"].values():
        assert found["caught"] + found["missed"] + found["crashed"] == len(BUGS)
    with pytest.raises(ValueError, match="no <!-- gradcheck -->"):
        command.page("no markers", record)
