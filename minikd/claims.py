"""What a lesson claims, and what it says where a claim does not hold."""

from __future__ import annotations

from minikd import values


def claim(holds: bool, expected: str, found: str, teaches: str = "") -> None:
    """Say whether a claim holds; where it does not, what was expected, what was found, and what that teaches.

    A lesson whose settings were changed ends in a sentence, not in an error.

    Parameters
    ----------
    holds : bool
    expected, found : str
        In words, with numbers.
    teaches : str
        A sentence for those who changed a setting.

    Examples
    --------
    >>> claim(3 < 5, "fewer than 5 errors", "3")
    It holds. Expected: fewer than 5 errors. Found: 3.
    """
    holds = values.flag("holds", holds)
    expected, found = values.text("expected", expected), values.text("found", found)
    teaches = values.text("teaches", teaches)
    verdict = "It holds" if holds else "It does not hold here"
    said = f"{verdict}. Expected: {expected}. Found: {found}."
    print(said if holds else f"{said} {teaches}".rstrip())
