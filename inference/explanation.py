"""The answer in words, built from its numbers; the order is the source's: drug, mechanism, inflammation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..data.labels import label
from ..data.loading import variables

if TYPE_CHECKING:
    from .assessment import Assessment

SURE, LIKELY, POSSIBLE = 0.85, 0.6, 0.35

WEAK_BITS = 0.5
"""Below this many bits of information about the pathway it counts as weakly identified, as it does below a probability of a half."""

RESEARCH_USE: Mapping[str, str] = {
    "en": "refra informs research and thinking; it is no medical device and gives no orders.",
    "zh": "refra 仅供研究与思考参考，不是医疗器械，也不发出医嘱。",
}

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "sure": "almost certainly",
        "likely": "probably",
        "possible": "possibly",
        "unclear": "with much doubt",
        "reason": "The primary reason is {how} {label} ({p}); next comes {second} ({q}).",
        "open": "No reason stands out: {label} ({p}) and {second} ({q}) lead.",
        "drug": "Did the drug get there? The exposure is in range with probability {p}; antibodies are present with {q}, doses missed with {r}.",
        "mechanism": "Did hitting the target matter? The disease is covered by the current class with probability {p}; the pathway most likely to "
        "drive it is {driver} ({q}), which is {identified} identified.",
        "inflammation": "Is it synovitis that hurts? Synovitis is moderate or high with probability {p}; fibromyalgia is present with {q}, "
        "depression with {r}, osteoarthritis with {s}.",
        "averted": "Had “{label}” alone been absent, the target would have been met with probability {p} ({low} to {high}).",
        "met": "The treatment target is met.",
        "options": "By expected utility “{label}” comes first: low disease activity at 24 weeks in {p} ({low} to {high}).",
        "close": "That is too close to call: {others} may be as good.",
        "clear": "It comes first in {p} of the parameter draws.",
        "test": "The finding worth most now is “{label}” (it would change the first option with probability {p}).",
        "judgement": "{p} of the answer's uncertainty rests on judgement rather than on published numbers.",
        "weakly": "weakly",
        "partly": "partly",
        "and": " and ",
        "comma": ", ",
    },
    "zh": {
        "sure": "几乎可以肯定是",
        "likely": "很可能是",
        "possible": "可能是",
        "unclear": "尚不确定，或为",
        "reason": "首要原因{how}{label}（{p}）；其次为{second}（{q}）。",
        "open": "没有突出的原因：{label}（{p}）与{second}（{q}）居前。",
        "drug": "药物到位了吗？暴露在范围内的概率为{p}；存在抗药物抗体的概率为{q}，漏用剂量的概率为{r}。",
        "mechanism": "击中靶点有意义吗？疾病可被现用类别覆盖的概率为{p}；最可能的主导通路是{driver}（{q}），其识别程度{identified}。",
        "inflammation": "疼痛来自滑膜炎吗？滑膜炎为中度或重度的概率为{p}；纤维肌痛的概率为{q}，抑郁为{r}，骨关节炎为{s}。",
        "averted": "若仅无“{label}”，本可达标的概率为{p}（{low}至{high}）。",
        "met": "治疗目标已达到。",
        "options": "按期望效用，首选为“{label}”：24周时低疾病活动度的概率为{p}（{low}至{high}）。",
        "close": "差距太小，难分高下：{others}可能同样好。",
        "clear": "在{p}的参数抽样中排名第一。",
        "test": "目前最值得了解的是“{label}”（有{p}的概率改变首选）。",
        "judgement": "答案的不确定性中有{p}来自判断而非已发表的数字。",
        "weakly": "较弱",
        "partly": "部分",
        "and": "与",
        "comma": "、",
    },
}


def percent(value: float) -> str:
    """Return a probability as a percentage in words of a page: whole numbers, one decimal below 1 % and above 99 %."""
    if value != value:
        return "-"
    if value < 0.001:
        return "<0.1 %"
    if 0.9995 <= value < 1:
        return ">99.9 %"
    fine = f"{100 * value:.1f}"
    # What rounds to 1 % or 99 % is written without a decimal, as all between is.
    return f"{fine} %" if (value < 0.01 or 0.99 < value < 1) and fine not in ("1.0", "99.0") else f"{100 * value:.0f} %"


def explain(answer: Assessment, language: str = "en") -> tuple[str, ...]:
    """Return the answer as sentences in English or Chinese, each built from the numbers of the assessment."""
    words = WORDS[language]
    said: list[str] = []
    if answer.target == "met":
        said.append(words["met"])
    elif len(answer.reasons):
        said.append(_reason(answer, words, language))
    if len(answer.reasons):
        said += [_drug(answer, words), _mechanism(answer, words, language), _inflammation(answer, words)]
    if len(answer.causes) and answer.target != "met":
        first = answer.causes.iloc[0]
        said.append(
            words["averted"].format(
                label=label("causes", first["id"], language),
                p=percent(first["averted"]),
                low=percent(first["averted_low"]),
                high=percent(first["averted_high"]),
            )
        )
    said.append(_options(answer, words, language))
    if len(answer.tests) and answer.tests.iloc[0]["expected_gain"] > 0:
        best = answer.tests.iloc[0]
        said.append(words["test"].format(label=variables()[best["id"]].label[language], p=percent(best["p_change"])))
    said.append(words["judgement"].format(p=percent(answer.judgement_share)))
    return tuple(said)


def _reason(answer: Assessment, words: Mapping[str, str], language: str) -> str:
    states = {state.id: state.label[language] for state in variables()["primary_reason"].states}
    first, second = answer.reasons.iloc[0], answer.reasons.iloc[1]
    p = first["probability"]
    how = "sure" if p >= SURE else "likely" if p >= LIKELY else "possible" if p >= POSSIBLE else "unclear"
    pattern = words["open" if how == "unclear" else "reason"]
    return pattern.format(
        how=words[how], label=states[first["id"]], second=states[second["id"]], p=percent(p), q=percent(second["probability"])
    )


def _drug(answer: Assessment, words: Mapping[str, str]) -> str:
    stage = answer.stages
    return words["drug"].format(p=percent(stage["exposure_in_range"]), q=percent(stage["antibodies"]), r=percent(stage["doses_missed"]))


def _mechanism(answer: Assessment, words: Mapping[str, str], language: str) -> str:
    states = {state.id: state.label[language] for state in variables()["driver"].states}
    first = answer.drivers.iloc[0]
    identified = words["weakly" if first["identified"] < WEAK_BITS or first["probability"] < 0.5 else "partly"]
    return words["mechanism"].format(
        p=percent(answer.stages["covered"]), driver=states[first["id"]], q=percent(first["probability"]), identified=identified
    )


def _inflammation(answer: Assessment, words: Mapping[str, str]) -> str:
    stage = answer.stages
    return words["inflammation"].format(
        p=percent(stage["synovitis"]),
        q=percent(stage["fibromyalgia"]),
        r=percent(stage["depression"]),
        s=percent(stage["osteoarthritis"]),
    )


def _options(answer: Assessment, words: Mapping[str, str], language: str) -> str:
    first = answer.options.iloc[0]
    text = words["options"].format(
        label=label("options", first["id"], language), p=percent(first["lda"]), low=percent(first["low"]), high=percent(first["high"])
    )
    close = answer.too_close_to_call
    gap = "" if language == "zh" else " "
    if close:
        others = _listed([f"“{label('options', option, language)}”" for option in close], words)
        return text + gap + words["close"].format(others=others)
    return text + gap + words["clear"].format(p=percent(first["p_best"]))


def _listed(items: list[str], words: Mapping[str, str]) -> str:
    if len(items) == 1:
        return items[0]
    return words["and"].join([words["comma"].join(items[:-1]), items[-1]])
