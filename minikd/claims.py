"""What a lesson claims, and what it says where a claim does not hold."""

from __future__ import annotations

from minikd import values


def claim(holds: bool, expected: str, came: str, teaches: str = "") -> bool:
    """Say whether a claim holds; where it does not, what was expected, what came, and what that teaches.

    A lesson whose settings were changed ends in a sentence, not in an error.

    Parameters
    ----------
    holds : bool
    expected, came : str
        In words, with numbers.
    teaches : str
        A sentence for those who changed a setting.

    Returns
    -------
    bool
        ``holds``.

    Examples
    --------
    >>> claim(3 < 5, "fewer than 5 errors", "3")
    It holds: expected fewer than 5 errors; came 3.
    True
    """
    holds = values.flag("holds", holds)
    expected, came = values.text("expected", expected), values.text("came", came)
    teaches = values.text("teaches", teaches)
    verdict = "It holds" if holds else "It does not hold here"
    print(
        f"{verdict}: expected {expected}; came {came}." + (f" {teaches}" if not holds else "")
    )
    return holds
