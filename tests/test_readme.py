"""README: its commands are understood, and its code does what its comments say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from minikd import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_commands_are_understood():
    commands = re.findall(r"\.venv/bin/minikd ([^|`\n]+)", README)
    assert len(commands) >= 10
    for command in commands:
        cli._parser().parse_args(command.split())


@pytest.mark.slow
def test_the_readme_code_does_what_its_comments_say(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    before, after = map(int, capsys.readouterr().out.split())
    threes = names["digits"].test.y == 3
    z = names["z"].copy()
    z[:, 3] -= 3.5
    assert (z.argmax(-1) != 3)[threes].sum() > before / 2
    assert after < before
