from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rich.cells import cell_len
from typer.testing import CliRunner, Result

import refra
from refra.data.loading import variables
from refra.inference.assessment import Assessment
from refra.inference.cli import app
from refra.inference.display import as_text
from refra.inference.explanation import RESEARCH_USE
from refra.inference.querying import query

EXAMPLES = (
    "escape_with_level_in_range", "first_patient", "lupus_on_infliximab", "missed_injections", "never_responded_with_drug_on_board",
    "painful_but_quiet_joints", "rapid_clearance_without_antibodies", "urate_crystals_in_the_knees",
)  # fmt: skip
KEYS = {
    "patient", "target", "level", "draws", "seed", "scores", "reasons", "causes", "drivers", "options", "too_close_to_call", "tests",
    "classification", "findings", "conflict", "warnings", "judgement_share", "untouched_share", "basis",
    "influences", "citations", "explanation", "research_use",
}  # fmt: skip
RECORD = "current_drug: adalimumab\nresponse: lost\nsjc28: 6\ndrug_level: undetectable\n"
DRAWS = ("--draws", "20")


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), env=env)


def answered(*arguments: str, env: dict[str, str] | None = None) -> str:
    result = run(*arguments, env=env)
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


def refused(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("refra: ")
    return result.stderr


def strict(text: str) -> object:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "patient.yaml"
    path.write_text(RECORD, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def first() -> Assessment:
    return refra.assess(yaml.safe_load(answered("examples", "first_patient")), draws=20)


def test_version() -> None:
    assert answered("--version") == f"refra {refra.__version__}\n"


def test_help_names_every_command() -> None:
    text = answered("--help")
    for name in ("assess", "query", "show", "examples"):
        assert name in text
        assert answered(name, "--help").startswith("Usage: ")
    assert "first_patient" in answered("assess", "--help")


@pytest.mark.parametrize(
    "arguments", [(), ("asess",), ("assess",), ("assess", "x", "--colour"), ("query",), ("show",), ("query", "ada", "--json", "--csv")]
)
def test_wrong_use(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: " in result.stderr


@pytest.mark.parametrize(
    "option",
    [("--draws", "0"), ("--draws", "x"), ("--draws", "1000000"), ("--lang", "fr"), ("--level", "high"), ("--width", "3"), ("--seed", "-1")],
)
def test_wrong_values_of_options(option: tuple[str, str]) -> None:
    result = run("assess", "first_patient", *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr


def test_assess_prints_the_assessment(first: Assessment) -> None:
    text = answered("assess", "first_patient", *DRAWS, "--width", "100")
    assert text == as_text(first, 100)
    assert flat(text).count(RESEARCH_USE["en"]) == 1


def test_assess_reads_a_file(record: Path) -> None:
    text = answered("assess", str(record), *DRAWS)
    assert "Drug level: undetectable" in flat(text)
    as_json = record.with_suffix(".json")
    content = {"current_drug": "adalimumab", "response": "lost", "sjc28": 6, "drug_level": "undetectable"}
    as_json.write_text(json.dumps(content), encoding="utf-8")
    assert answered("assess", str(as_json), *DRAWS) == text


def test_a_file_wins_over_an_example(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (record.parent / "first_patient").mkdir()
    monkeypatch.chdir(record.parent)
    assert "a folder" in refused("assess", "first_patient")


def test_assess_json(first: Assessment) -> None:
    found = strict(answered("assess", "first_patient", *DRAWS, "--json"))
    assert isinstance(found, dict)
    assert set(found) == KEYS
    assert found == json.loads(first.to_json())
    assert sum(reason["probability"] for reason in found["reasons"]) == pytest.approx(1)


def test_assess_json_of_a_met_target_has_no_nan(tmp_path: Path) -> None:
    path = tmp_path / "met.yaml"
    path.write_text("{current_drug: adalimumab, sjc28: 1, tjc28: 1, patient_global: 10, physician_global: 10}", encoding="utf-8")
    found = strict(answered("assess", str(path), *DRAWS, "--json"))
    assert isinstance(found, dict)
    assert found["causes"][0]["averted"] is None


def test_assess_in_chinese(record: Path) -> None:
    text = answered("assess", str(record), *DRAWS, "--lang", "zh", "--width", "80")
    assert RESEARCH_USE["zh"] in text
    assert RESEARCH_USE["en"] not in flat(text)
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    found = strict(answered("assess", str(record), *DRAWS, "--lang", "zh", "--json"))
    assert isinstance(found, dict)
    assert found["options"][0]["label"] in text


def test_level_draws_and_seed_reach_the_answer(record: Path) -> None:
    found = strict(answered("assess", str(record), "--draws", "7", "--seed", "3", "--level", "0.5", "--json"))
    assert isinstance(found, dict)
    assert (found["draws"], found["seed"], found["level"]) == (7, 3, 0.5)


def test_preferences(record: Path) -> None:
    path = record.with_name("preferences.yaml")
    path.write_text("unavailable: [jak_inhibitor]\nweights: {mace: 0.1}\n", encoding="utf-8")
    found = strict(answered("assess", str(record), *DRAWS, "--json", "--preferences", str(path)))
    assert isinstance(found, dict)
    assert "jak_inhibitor" not in {option["id"] for option in found["options"]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("weights: {mac: 1}", "'mace'"),
        ("weigths: {mace: 1}", "'weights'"),
        ("1: 2", "no text"),
        ("", "empty"),
        ("[1]", "map"),
        ("a: [", "YAML"),
    ],
)
def test_wrong_preferences(record: Path, content: str, said: str) -> None:
    path = record.with_name("preferences.yaml")
    path.write_text(content, encoding="utf-8")
    assert said in refused("assess", str(record), "--preferences", str(path))


def test_missing_preferences(record: Path) -> None:
    assert "no such file" in refused("assess", str(record), "--preferences", str(record.with_name("none.yaml")))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("[1, 2", "not readable as YAML"),
        ("- 1", "a map from field to value"),
        ("crpp: 3", "'crp'"),
        ("response: losst", "'lost'"),
        ("crp: -4", "0 to 1000 mg/L"),
        ("sjc28: 40", "28"),
        ("crp: 5\ncrp: 6", "stands twice"),
        ("current_drug: none\nresponse: lost", "contradict"),
    ],
)
def test_records_that_are_refused(record: Path, content: str, said: str) -> None:
    record.write_text(content, encoding="utf-8")
    message = refused("assess", str(record))
    assert said in message
    assert str(record) in message


def test_files_that_are_refused(record: Path) -> None:
    assert "no such file" in refused("assess", str(record.with_name("other.yaml")))
    assert "did you mean the example 'first_patient'" in refused("assess", "firstpatient")
    assert "no such file" in refused("assess", "")
    assert "a folder" in refused("assess", str(record.parent))
    other = record.with_suffix(".txt")
    other.write_text("x", encoding="utf-8")
    assert ".yaml, .yml, .json" in refused("assess", str(other))
    record.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refused("assess", str(record))


def test_control_signs_of_a_name_are_not_passed_on() -> None:
    message = refused("assess", "a\x1b[31mb")
    assert "\x1b" not in message


@pytest.mark.parametrize("level", ["0", "1", "nan", "-0.5"])
def test_wrong_level(level: str) -> None:
    assert "0 and 1" in refused("assess", "first_patient", "--level", level)
    assert "0 and 1" in refused("query", "ada", "--level", level)


def test_query_is_that_of_python() -> None:
    arguments = ("query", "ada", "adherence", "--given", "drug_level=undetectable", "--given", "current_drug=adalimumab", *DRAWS)
    frame = query(["ada", "adherence"], {"drug_level": "undetectable", "current_drug": "adalimumab"}, draws=20)
    rows = list(csv.DictReader(io.StringIO(answered(*arguments, "--csv"))))
    assert list(rows[0]) == ["variable", "state", "probability", "low", "high"]
    assert [float(row["probability"]) for row in rows] == list(frame["probability"])
    found = strict(answered(*arguments, "--json"))
    assert isinstance(found, dict)
    assert found["given"] == {"drug_level": "undetectable", "current_drug": "adalimumab"}
    assert found["answer"] == frame.to_dict(orient="records")
    text = answered(*arguments)
    for state in frame["state"]:
        assert f"\n{state} " in text
    assert "抗药" in answered(*arguments, "--lang", "zh")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("fibromyalgia=yes", "yes"),
        ("fibromyalgia=true", True),
        ("sjc28=0", 0),
        ("sjc28='0'", "0"),
        ("crp=22 mg/L", "22 mg/L"),
        ("crp=22", 22),
        ("crp=2.5e1", 25.0),
        ("crp=<0.5 mg/L", "<0.5 mg/L"),
        ("age_group=>=65", ">=65"),
        ("methotrexate=none", "none"),
        ("crp=null", None),
        ("ada_test={negative: 0.2, low_positive: 0.3, high_positive: 1}", {"negative": 0.2, "low_positive": 0.3, "high_positive": 1.0}),
        ("fibromyalgia_diagnosis={no: 1, yes: 0.5}", {"no": 1.0, "yes": 0.5}),
    ],
)
def test_values_mean_what_they_mean_in_python(text: str, value: object) -> None:
    name = text.partition("=")[0]
    found = strict(answered("query", "synovitis", "--given", text, *DRAWS, "--json"))
    assert isinstance(found, dict)
    assert found["given"] == {name: value}
    assert found["answer"] == query("synovitis", {name: value}, draws=20).to_dict(orient="records")


def test_the_basis_of_an_assessment_is_that_of_python() -> None:
    found = strict(answered("assess", "first_patient", "--basis", "prior", "--draws", "5", "--json"))
    assert isinstance(found, dict)
    assert found["basis"] == "prior"
    record = yaml.safe_load(answered("examples", "first_patient"))
    fitted, prior = (refra.assess(record, draws=5, basis=basis).to_dict() for basis in ("fitted", "prior"))
    assert found["options"] == prior["options"]
    assert found["options"] != fitted["options"]
    assert "every record by itself" in flat(answered("assess", "first_patient", "--basis", "prior", "--draws", "5"))
    assert "every record by itself" not in flat(answered("assess", "first_patient", "--draws", "5"))


def test_do_sets_a_state() -> None:
    found = strict(answered("query", "ada", "--do", "methotrexate=none", "--given", "current_drug=infliximab", *DRAWS, "--json"))
    assert isinstance(found, dict)
    frame = query("ada", {"current_drug": "infliximab"}, {"methotrexate": "none"}, draws=20)
    assert found["answer"] == frame.to_dict(orient="records")
    counted = strict(answered("query", "tjc28", "--do", f"sjc28={variables()['sjc28'].state_ids[0]}", *DRAWS, "--json"))
    assert isinstance(counted, dict)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("crpp",), "'crp'"),
        (("ada", "--given", "crp"), "NAME=VALUE"),
        (("ada", "--given", "=3"), "NAME=VALUE"),
        (("ada", "--given", "crp="), "NAME=VALUE"),
        (("ada", "--do", "ada"), "--do"),
        (("ada", "--given", "crp=1", "--given", "crp=2"), "given twice"),
        (("ada", "--given", "crpp=1"), "'crp'"),
        (("ada", "--given", "response=lost"), "response_pattern"),
        (("ada", "--given", "ada_test=high_positiv"), "'high_positive'"),
        (("ada", "--given", "crp=-3"), "0 to 1000"),
        (("ada", "--given", "ada_test={negative: 1}"), "lacks"),
        (("ada", "--given", "ada_test={negative: 1, negative: 1}"), "twice"),
        (("ada", "--given", "ada_test={negative: [1]}"), "numbers"),
        (("ada", "--given", "ada_test={"), "not readable"),
        (("ada", "--given", "ada_test={negative: x, low_positive: 1, high_positive: 1}"), "numbers"),
        (("ada", "--do", "methotrexate=lots"), "'methotrexate"),
        (("ada", "--given", "ada=none", "--do", "ada=none"), "both given"),
        (("ada", "--given", "other_disease=none", "--given", "other_disease_active=yes"), "cannot all hold"),
    ],
)
def test_queries_that_are_refused(arguments: tuple[str, ...], said: str) -> None:
    message = refused("query", *arguments, *DRAWS)
    assert said.strip("'") in message


def test_show() -> None:
    assert answered("show", "ada.infliximab", "--width", "100") == refra.show("ada.infliximab").text(100)
    found = strict(answered("show", "crp", "--json"))
    assert isinstance(found, dict)
    assert (found["kind"], found["name"], found["states"][0]["low"]) == ("variable", "crp", None)
    assert "'crp'" in refused("show", "crpp")


def test_examples_are_listed_and_printed() -> None:
    text = answered("examples")
    for name in EXAMPLES:
        assert name in text
        source = Path(refra.inference.patient.__file__).parent.parent / "data" / "examples" / f"{name}.yaml"
        assert answered("examples", name) == source.read_text(encoding="utf-8")
    assert "a 52-year-old woman; adalimumab without methotrexate" in flat(text)
    assert answered("examples", "first_patient.yaml") == answered("examples", "first_patient")
    assert "'first_patient'" in refused("examples", "first")


def test_examples_can_be_assessed_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert answered("assess", "lupus_on_infliximab", "--draws", "5")


def test_columns_are_respected() -> None:
    for columns, most in (("70", 70), ("300", 120), ("nonsense", 100)):
        text = answered("query", "ada", "synovitis", *DRAWS, env={"COLUMNS": columns})
        assert max(cell_len(line) for line in text.splitlines()) <= most
    text = answered("assess", "first_patient", *DRAWS, env={"COLUMNS": "72"})
    assert max(cell_len(line) for line in text.splitlines()) == 72


def test_no_colours_outside_a_terminal() -> None:
    for arguments in (("assess", "first_patient", *DRAWS), ("query", "ada", *DRAWS), ("show", "ada"), ("examples",)):
        assert "\x1b" not in answered(*arguments, env={"FORCE_COLOR": "1"})


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "refra", *arguments], capture_output=True, check=False, env={**os.environ, **environment}
    )


def test_as_a_process() -> None:
    result = process("assess", "first_patient", *DRAWS, "--lang", "zh", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (result.returncode, result.stderr) == (0, b"")
    assert RESEARCH_USE["zh"] in result.stdout.decode("utf-8")
    assert b"\x1b" not in result.stdout


def test_as_a_process_that_refuses() -> None:
    result = process("assess", "no_such_patient.yaml")
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.startswith(b"refra: no_such_patient.yaml: there is no such file")
    assert result.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="a closed pipe shows itself otherwise there")
def test_closed_pipe_is_quiet() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = subprocess.run([sys.executable, "-m", "refra", "examples"], stdout=writer, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writer)
    assert result.stderr == b""
    assert result.returncode != 2


def test_help_does_not_load_the_network() -> None:
    code = (
        "import sys\nsys.argv = ['refra', '--help']\nfrom refra.inference.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'pandas', 'pgmpy', 'rich')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
