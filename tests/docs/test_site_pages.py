"""The pages made for the site: nothing of the model is without its place, links meet, numbers are those of the data."""

from __future__ import annotations

import csv
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path, PurePosixPath

import pytest
import yaml
from generate.claims import CLAIMS, shown_by
from generate.facts import GAINS, PLACE, WIDTHS, facts, fill
from generate.notebooks import WIDGET, without_widgets
from generate.parameters import MEANINGS, nodes, parameter_pages, untouched
from generate.picture import BANDS, arcs, crossings, findings_of, hidden, layout, picture
from generate.reference import command_page, commands, data_pages, derivation_page, public_names, python_page
from generate.studies import study_pages
from generate.units import units_table
from generate.variables import field_of, variable_pages
from generate.writing import parameter_path, plain, table
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import refra
from refra.data.fitted import fitted
from refra.data.loading import STAGES, evidence, parameters, studies, variables
from refra.inference.patient_files import example_texts
from refra.inference.units import QUANTITIES
from refra.model.assembly import central_model

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"\]\(([^)\s]+)\)")
ANCHOR = re.compile(r"^#+ .*\{ #(\S+) \}$", re.MULTILINE)
WRITTEN = sorted(DOCS.rglob("*.md"))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {**variable_pages(), **parameter_pages(), **study_pages()}


def rows(folder: str, file: str) -> list[dict[str, str]]:
    with files("refra.data").joinpath(folder, file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def resolved(page: str, link: str) -> str:
    """The source path that a relative link of a page leads to."""
    parts: list[str] = []
    for part in (PurePosixPath(page).parent / link).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def test_everything_on_record_has_its_place(pages: dict[str, str]) -> None:
    anchors = {path: ANCHOR.findall(text) for path, text in pages.items()}
    for row in rows("parameters", "parameters.csv"):
        assert MEANINGS[row["status"]] in pages[parameter_path(row["id"])], row["id"]
    for row in rows("evidence", "evidence.csv"):
        assert row["id"] in anchors[f"network/studies/{row['study_id']}.md"], row["id"]
    for row in rows("evidence", "studies.csv"):
        assert f"network/studies/{row['study_id']}.md" in pages
    listed = yaml.safe_load(files("refra.data").joinpath("variables", "variables.yaml").read_text(encoding="utf-8"))
    assert {f"network/variables/{entry['id']}.md" for entry in listed} <= set(pages)
    records = rows("parameters", "parameters.csv")
    assert len(pages) == len(listed) + len(nodes()) + len(records) + len(rows("evidence", "studies.csv")) + 3


def test_every_parameter_has_an_address_of_its_own() -> None:
    paths = [parameter_path(name).lower() for name in parameters()]
    assert len(set(paths)) == len(parameters())
    assert all(re.fullmatch(r"network/parameters/[a-z0-9_]+\.[a-z0-9._-]+\.md", path) for path in paths)


def test_anchors_are_unique_and_fit_for_an_address(pages: dict[str, str]) -> None:
    for path, text in pages.items():
        found = [name.lower() for name in ANCHOR.findall(text)]
        assert len(set(found)) == len(found), path
        assert all(re.fullmatch(r"[a-z0-9._-]+", name) for name in found), path


def test_links_between_the_generated_pages_meet(pages: dict[str, str]) -> None:
    anchors = {path: set(ANCHOR.findall(text)) for path, text in pages.items()}
    seen = 0
    for path, text in pages.items():
        for link in LINK.findall(text):
            if link.startswith("http"):
                continue
            file, _, place = link.partition("#")
            goal = resolved(path, file)
            if goal in pages:
                assert not place or place in anchors[goal], f"{path}: {link}"
                seen += 1
            else:
                assert (DOCS / goal).is_file(), f"{path}: {link}"
    assert seen > 3_000


def test_links_lead_both_ways(pages: dict[str, str]) -> None:
    for name, record in parameters().items():
        path = parameter_path(name)
        own, listing = pages[path], f"network/parameters/{record.node}.md"
        assert f"({record.node}.md)" in own
        assert f"({path.removeprefix('network/')})" in pages[listing].replace("../../network/", ""), name
        for row in (*record.evidence_for, *record.evidence_against):
            study = evidence()[row].study_id
            assert f"studies/{study}.md#{row})" in own, (name, row)
            assert f"{path})" in pages[f"network/studies/{study}.md"], (name, row)
    for variable, used in central_model().parameters.items():
        for name in used:
            assert f"{parameter_path(name)})" in pages[f"network/variables/{variable}.md"]
            assert f"variables/{variable}.md)" in pages[parameter_path(name)]


def test_evidence_against_is_shown_as_such(pages: dict[str, str]) -> None:
    contested = [record for record in parameters().values() if record.evidence_against]
    assert contested
    for record in contested:
        warned = pages[parameter_path(record.id)].partition('!!! warning "Evidence against it"')[2]
        assert all(f"#{row})" in warned for row in record.evidence_against), record.id
        assert not any(f"#{row})" in warned for row in record.evidence_for), record.id


def test_studies_link_to_their_publications(pages: dict[str, str]) -> None:
    for study in studies().values():
        text = pages[f"network/studies/{study.id}.md"]
        assert (f"(https://doi.org/{study.doi})" in text) == bool(study.doi), study.id
        assert ("no identifier found" in text) == (not study.doi and not study.pmid), study.id


def test_pages_show_both_languages_and_every_state(pages: dict[str, str]) -> None:
    for variable in variables().values():
        text = pages[f"network/variables/{variable.id}.md"]
        assert plain(variable.label["zh"]) in text
        assert all(plain(state.label["zh"]) in text and plain(state.id) in text for state in variable.states), variable.id


def test_every_field_that_takes_a_number_stands_in_the_table_of_units() -> None:
    lines = units_table().splitlines()
    assert len(lines) == len(QUANTITIES) + 2
    assert "| mg/L | mg/dL, ug/mL, ng/mL | 0 to 1,000 |" in next(line for line in lines if "crp.md" in line)


def test_patient_fields_are_named() -> None:
    assert field_of("age_group") == "age"
    assert field_of("earlier_rituximab") == "earlier"
    assert field_of("driver") == ""


def test_every_public_name_is_in_the_reference() -> None:
    named = {name for names in public_names().values() for name in names}
    assert named == set(refra.__all__) - {"__version__"}
    text = python_page()
    for name in named:
        assert f'heading: "refra.{name}"' in text
        assert f"::: {getattr(refra, name).__module__}.{name}\n" in text


def test_every_command_is_in_the_reference() -> None:
    text = command_page()
    assert {"assess", "sensitivity", "export"} <= set(commands())
    for name, help_text in commands().items():
        assert f"## `refra {name}`" in text
        assert f"* `{name}`: {help_text}\n" in text
        assert help_text.endswith(".")
    assert "`--preferences FILE`" in text


def test_every_derivation_that_a_page_links_to_is_in_the_reference(pages: dict[str, str]) -> None:
    linked = {name for text in pages.values() for name in re.findall(r"\[refra\.model\.derivations\.(\w+)\]", text)}
    assert linked == {record.derivation for record in parameters().values()} - {""}
    listed = derivation_page().partition("members: [")[2].partition("]")[0].split(", ")
    assert linked <= set(listed)


def test_every_folder_of_data_is_in_the_reference() -> None:
    on_disk = {entry.name for entry in files("refra.data").iterdir() if entry.is_dir() and entry.joinpath("README.md").is_file()}
    assert {PurePosixPath(path).stem for path in data_pages()} == on_disk


def test_code_on_the_pages_of_data_holds_no_backslash() -> None:
    code = [span for text in data_pages().values() for span in re.findall(r"`[^`\n]+`", text)]
    assert any("|" in span for span in code)
    assert not [span for span in code if "\\|" in span]


def test_the_numbers_are_those_of_the_data() -> None:
    found, listed = facts(), rows("parameters", "parameters.csv")
    statuses = Counter(row["status"] for row in listed)
    assert found["parameters.total"] == str(len(listed))
    assert found["parameters.judgement"] == str(statuses["judgement"])
    assert found["parameters.judgement_share"] == f"{100 * statuses['judgement'] / len(listed):.0f} %"
    assert found["parameters.contested"] == str(sum(bool(row["evidence_against"]) for row in listed))
    assert found["parameters.against"].count("\n") - 1 == sum(len(row["evidence_against"].split()) for row in listed)
    published = rows("evidence", "evidence.csv")
    assert found["evidence.total"] == str(len(published))
    assert found["evidence.validation"] == str(sum(row["use"] == "validation" for row in published))
    assert found["evidence.abstract"] == str(sum(row["verified"] == "abstract" for row in published))
    assert found["studies.total"] == str(len(rows("evidence", "studies.csv")))
    assert found["studies.identified"] == str(sum(bool(row["doi"] or row["pmid"]) for row in rows("evidence", "studies.csv")))
    assert found["fit.targets"] == str(len(rows("targets", "targets.csv")))
    assert found["fit.kept_back"] == str(len(rows("targets", "validation.csv")))
    asked = dict(zip(fitted().ids, fitted().asked.tolist(), strict=True))
    narrowed = {row["parameter"] for row in rows("posterior", "parameters.csv") if float(row["contraction"]) > 0.05}
    # The table's contractions are rounded.
    assert abs(int(found["parameters.untouched"]) - sum(not asked[row["id"]] or row["id"] not in narrowed for row in listed)) <= 2
    assert all(untouched(row["id"]) for row in listed if row["node"] == "utility")
    assert float(found["value.smoke_tnfi_good_or_saevarsdottir2011"]) == 0.52


@pytest.mark.parametrize(
    ("heading", "prefix"),
    [("## Rows that were kept back\n", "validation"), ("## Rows that were kept back, before the fit\n", "validation.prior")],
)
def test_the_shipped_report_and_the_pages_agree_on_the_rows_kept_back(heading: str, prefix: str) -> None:
    section = (DOCS / "fit.md").read_text(encoding="utf-8").partition(heading)[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    printed = dict(zip(lines[0], next(line for line in lines if line[0] == "all"), strict=True))
    found = facts()
    assert found[f"{prefix}.rows"] == printed["rows"]
    assert found[f"{prefix}.error"] == f"{float(printed['mean abs. error']):.2f}"
    for name, column in (("covered_90", "in 90 %"), ("covered_50", "in 50 %")):
        assert found[f"{prefix}.{name}"] == f"{100 * float(printed[column]):.0f} %"
    assert found[f"{prefix}.signs"] == f"{float(printed['signs right']) * int(printed['comparisons']):.0f} of {printed['comparisons']}"


def test_the_gains_of_every_example_are_counted() -> None:
    narrowed = [1 - float(after) / float(before) for before, after in WIDTHS.findall(GAINS.read_text(encoding="utf-8"))]
    assert len(narrowed) == len(example_texts())
    assert facts()["gains.most"] == f"{100 * max(narrowed):.0f} %"


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(DOCS)))
def test_written_pages_quote_numbers_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    known = {*facts(), "picture.svg", "picture.boxes", "picture.arcs"}
    assert {name for _, name in PLACE.findall(text)} <= known


@pytest.mark.parametrize("name", ["explanation/knowledge.md", "index.md", "limits.md"])
def test_counts_are_quoted_not_typed(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    counts = {value for key, value in facts().items() if key.endswith((".total", ".judgement", ".judgement_share", ".untouched_share"))}
    assert not [value for value in counts if re.search(rf"(?<![\w.]){re.escape(value)}(?!\w)", text)]


def test_every_claim_of_the_essay_stands_with_a_test() -> None:
    text = (DOCS / "explanation" / "claims.md").read_text(encoding="utf-8")
    tests = shown_by()
    for claim in CLAIMS:
        assert re.search(rf"^\| {claim} \|.*\{{\{{ claims\.{claim.lower()} \}}\}} \|$", text, flags=re.MULTILINE), claim
        assert tests[f"claims.{claim.lower()}"], claim
    assert "not through il17" in tests["claims.s9"]


def test_an_unknown_number_is_refused() -> None:
    assert fill("{{ a.b }} of {{ c }}", {"a.b": "1", "c": "2"}) == "1 of 2"
    assert fill("x:\n\n    {{ t }}\n", {"t": "| a |\n|---|"}) == "x:\n\n    | a |\n    |---|\n"
    with pytest.raises(KeyError, match="nothing"):
        fill("{{ nothing }}", {})


def test_text_of_the_data_cannot_break_a_page() -> None:
    assert plain("a|b <c> *d* _e_ [f] & `g`") == ("a&#124;b &lt;c&gt; &#42;d&#42; &#95;e&#95; &#91;f&#93; &amp; &#96;g&#96;")
    assert table(("a", "b"), []) == ""
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_the_picture_shows_what_is_never_seen_and_the_arcs_of_the_network() -> None:
    latent = {name for name, variable in variables().items() if variable.role == "latent"}
    assert set(hidden()) == latent - {"other_disease_active"} | {"primary_reason"}
    parents = central_model().parents
    boxes = set(hidden()) - {"primary_reason"}
    direct = {(parent, name) for name in boxes for parent in parents[name] if parent in boxes}
    through = {("other_disease", name) for name in boxes if "other_disease_active" in parents[name]}
    assert set(arcs(hidden())) == direct | through
    assert through
    findings = [name for stage in STAGES for name in findings_of(stage)]
    assert {stage for stage, _, _ in BANDS} >= {variables()[name].stage for name in findings}
    drawn = re.findall(r'href="\.\./network/variables/(\w+)\.html"', picture())
    assert sorted(drawn) == sorted([*hidden(), *findings])


def test_arcs_of_the_picture_pass_beside_the_boxes() -> None:
    rows = layout()
    places = {name: place for row in rows for name, place in row.items()}
    passed = 0
    for start, end in arcs(places):
        for x, top in crossings(places[start], places[end], [list(row.values()) for row in rows]):
            row = next(row for row in rows if next(iter(row.values())).top == top)
            assert all(abs(x - place.middle) > place.width / 2 for place in row.values()), (start, end)
            passed += 1
    assert passed > 10


def test_a_page_holds_the_copy_beside_a_widget_and_nothing_of_the_widget() -> None:
    outputs = [new_output("display_data", {"text/plain": "", WIDGET: {}}), new_output("display_data", {"text/html": "<p>copy</p>"})]
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("view", outputs=outputs)])
    assert [output.data for output in without_widgets(notebook).cells[1].outputs] == [{"text/html": "<p>copy</p>"}]


def test_every_written_page_is_in_the_navigation() -> None:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    missing = [str(path.relative_to(DOCS)) for path in WRITTEN if f": {path.relative_to(DOCS)}" not in settings]
    assert not missing
