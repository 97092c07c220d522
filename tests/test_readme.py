"""The README shows a real answer and two commands; neither may drift."""

from __future__ import annotations

import re
from pathlib import Path

from refra.inference.assessment import assess
from refra.inference.display import as_text
from refra.inference.explanation import RESEARCH_USE
from refra.inference.patient import Patient

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_answer_shown_is_the_answer_given() -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", README, flags=re.S)
    given = as_text(assess(Patient.from_yaml(ROOT / "data" / "examples" / "first_patient.yaml")), width=100)
    lines = {line.rstrip() for line in given.splitlines()}
    missing = [line for line in shown.splitlines() if line.strip() and line.rstrip() not in lines]
    assert not missing
    assert len(shown.splitlines()) > 20


def test_two_commands_are_marked_for_continuous_integration() -> None:
    commands = re.findall(r"<!-- command: (\w+) -->\s*```bash\n(.*?)```", README, flags=re.S)
    assert [name for name, _ in commands] == ["run", "test"]
    assert "refra assess data/examples/first_patient.yaml" in commands[0][1]
    assert "pytest" in commands[1][1]


def test_the_research_use_sentence_stands_once() -> None:
    assert README.count(RESEARCH_USE["en"]) == 1


def test_every_public_name_is_in_the_reference() -> None:
    import refra

    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    missing = [name for name in refra.__all__ if name != "__version__" and name not in reference]
    assert not missing
