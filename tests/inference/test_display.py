from __future__ import annotations

import dataclasses
import io
import re
from importlib.resources import files

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from refra.data.labels import label
from refra.data.loading import variables
from refra.inference.assessment import Assessment, assess
from refra.inference.display import as_text, render
from refra.inference.display_layout import SPEAKS, bar, breaks, pieces, share, signed, span, with_span
from refra.inference.display_sections import harm_words
from refra.inference.display_words import WORDS
from refra.inference.explanation import RESEARCH_USE, percent
from refra.inference.patient import Patient

DRAWS = 20
NAN = re.compile(r"\bnan\b", re.IGNORECASE)
EXAMPLES = sorted(entry.name for entry in files("refra.data").joinpath("examples").iterdir() if entry.name.endswith(".yaml"))
CASES = {
    "nothing": {},
    "first biologic": {"current_drug": "none", "sjc28": 5},
    "intolerant": {"current_drug": "adalimumab", "response": "intolerant"},
    "met": {"current_drug": "adalimumab", "sjc28": 1, "tjc28": 1, "patient_global": 10, "physician_global": 10},
    "two of one class": {"current_drug": "tocilizumab", "earlier": {"tnf_inhibitor": ["never_worked", "never_worked"]}},
}
SECTIONS = ("words", "reasons", "causes", "drivers", "options", "harms", "tests", "classification", "weights", "rests")


def example(name: str, language: str = "en") -> Assessment:
    return assess(Patient.from_yaml(str(files("refra.data").joinpath("examples", name))), draws=DRAWS, language=language)


@pytest.fixture(scope="module")
def first() -> Assessment:
    return example("first_patient.yaml")


@pytest.fixture(scope="module")
def painful() -> Assessment:
    return example("painful_but_quiet_joints.yaml")


@pytest.fixture(scope="module")
def chinese() -> Assessment:
    return example("painful_but_quiet_joints.yaml", "zh")


@pytest.fixture(scope="module")
def cases() -> dict[str, Assessment]:
    return {name: assess(record, draws=DRAWS) for name, record in CASES.items()}


def flat(text: str) -> str:
    return " ".join(text.split())


def titles(text: str) -> list[str]:
    return re.findall(r"^(.+?) ─+$", text, flags=re.MULTILINE)


def line_with(text: str, section: str, start: str) -> str:
    part = text[text.index(f"\n{section} ─") :]
    return next(line for line in part.splitlines() if line.startswith(start))


def test_sections_stand_in_order(first: Assessment) -> None:
    assert titles(as_text(first)) == [WORDS["en"][name] for name in SECTIONS]


def test_header_says_drug_findings_scores_target_and_draws(first: Assessment) -> None:
    text = flat(as_text(first))
    for part in (
        "Drug adalimumab", "CRP 22 mg/L", f"DAS28-ESR {first.scores.das28_esr:.1f} (high)", f"CDAI {first.scores.cdai:.1f} (high)",
        f"SDAI {first.scores.sdai:.1f}", "missed: CDAI 31.3", f"95 % credible, from {DRAWS} parameter draws",
    ):  # fmt: skip
        assert part in text
    # 12 tender and 7 swollen joints, 68 mm and 55 mm.
    assert first.scores.cdai == pytest.approx(12 + 7 + 6.8 + 5.5)


def test_explanation_is_in_it_in_full(first: Assessment) -> None:
    text = flat(as_text(first, 80))
    for sentence in first.explanation():
        assert flat(sentence) in text


def test_reasons_are_those_of_the_frame(first: Assessment) -> None:
    text = as_text(first)
    for row in first.reasons.itertuples():
        line = line_with(text, "Reasons", row.label)
        assert with_span(row.probability, row.low, row.high) in line
        assert line.endswith(share(row.p_first))
        assert line.count("█") == int(round(row.probability * 14 * 8) // 8)


def test_causes_are_those_of_the_frame(first: Assessment) -> None:
    text = as_text(first, 120)
    for row in first.causes.itertuples():
        cells = re.split(r"\s{2,}", line_with(text, "Causes", row.label))
        assert cells == [
            row.label,
            with_span(row.probability, row.low, row.high),
            with_span(row.averted, row.averted_low, row.averted_high),
            share(row.averted_independent),
            share(row.p_first),
        ]


def test_options_are_those_of_the_frame(first: Assessment) -> None:
    text = as_text(first, 120)
    notes = list(dict.fromkeys(caution for cautions in first.options["cautions"] for caution in cautions))
    for rank, row in enumerate(first.options.itertuples(), start=1):
        cells = re.split(r"\s{2,}", line_with(text, "Options", f"{rank} {row.label}"))
        marks = [",".join(str(notes.index(caution) + 1) for caution in row.cautions)] if row.cautions else []
        assert cells[1:3] == [with_span(row.lda, row.low, row.high), share(row.acr50)]
        assert cells[4:] == [share(row.p_best), *marks]
        low, value, high = (float(number) for number in (row.utility_low, row.utility, row.utility_high))
        said = [float(number) for number in re.findall(r"-?\d+", cells[3])]
        assert said == pytest.approx([1000 * value, 1000 * low, 1000 * high], abs=0.5)
    for number, note in enumerate(notes, start=1):
        assert f"{number}. {note}" in flat(text)


def test_harms_are_percent_a_year_and_equal_for_the_present_treatment(first: Assessment) -> None:
    text = as_text(first, 120)
    row = first.options.set_index("id").loc["jak_inhibitor"]
    cells = re.split(r"\s{2,}", line_with(text, "Harms, % a year", "JAK inhibitor"))
    # Rare harms differ by tenths of a percent.
    assert cells[1] == f"{100 * row['serious_infection']:.1f}"
    assert cells[2] == f"{100 * row['mace']:.1f}"
    options = first.options.set_index("id")
    for added in ("support_adherence", "optimise_exposure", "treat_noninflammatory"):
        assert options.loc[added, "malignancy"] == options.loc["continue", "malignancy"]


def test_line_on_the_order(first: Assessment) -> None:
    named = dataclasses.replace(first, too_close_to_call=("rituximab", "abatacept", "continue"))
    assert "Too close to call: Rituximab, Abatacept and Continue unchanged beat the first" in flat(as_text(named))
    one = dataclasses.replace(first, too_close_to_call=("rituximab",))
    assert "Too close to call: Rituximab beats the first" in flat(as_text(one))
    clear = dataclasses.replace(first, too_close_to_call=())
    assert f"First in {percent(first.options.iloc[0]['p_best'])} of the draws" in flat(as_text(clear))


def test_held_back_classes_are_explained() -> None:
    answer = example("urate_crystals_in_the_knees.yaml")
    said = "Drug classes stand last until another disease is excluded."
    assert (said in flat(as_text(answer))) == (not answer.options["utility"].is_monotonic_decreasing)
    ordered = dataclasses.replace(answer, options=answer.options.sort_values("utility", ascending=False))
    assert said not in flat(as_text(ordered))


def test_next_tests_are_the_six_most_useful(first: Assessment) -> None:
    text = as_text(first, 120)
    for row in first.tests.head(3).itertuples():
        line = line_with(text, "Next tests", row.label)
        assert f"{1000 * row.expected_gain:.1f}" in line
        assert share(row.p_change) in line
    part = text[text.index("\nNext tests") : text.index("\nClassification")]
    assert part.count("\n", part.index("Likeliest result")) <= 2 + 6 + 1


def test_tests_that_tell_nothing_are_not_listed(first: Assessment) -> None:
    empty = first.tests.assign(expected_gain=1e-8, p_change=1e-5, entropy_drop=1e-4)
    text = flat(as_text(dataclasses.replace(first, tests=empty)))
    assert WORDS["en"]["no_test"] in text
    assert WORDS["en"]["tests_note"] not in text


def test_classification_names_what_decides(painful: Assessment, first: Assessment) -> None:
    text = flat(as_text(painful))
    assert "(EULAR 2021, criteria 1 and 2): yes; criteria 1 and 2: 3 drug classes failed (TNF inhibitor, IL-6 receptor inhibitor" in text
    found = painful.classification
    assert f"NIRRA): {with_span(found.nirra, found.nirra_low, found.nirra_high)}" in text
    assert "NIRRA" not in as_text(first)


def test_weights_have_a_row_for_each_finding_that_speaks(painful: Assessment) -> None:
    text = as_text(painful, 120)
    table = painful.findings
    part = text[text.index("\nWeight of evidence") : text.index("\nWhat the answer rests on")]
    rows, silent = part.split("No weight here:")
    for finding, group in table.groupby("finding"):
        if finding.endswith(": not tried"):
            continue
        if group["weight"].abs().max() >= SPEAKS:
            line = next(line for line in rows.splitlines() if line.startswith(str(finding) + "  "))
            assert re.split(r"\s{2,}", line)[1:] == [*map(signed, group["weight"]), signed(group["conflict"].iloc[0])]
        else:
            assert finding in flat(silent)


def test_two_drugs_of_one_class_are_two_rows(cases: dict[str, Assessment]) -> None:
    text = as_text(cases["two of one class"], 120)
    assert text[text.index("\nWeight of evidence") :].count("Earlier TNF inhibitor: never worked") == 2


def test_what_it_rests_on(first: Assessment) -> None:
    text = flat(as_text(first, 120))
    assert f"{percent(first.judgement_share)} of the uncertainty rests on judgement" in text
    assert "refra show ID" in text
    for row in first.influences.head(5).itertuples():
        assert f"{row.parameter} {row.status} {signed(100 * row.effect)} {share(row.share)}" in text
    for row in first.citations().head(5).itertuples():
        assert f"{row.study}: {row.citation}" in text
        assert not row.doi or f"doi {row.doi}" in text


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_example_fits_and_is_clean(name: str, language: str) -> None:
    answer = example(name, language)
    for width in (80, 120):
        text = as_text(answer, width)
        assert max(cell_len(line) for line in text.splitlines()) <= width
        assert "\x1b" not in text
        assert not NAN.search(text)
        assert "…" not in text
        assert flat(text).count(RESEARCH_USE[language]) == 1
        assert flat(text).endswith(RESEARCH_USE[language])
    for option in answer.options["label"]:
        assert option in text


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", [40, 80])
def test_every_kind_of_record(cases: dict[str, Assessment], name: str, width: int) -> None:
    text = as_text(cases[name], width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert not NAN.search(text)
    assert flat(text).count(RESEARCH_USE["en"]) == 1
    shown = titles(text)
    assert ("Reasons" in shown) == bool(len(cases[name].reasons))
    assert ("Causes" in shown) == bool(len(cases[name].causes))
    assert ("Weight of evidence" in shown) == bool(len(cases[name].findings))
    assert ("Warnings" in shown) == bool(cases[name].warnings)
    for warning in cases[name].warnings:
        assert flat(warning) in flat(text)


def test_target_in_words(cases: dict[str, Assessment]) -> None:
    assert "not settled by the record; taken as missed" in flat(as_text(cases["nothing"]))
    assert "not settled by the record; taken as missed" in flat(as_text(cases["first biologic"]))
    assert "taken as missed" not in flat(as_text(cases["intolerant"]))
    assert "met: CDAI 4.0" in flat(as_text(cases["met"]))
    assert "Averted" not in as_text(cases["met"])


def test_chinese_has_no_english_titles_or_heads(chinese: Assessment) -> None:
    text = as_text(chinese, 120)
    assert titles(text) == [WORDS["zh"][name] for name in SECTIONS]
    for name, english in WORDS["en"].items():
        if name not in ("acr50", "join", "colon", "comma", "then", "beat", "beats", "and", "to", "draws") and len(english) > 4:
            assert not re.search(rf"(?<![\w.]){re.escape(english)}(?![\w.])", text), name
    for row in chinese.causes.itertuples():
        assert label("causes", row.id, "zh") in text
    assert "C反应蛋白 2.4 mg/L" in text
    assert "年龄 47 岁" in text


def test_both_languages_have_the_same_words() -> None:
    english = {"mace", "vte", "zoster", "gi_perforation", "malignancy", "serious_infection"}
    assert set(WORDS["en"]) - english == set(WORDS["zh"])
    for name in set(WORDS["en"]) & set(WORDS["zh"]):
        assert sorted(re.findall(r"{\w+}", WORDS["en"][name].replace("{verb}", ""))) == sorted(re.findall(r"{\w+}", WORDS["zh"][name]))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"earlier": {}}, "标准1：已失效1类（TNF抑制剂），需两类"),
        ({}, "标准1：未记录既往药物"),
        ({"earlier": {"abatacept": "never_worked"}}, "标准2：疾病活动度记录不全"),
        ({"earlier": {"abatacept": "never_worked"}, "sjc28": 6}, "标准1：已失效2类（TNF抑制剂、阿巴西普）；标准2：有肿胀关节"),
    ],
)
def test_chinese_classification(record: dict[str, object], said: str) -> None:
    assert said in re.sub(r"\s", "", as_text(assess({"current_drug": "adalimumab", **record}, draws=5, language="zh")))


def test_findings_in_chinese() -> None:
    outcomes = variables()["earlier_tnf_inhibitor"].state_ids
    record = Patient(
        age=52,
        disease_duration=1,
        methotrexate=15,
        current_drug="tocilizumab",
        earlier={"etanercept": "never_worked", "infliximab": {**dict.fromkeys(outcomes, 0.1), "lost_response": 1.0}},
        ada_test="high_positive",
        crp="<3 mg/L",
    )
    said = [finding.text.said("zh") for finding in record.findings()]
    states = {state.id: state.label["zh"] for state in variables()["earlier_tnf_inhibitor"].states}
    earlier = variables()["earlier_tnf_inhibitor"].label["zh"]
    for text in (
        "年龄 52 岁", "病程 1 年", "甲氨蝶呤 15 mg/周", "当前药物：托珠单抗", "抗药物抗体检测：高滴度阳性", "C反应蛋白 <3 mg/L",
        f"{earlier}：{states['never_worked']}（依那西普）", f"{earlier}：不确定，最倾向于{states['lost_response']}（英夫利西单抗）",
    ):  # fmt: skip
        assert text in said
    assert str(record.findings()[0].text) == "Age 52 years"


def test_colours_only_when_asked(first: Assessment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in as_text(first)
    coloured = as_text(first, color=True)
    assert "\x1b[" in coloured
    bare = [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", coloured).splitlines()]
    assert bare == as_text(first).splitlines()


def test_render_prints_the_same(first: Assessment) -> None:
    stream = io.StringIO()
    render(first, Console(file=stream, width=90, color_system=None, force_terminal=False, legacy_windows=False))
    assert [line.rstrip() for line in stream.getvalue().splitlines()] == as_text(first, 90).splitlines()


def test_str_is_the_text(first: Assessment) -> None:
    assert str(first) == as_text(first)


def test_missing_numbers_are_dashes(first: Assessment) -> None:
    broken = dataclasses.replace(
        first,
        options=first.options.assign(utility_low=np.nan, utility_high=np.nan, utility=np.nan, acr50=np.nan, vte=np.nan),
        causes=first.causes.assign(averted_independent=np.nan, p_first=np.nan),
        tests=first.tests.assign(p_likeliest=np.nan),
        findings=first.findings.assign(weight=np.where(first.findings["weight"] > 1, np.inf, np.nan)),
    )
    text = as_text(broken)
    assert not NAN.search(text)
    assert "+∞" in text


def test_without_draws_no_interval_is_claimed() -> None:
    alone = assess(CASES["nothing"], draws=0)
    for text in (as_text(alone), alone._repr_html_(), alone.to_html()):
        assert "credible" not in text
        assert "none, central numbers alone" in text


def test_inside_a_notebook_text_is_text(first: Assessment, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = str(first)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert str(first) == outside


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "<0.1 %"), (0.0005, "<0.1 %"), (0.005, "0.5 %"), (0.17, "17 %"), (1.0, "100 %"), (float("nan"), "–")]
)
def test_share(value: float, text: str) -> None:
    assert share(value) == text


def test_spans() -> None:
    assert span(0.072, 0.264) == "7–26 %"
    assert span(0.0, 0.004) == "<0.1–0.4 %"
    assert span(0.991, 0.999) == "99.1–99.9 %"
    assert span(0.121, 0.124) == "12 %"
    assert with_span(0.17, 0.07, 0.26) == "17 % (7–26 %)"
    assert with_span(1.0, 0.999, 1.0) == "100 % (99.9–100 %)"
    assert with_span(1.0, 1.0, 1.0) == "100 %"
    assert with_span(0.5, float("nan"), 0.6) == "50 %"


@pytest.mark.parametrize(("value", "text"), [(0.0004, "<0.1"), (0.00957, "1.0"), (0.01134, "1.1"), (0.16, "16"), (float("nan"), "–")])
def test_harms_keep_a_decimal(value: float, text: str) -> None:
    assert harm_words(value) == text


def test_signed() -> None:
    assert [signed(value) for value in (0.04, -0.04, 1.26, -0.25, float("inf"), float("-inf"), float("nan"))] == [
        "0.0", "0.0", "+1.3", "-0.2", "+∞", "-∞", "–",
    ]  # fmt: skip


def test_bar() -> None:
    assert bar(0.0) == ""
    assert bar(1.0, 8) == "█" * 8
    # 0.5625 of 8 signs are 4.5.
    assert bar(0.5625, 8) == "████▌"
    assert bar(float("nan")) == ""


def test_lines_break_where_they_may() -> None:
    assert pieces("at 5 % now") == ["at ", "5 % ", "now"]
    assert pieces("暴露，低") == ["暴", "露，", "低"]
    assert pieces("（TNF）高") == ["（TNF）", "高"]
    assert breaks("one two three", 7) == [8]
    assert breaks("abcdefgh", 3) == [3, 6]
    assert breaks("暴露低下", 4) == [2]
    assert breaks("short", 80) == []
