"""The words of the explorer, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

EXPLORER_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "needs_kernel": "Findings can be changed here while the notebook's kernel runs; what you see is a copy.",
        "needs_widgets": "Findings can be changed here once ipywidgets is installed: {command}, then restart the kernel.",
        "not_observed": "not observed", "likelihood": "likelihood as recorded", "recorded": "as recorded",
        "drug": "The drug", "activity": "Joints and blood", "pain": "Pain, mood, sleep", "person": "The person",
        "serology": "Serology and tissue", "earlier": "Earlier drugs", "earlier_changed": "earlier drugs",
        "work_out": "Work out intervals", "work_out_tip": "{draws} sets of parameters; takes a second or more",
        "back": "Back to the start",
        "changed": "Changed: {what}.", "unchanged": "Nothing changed yet.",
        "drawn": "Intervals: {level}, from {draws} sets of parameters. “At the start” is the record before any change.",
        "central": "Central numbers: every parameter at its centre, no intervals. “At the start” is the record before any change.",
        "at_start": "At the start", "ranked": "{p}, rank {rank}",
        "scale": "By expected utility over one year (QALY × 1000). LDA: low disease activity at 24 weeks, bars from 0 to {most}.",
        "close": "Too close to call beside the first: {others}.",
        "no_answer": "No answer", "change_one": "Change one of these findings.",
    },
    "zh": {
        "needs_kernel": "笔记本的内核运行时，可在此更改所见；现在看到的是静态副本。",
        "needs_widgets": "安装ipywidgets后可在此更改所见：{command}，然后重启内核。",
        "not_observed": "未观察", "likelihood": "记录中的似然", "recorded": "如记录所示",
        "drug": "药物", "activity": "关节与血液", "pain": "疼痛、情绪、睡眠", "person": "患者",
        "serology": "血清学与组织", "earlier": "既往药物", "earlier_changed": "既往药物",
        "work_out": "计算区间", "work_out_tip": "{draws}组参数；需一秒或更久",
        "back": "回到起点",
        "changed": "已更改：{what}。", "unchanged": "尚未更改。",
        "drawn": "区间：{level}，来自{draws}组参数。“起点”为更改之前的记录。",
        "central": "中心值：各参数均取其中心，没有区间。“起点”为更改之前的记录。",
        "at_start": "起点", "ranked": "{p}，第{rank}位",
        "scale": "按一年期望效用排序（QALY × 1000）。低疾病活动度为24周时，条形自0至{most}。",
        "close": "与首选差距太小，难分高下：{others}。",
        "no_answer": "没有答案", "change_one": "请更改其中一项所见。",
    },
}  # fmt: skip
