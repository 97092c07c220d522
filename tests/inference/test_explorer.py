"""The explorer: findings in, the numbers of `assess` out, with and without widgets."""

from __future__ import annotations

import gc
import re
from html import unescape
from importlib.resources import files
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

import refra
from refra.data.errors import FindingError, ImpossibleFindingsError, UnknownNameError
from refra.inference import explorer
from refra.inference.display_layout import share, with_span
from refra.inference.drugs import drugs
from refra.inference.explorer import Exploration, Explorer, explore, reasons_and_options
from refra.inference.explorer_fields import GROUPS, LADDERS, controls, record_of
from refra.inference.explorer_widgets import LIVE, Panel
from refra.inference.explorer_words import EXPLORER_WORDS
from refra.inference.fields import FIELD_VARIABLES
from refra.model.drug_classes import CLASSES

LATIN = {"CDAI", "QALY", "refra", "FiRST", "MSRC", *(name for name, drug in drugs().items() if drug.chinese == name)}
"""What Chinese texts write in Latin letters too; some drugs have no Chinese name."""
WORDS = EXPLORER_WORDS["en"]
EXAMPLES = sorted(entry.name for entry in files("refra.data.examples").iterdir() if entry.name.endswith(".yaml"))


def example(name: str = "first_patient.yaml") -> refra.Patient:
    return refra.Patient.from_yaml(str(files("refra.data.examples") / name))


def opened(patient: refra.Patient | None = None) -> tuple[Exploration, Panel]:
    view = explore(patient or example())
    assert view.panel is not None
    return view, view.panel


def start(patient: refra.Patient) -> dict[str, Any]:
    return {name: control.start for name, control in controls(patient).items()}


def test_is_public() -> None:
    assert refra.explore is explore


def test_every_field_has_a_control_once() -> None:
    names = [name for group in GROUPS.values() for name in group]
    assert len(names) == len(set(names))
    assert set(names) == {*FIELD_VARIABLES, *(f"earlier_{drug_class}" for drug_class in CLASSES)} - {"earlier"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_controls_at_the_start_make_the_same_record(name: str) -> None:
    assert record_of(start(example(name))) == example(name)


def test_likelihoods_and_lists_of_earlier_drugs_are_kept() -> None:
    patient = refra.Patient(
        current_drug="Humira",
        ada_test={"negative": 0.2, "low_positive": 0.5, "high_positive": 1.0},
        crp={"<=1": 0, "1-5": 0, "5-10": 0.5, "10-30": 1, ">30": 0.5},
        earlier={"tnf_inhibitor": ["never_worked", "lost_response"], "tocilizumab": "intolerant"},
    )
    assert record_of(start(patient)) == patient


@pytest.mark.parametrize("field", LADDERS)
def test_every_number_of_a_slider_is_accepted_and_in_order(field: str) -> None:
    steps = LADDERS[field]
    assert list(steps) == sorted(set(steps))
    for step in steps:
        assert refra.Patient(**{field: step}).observed[field] == step


def test_a_recorded_number_stands_in_order_on_its_slider() -> None:
    words = list(controls(refra.Patient(crp="2.2 mg/dL"))["crp"].choices)
    # 2.2 mg/dL are 22 mg/L.
    assert words[words.index("2.2 mg/dL") - 1] == "20 mg/L"
    assert words[words.index("2.2 mg/dL") + 1] == "25 mg/L"
    assert words[0] == WORDS["not_observed"]


def test_a_class_that_is_not_known_beside_one_that_is_favours_no_outcome() -> None:
    values = {**start(refra.Patient()), "earlier_rituximab": {"rituximab": "never_worked"}}
    findings = {finding.variable: finding for finding in record_of(values).findings() if finding.field == "earlier"}
    assert findings["earlier_rituximab"].state == "never_worked"
    assert not any(finding.informative for name, finding in findings.items() if name != "earlier_rituximab")


@pytest.mark.parametrize("draws", [0, 20])
@pytest.mark.parametrize("name", ["first_patient.yaml", "painful_but_quiet_joints.yaml"])
def test_numbers_are_those_of_assess(name: str, draws: int) -> None:
    answer = refra.assess(example(name), draws=draws)
    found = reasons_and_options(example(name), refra.Preferences(), "fitted", draws)
    assert_frame_equal(found.reasons, answer.reasons, rtol=1e-9)
    assert_frame_equal(found.options, answer.options, rtol=1e-9)
    assert found.warnings == answer.warnings[: len(found.warnings)]
    assert found.too_close_to_call == (answer.too_close_to_call if draws else ())


def test_preferences_and_basis_are_kept() -> None:
    wanted = refra.Preferences(unavailable=("rituximab",))
    view = explore(example(), wanted, basis="prior")
    answer = refra.assess(example(), wanted, draws=0, basis="prior")
    assert_frame_equal(view.explorer.at_start.options, answer.options, rtol=1e-9)


def test_a_change_shows_the_new_numbers_and_the_old_ones() -> None:
    view, panel = opened()
    panel.fields["crp"].value = "2 mg/L"
    panel.fields["red_flags"].value = "fever or weight loss"
    changed = example().with_changes(crp=2, red_flags="fever_weight_loss")
    assert view.patient == changed
    after, before = refra.assess(changed, draws=0), refra.assess(example(), draws=0)
    page = unescape(panel.page.value)
    assert "CRP: 22 mg/L → 2 mg/L; Red flags: none → fever or weight loss" in page
    assert "no intervals" in page
    for table, column in (("reasons", "probability"), ("options", "lda")):
        old = getattr(before, table).set_index("id")[column]
        for row in getattr(after, table).itertuples():
            line = page[page.index(str(row.label)) :].split("</tr>")[0]
            assert f">{share(getattr(row, column))}<" in line
            assert f">{share(old[row.id])}" in line


def test_a_finding_can_be_left_out_and_the_start_be_had_again() -> None:
    view, panel = opened()
    panel.fields["drug_level"].value = WORDS["not_observed"]
    panel.fields["earlier_jak_inhibitor"].value = "never worked"
    assert view.patient == example().with_changes(drug_level=None, earlier={"jak_inhibitor": "never_worked"})
    panel.reset.click()
    assert view.patient == example()
    assert "Nothing changed yet" in panel.page.value


def test_intervals_are_those_of_assess() -> None:
    _, panel = opened()
    panel.intervals.click()
    for row in refra.assess(example()).reasons.itertuples():
        assert with_span(row.probability, row.low, row.high) in unescape(panel.page.value)
    assert "95 %, from 400 sets" in panel.page.value
    assert not panel.intervals.disabled


def test_findings_that_do_not_go_together_are_said_and_can_be_taken_back() -> None:
    view, panel = opened()
    panel.fields["current_drug"].value = "no biologic or JAK inhibitor"
    with pytest.raises(FindingError) as error:
        example().with_changes(current_drug="none")
    assert "No answer" in panel.page.value
    assert str(error.value).splitlines()[0].split(":")[0] in panel.page.value
    assert view.patient == example()
    panel.fields["current_drug"].value = "adalimumab"
    assert "Nothing changed yet" in panel.page.value


def test_without_reasons_the_options_are_shown() -> None:
    _, panel = opened(refra.Patient(current_drug="none", sjc28=6))
    assert "Primary reason" not in panel.page.value
    assert "JAK inhibitor" in panel.page.value


def test_nothing_observed_is_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    # The widgets have no part in it.
    monkeypatch.setattr(explorer, "find_spec", lambda name: None)
    assert explore().patient == refra.Patient()
    assert explore({"crp": 22}).patient == refra.Patient(crp=22)


def displayed(view: Exploration, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what a notebook is given to show, in order."""
    import IPython.display

    found: list[dict[str, Any]] = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: found.append(data))
    view._ipython_display_()
    return found


def test_a_notebook_gets_the_widgets_and_a_copy_that_hides_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    view, panel = opened()
    widgets, copy = displayed(view, monkeypatch)
    assert widgets["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.box.model_id
    # A page that cannot show the widgets shows nothing of them, and the copy below.
    assert not widgets["text/plain"]
    assert "text/html" not in widgets
    page = unescape(copy["text/html"])
    assert WORDS["needs_kernel"] in page
    assert "anti-drug antibodies" in page
    assert LIVE in panel.box._dom_classes
    assert page.startswith(f'<div class="refra-copy"><style>:root:has(.{LIVE}) .refra-copy{{display:none}}</style>')
    # Whatever shows one thing alone gets the page, which nothing hides.
    assert "refra-copy" not in view._repr_mimebundle_()["text/html"]


def test_without_ipywidgets_the_answer_is_shown_and_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explorer, "find_spec", lambda name: None)
    view = explore(example())
    (bundle,) = displayed(view, monkeypatch)
    assert set(bundle) == {"text/plain", "text/html"}
    assert "pip install &quot;refra[notebook]&quot;" in bundle["text/html"]
    assert "95 %, from 400 sets" in bundle["text/html"]
    assert 'pip install "refra[notebook]"' in repr(view)


def test_the_level_is_that_of_assess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explorer, "find_spec", lambda name: None)
    page = unescape(explore(example(), level=0.8).to_html())
    assert "80 %, from 400 sets" in page
    for row in refra.assess(example(), level=0.8).options.itertuples():
        assert with_span(row.lda, row.low, row.high) in page
    with pytest.raises(FindingError, match="level"):
        explore(example(), level=80)


@pytest.mark.parametrize("name", EXAMPLES)
def test_chinese_is_complete(name: str) -> None:
    view = explore(example(name), language="zh")
    assert view.panel is not None
    assert record_of({field: control.start for field, control in view.explorer.controls.items()}) == example(name)
    view.panel.fields["smoking"].value = "从不吸烟"
    view.panel.fields["crp"].value = "2 mg/L"
    assert "C反应蛋白：" in view.panel.page.value
    told = re.sub(r"<style>.*?</style>|<[^>]+>", " ", unescape(view.panel.page.value), flags=re.DOTALL)
    labels = [text for control in view.explorer.controls.values() for text in (control.label, *control.choices)]
    titles = [view.panel.intervals.description, view.panel.intervals.tooltip, view.panel.reset.description]
    english = re.findall(r"[A-Za-z]{4,}", " ".join([told, *labels, *titles]))
    assert set(english) <= LATIN


def test_every_word_is_there_in_both_languages() -> None:
    english, chinese = EXPLORER_WORDS["en"], EXPLORER_WORDS["zh"]
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", chinese[key]))
    assert set(GROUPS) <= english.keys()


def test_an_update_is_not_held_up_by_a_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    _, panel = opened()
    seen = []
    panel.page.observe(lambda _change: seen.append(gc.isenabled()), names="value")
    panel.fields["crp"].value = "2 mg/L"
    assert seen == [False]
    assert gc.isenabled()


def test_what_cannot_be_used_is_refused_at_once() -> None:
    with pytest.raises(UnknownNameError, match="crp"):
        explore({"crpp": 3})
    with pytest.raises(UnknownNameError, match="fitted"):
        explore(example(), basis="posterior")


def test_impossible_findings_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ImpossibleFindingsError("these findings cannot all hold: a = b", (("a", "b"),))

    def refuse(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(explorer, "reasons_and_options", refuse)
    with pytest.raises(ImpossibleFindingsError):
        explore(example())
    assert "cannot all hold" in Explorer(example(), example(), refra.Preferences()).to_html()


def test_the_copy_shows_what_the_widgets_show() -> None:
    view, panel = opened()
    panel.intervals.click()
    assert "95 %, from 400 sets" in unescape(view.to_html())
    panel.fields["current_drug"].value = "no biologic or JAK inhibitor"
    for page in (panel.page.value, view.to_html()):
        assert "No answer" in page
        assert "anti-drug antibodies" not in page
    assert WORDS["needs_kernel"] in unescape(view.to_html())
    panel.fields["current_drug"].value = "adalimumab"
    assert "Nothing changed yet" in view.to_html()
    assert "no intervals" in view.to_html()


def test_one_month_is_one_month() -> None:
    choices = list(controls(refra.Patient())["months_on_drug"].choices)
    assert choices[1:3] == ["1 month", "2 months"]
