"""The words of the text for a terminal, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from ..data.loading import variables

Words = Mapping[str, str]

WORDS: Mapping[str, Words] = {
    "en": {
        "title": "refra: why did the biologic fail, and what next?",
        "drug": "Drug", "findings": "Findings", "scores": "Scores", "target": "Target", "intervals": "Intervals",
        "not_recorded": "not recorded", "no_earlier": "No earlier biologic or JAK inhibitor", "no_others": "Other classes: not tried",
        "join": "; ", "colon": ": ",
        "remission": "remission", "low": "low", "moderate": "moderate", "high": "high",
        "missed": "missed: CDAI {bound} (at most 10 wanted)", "met": "met: CDAI {bound} (at most 10 wanted)",
        "taken_missed": "not settled by the record; taken as missed", "undecided": "not settled by the record", "least": "at least ",
        "draws": "{level} credible, from {draws} parameter draws (seed {seed})",
        "words": "In words",
        "reasons": "Reasons",
        "reasons_note": "Exclusive: they sum to 100 %. P(first): share of the draws in which it leads.",
        "reason": "Primary reason", "probability": "Probability", "first": "P(first)",
        "causes": "Causes",
        "causes_note": "Not exclusive. Averted: probability that the target would have been met had this cause alone been absent. "
        "Indep.: the same under independent noise instead of monotone coupling.",
        "causes_met": "Not exclusive. The target is met, so that nothing is there to avert.",
        "cause": "Cause", "present": "Present", "averted": "Averted", "independent": "Indep.",
        "drivers": "Dominant pathway", "driver": "Pathway", "prior": "Prior",
        "weak": "Weakly identified: the findings carry {p} bits about the pathway; three would single out one of eight.",
        "identified": "The findings carry {p} bits about the pathway; three would single out one of eight.",
        "options": "Options",
        "options_note": "By expected utility over one year (QALY × 1000). LDA (CDAI at most 10) and ACR50 at 24 weeks.",
        "held_back": " Drug classes stand last until another disease is excluded.",
        "option": "Option", "lda": "LDA", "acr50": "ACR50", "utility": "Utility", "best": "P(best)", "note": "Note", "to": " to ",
        "close": "Too close to call: {others} {verb} the first in at least a third of the draws.", "beats": "beats", "beat": "beat",
        "clear": "First in {p} of the draws; no other option beats it in a third of them.",
        "harms": "Harms, % a year",
        "harms_note": "Present treatment: with or without an added step. MACE: major cardiovascular event. VTE: venous thromboembolism.",
        "present_treatment": "Present treatment",
        "serious_infection": "Serious infection", "mace": "MACE", "vte": "VTE", "zoster": "Zoster", "gi_perforation": "GI perforation",
        "malignancy": "Malignancy",
        "tests": "Next tests",
        "tests_note": "Gain: expected utility gained by choosing after the result (QALY × 1000). P(change): that the first option changes. "
        "Entropy: expected fall of the uncertainty about the primary reason (bits).",
        "no_test": "No further finding would change the first option or tell more of the primary reason.",
        "test": "Finding", "likeliest": "Likeliest result", "gain": "Gain", "change": "P(change)", "entropy": "Entropy",
        "classification": "Classification",
        "d2t": "Difficult to treat (EULAR 2021, criteria 1 and 2)", "yes": "yes", "no": "no", "undetermined": "undetermined",
        "true_refractory": "True refractory disease", "pirra": "Persistent inflammatory refractory RA (PIRRA)",
        "nirra": "Non-inflammatory refractory RA (NIRRA)",
        "weights": "Weight of evidence",
        "weights_note": "log10 of the factor by which a finding changes a cause's odds: +1.0 is ten times for, -1.0 ten times against. "
        "Conflict: above 0, the finding fits the others badly.",
        "finding": "Finding", "conflict": "Conflict", "silent": "No weight here",
        "warnings": "Warnings",
        "rests": "What the answer rests on",
        "judgement": "{p} of the uncertainty rests on judgement, the rest on published numbers. `refra show ID` tells more.",
        "parameter": "Parameter", "status": "Status", "effect": "Effect", "share": "Share",
        "effect_note": "Effect: change of the leading probability, in points of percent, when the number rises by one standard deviation.",
        "studies": "Studies that carry most", "no_identifier": "no identifier on record",
        "measured": "measured", "pooled": "pooled", "derived": "derived", "judged": "judgement",
        "and": " and ", "comma": ", ", "then": ", ",
    },
    "zh": {
        "title": "refra：生物制剂为何失效，下一步如何？",
        "drug": "药物", "findings": "所见", "scores": "评分", "target": "目标", "intervals": "区间",
        "not_recorded": "未记录", "no_earlier": "既往未用生物制剂或JAK抑制剂", "no_others": "其他类别：未用过", "join": "；", "colon": "：",
        "remission": "缓解", "low": "低", "moderate": "中", "high": "高",
        "missed": "未达标：CDAI {bound}（应不超过10）", "met": "已达标：CDAI {bound}（应不超过10）",
        "taken_missed": "记录不足以判定；按未达标处理", "undecided": "记录不足以判定", "least": "至少",
        "draws": "{level}可信区间，来自{draws}次参数抽样（种子{seed}）",
        "words": "文字说明",
        "reasons": "首要原因", "reasons_note": "互斥，合计100 %。居首：在多大比例的抽样中排第一。",
        "reason": "原因", "probability": "概率", "first": "居首",
        "causes": "各项原因",
        "causes_note": "不互斥。可避免：若仅无此因，本可达标的概率。其右为以独立噪声代替单调耦合时的值。",
        "causes_met": "不互斥。目标已达到，无可避免之事。",
        "cause": "原因", "present": "存在", "averted": "可避免", "independent": "独立噪声",
        "drivers": "主导通路", "driver": "通路", "prior": "先验",
        "weak": "识别较弱：所见提供了关于通路的{p}比特信息；三比特才能从八条中确定一条。", "identified": "所见提供了关于通路的{p}比特信息；三比特才能从八条中确定一条。",
        "options": "治疗选择",
        "options_note": "按一年期望效用排序（QALY × 1000）。低疾病活动度（CDAI不超过10）与ACR50均为24周时。",
        "held_back": "在排除其他疾病之前，各类药物排在最后。",
        "option": "选择", "lda": "低疾病活动度", "acr50": "ACR50", "utility": "效用", "best": "最优概率", "note": "注", "to": "至",
        "close": "差距太小，难分高下：{others}至少在三分之一的抽样中优于首选。", "beats": "", "beat": "",
        "clear": "在{p}的抽样中居首；没有其他选择在三分之一的抽样中优于它。",
        "harms": "危害（每年，%）", "harms_note": "现用治疗：无论是否附加措施。",
        "present_treatment": "现用治疗",
        "tests": "下一步检查",
        "tests_note": "收益：得知结果后再选择所增加的期望效用（QALY × 1000）。"
        "改变：首选改变的概率。熵降：首要原因不确定性的期望下降（比特）。",
        "no_test": "没有其他检查会改变首选或进一步说明首要原因。", "test": "检查",
        "likeliest": "最可能结果", "gain": "收益", "change": "改变", "entropy": "熵降",
        "classification": "分类",
        "d2t": "难治性（EULAR 2021，标准1和2）", "yes": "是", "no": "否", "undetermined": "未定",
        "true_refractory": "真正难治", "pirra": "持续炎症性难治（PIRRA）", "nirra": "非炎症性难治（NIRRA）",
        "weights": "证据权重",
        "weights_note": "所见使某原因的优势改变倍数的log10：+1.0为支持十倍，-1.0为反对十倍。冲突：大于0表示与其他所见不合。",
        "finding": "所见", "conflict": "冲突", "silent": "在此无权重",
        "warnings": "警示",
        "rests": "答案的依据",
        "judgement": "不确定性中有{p}来自判断，其余来自已发表的数字。`refra show ID` 可查看详情。",
        "parameter": "参数", "status": "状态", "effect": "影响", "share": "占比",
        "effect_note": "影响：该数字升高一个标准差时，居首概率的变化（百分点）。",
        "studies": "占比最大的研究", "no_identifier": "无标识记录",
        "measured": "实测", "pooled": "合并", "derived": "推导", "judged": "判断",
        "and": "与", "comma": "、", "then": "，",
        "failed_1": "标准1：已失效{n}类（{classes}）", "failed_0": "标准1：已失效0类", "two_needed": "需两类",
        "unknown_1": "标准1：未记录既往药物",
        "yes_2": "标准2：疾病活动", "no_2": "标准2：疾病不活动", "undetermined_2": "标准2：疾病活动度记录不全",
    },
}  # fmt: skip

UNITS_ZH = (("mg/wk", "mg/周"), ("mg/d", "mg/日"), (" months", " 个月"), (" years", " 年"))


def finding_text(variable: str, text: str, language: str) -> str:
    """Return the text of a finding in a language."""
    name = variables()[variable].label
    if language == "en" or not text.startswith(name["en"]):
        return text
    rest = text.removeprefix(name["en"])
    unsure = ": not certain, most in favour of "
    for prefix, said in ((unsure, "：不确定，最倾向于"), (": ", "：")):
        if rest.startswith(prefix):
            body = rest.removeprefix(prefix)
            for state in variables()[variable].states:
                if body == state.label["en"] or body.startswith(state.label["en"] + " ("):
                    return name[language] + said + state.label[language] + body.removeprefix(state.label["en"])
            return name[language] + said + body
    for english, chinese in UNITS_ZH:
        rest = rest.replace(english, " 岁" if variable == "age_group" else chinese)
    return name[language] + rest
