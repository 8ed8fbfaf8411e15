"""What gatewise is in one picture: boxes and arrows, in both languages."""

from __future__ import annotations

import html
from collections.abc import Mapping

WIDTH, HEIGHT = 920, 292
LINE = 18  # between two lines of a box

# name of the box -> left, top, width, height
BOXES = {
    "file": (20, 66, 148, 160),
    "description": (204, 66, 150, 160),
    "torch": (390, 66, 130, 44),
    "tensorflow": (390, 124, 130, 44),
    "jax": (390, 182, 130, 44),
    "compared": (556, 20, 160, 118),
    "saved": (556, 154, 160, 118),
    "report": (752, 20, 148, 118),
    "answers": (752, 154, 148, 52),
    "exports": (752, 220, 148, 52),
}
ARROWS = [
    ("file", "description"),
    ("description", "torch"),
    ("description", "tensorflow"),
    ("description", "jax"),
    ("torch", "compared"),
    ("tensorflow", "compared"),
    ("tensorflow", "saved"),
    ("jax", "saved"),
    ("compared", "report"),
    ("saved", "answers"),
    ("saved", "exports"),
]
STRONG = {"description", "saved"}  # what stays the same whichever engine trains

# language -> box -> its title, then its lines
WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "file": (
            "A file, or lists",
            "series",
            "texts, tokens",
            "tagged sentences",
            "a book",
            "pairs",
        ),
        "description": (
            "One description",
            "network, training",
            "what is left open",
            "is chosen from the",
            "training part",
        ),
        "torch": ("PyTorch",),
        "tensorflow": ("TensorFlow",),
        "jax": ("JAX",),
        "compared": (
            "Compared",
            "with baselines that",
            "learnt from the same,",
            "on what none saw",
        ),
        "saved": ("Saved", "JSON, safetensors,", "ONNX; SHA-256 of", "each, no pickle"),
        "report": ("Told", "a verdict in words", "scores, charts,", "mistakes: one page"),
        "answers": ("Answers", "with no framework"),
        "exports": ("Exports", "to eight formats"),
    },
    "zh": {
        "file": ("文件或列表", "数值序列", "文本、词元", "带标签的句子", "一本书", "成对的序列"),
        "description": ("一份描述", "网络与训练设置", "没写的，由训练", "部分的数据决定"),
        "torch": ("PyTorch",),
        "tensorflow": ("TensorFlow",),
        "jax": ("JAX",),
        "compared": ("比较", "基线学同样的数据", "在谁都没见过的", "部分上评判"),
        "saved": ("保存", "JSON、safetensors", "和 ONNX，各有", "SHA-256，无 pickle"),
        "report": ("说明", "文字结论", "评分、图表、错例", "都在一个网页里"),
        "answers": ("作答", "不需要训练框架"),
        "exports": ("导出", "八种格式"),
    },
}
LABELS = {
    "en": "From a file through one description to three engines, then compared, saved and exported",
    "zh": "从文件经过一份描述到三种引擎，再比较、保存、导出",
}


def flow(language: str) -> tuple[int, int, str, str]:
    """Width, height, marks of the picture and what is drawn; colours as var(--role)."""
    drawn = [_arrow(*pair) for pair in ARROWS]
    for name, box in BOXES.items():
        drawn.append(_box(name, box, WORDS[language][name]))
    marks = f' role="img" aria-label="{html.escape(LABELS[language])}"'
    return WIDTH, HEIGHT, marks, "".join(drawn)


def _box(name: str, box: tuple[int, int, int, int], words: tuple[str, ...]) -> str:
    left, top, width, height = box
    fill, line = ("soft", "network") if name in STRONG else ("card", "line")
    middle = left + width / 2
    first = top + height / 2 - (len(words) - 1) * LINE / 2 + 5
    drawn = [
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="9" '
        f'style="fill: var(--{fill}); stroke: var(--{line}); stroke-width: 1.4"/>'
    ]
    for number, text in enumerate(words):
        look = 'font-size="15" font-weight="600"' if not number else 'font-size="13"'
        role = "muted" if number else "ink"
        drawn.append(
            f'<text x="{middle:g}" y="{first + number * LINE:g}" {look} text-anchor="middle" '
            f'style="fill: var(--{role})">{html.escape(text)}</text>'
        )
    return "".join(drawn)


def _arrow(start: str, end: str) -> str:
    """From the right side of a box to the left side of another."""
    x, y = _side(BOXES[start], right=True, to=BOXES[end])
    to_x, to_y = _side(BOXES[end], right=False, to=BOXES[start])
    bend = (to_x - x) / 2
    head = f"M {to_x - 7} {to_y - 4} L {to_x} {to_y} L {to_x - 7} {to_y + 4}"
    return (
        f'<path d="M {x} {y} C {x + bend:g} {y} {to_x - bend:g} {to_y} {to_x} {to_y} {head}" '
        f'fill="none" style="stroke: var(--muted); stroke-width: 1.4"/>'
    )


def _side(
    box: tuple[int, int, int, int], *, right: bool, to: tuple[int, int, int, int]
) -> tuple[int, int]:
    """The middle of a side, moved towards the other box as far as both reach."""
    left, top, width, height = box
    middle, other = top + height // 2, to[1] + to[3] // 2
    most = height // 2 - 12
    return left + width * right, middle + max(-most, min(most, other - middle))


def languages() -> Mapping[str, str]:
    """Language -> what stands behind the picture's name."""
    return {"en": "", "zh": ".zh-CN"}
