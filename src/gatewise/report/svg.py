"""A matplotlib figure as SVG inside a page, which gives it its colours and fonts."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any, Final

import matplotlib
import matplotlib.style
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from gatewise.report.markup import Html, element, markup

# A role stands in the drawing as a colour that is used for nothing else and leaves it as a CSS
# variable, so that one drawing serves light, dark and print.
ROLES: Final = (
    "ink",
    "muted",
    "grid",
    "shade",
    "network",
    "best",
    *(f"baseline-{n}" for n in range(1, 7)),
)
COLOURS: Final = {role: f"#fe01{index:02x}" for index, role in enumerate(ROLES)}
_ROLE_OF: Final = {colour: role for role, colour in COLOURS.items()}
_COLOUR = re.compile("|".join(_ROLE_OF))
_DECIMAL = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")

_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",  # labels stay text: the page's own font, searchable, small
    "svg.hashsalt": "gatewise",
    "font.size": 12,
    "text.color": COLOURS["muted"],
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.xmargin": 0.01,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 1,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "ytick.major.size": 0,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "lines.dash_capstyle": "butt",
    "patch.linewidth": 0,
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.05,
}


def draw(
    paint: Callable[[Figure], None],
    size: tuple[int, int],
    *,
    key: str,
    label: str,
    class_: str | None = None,
) -> Html:
    """What `paint` draws, `size` (width, height) CSS pixels large before the page scales it.

    key    unique within the page: prefix of the ids
    label  what a reader who cannot see it is told
    Same input, same bytes: fixed salt, no date, no setting of the user's matplotlibrc.
    """
    with matplotlib.style.context("default"), matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(size[0] / 72, size[1] / 72), layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure)
        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    root = ET.fromstring(file.getvalue())  # noqa: S314  (our own, a line above)
    return element(
        "svg",
        _inside(root, key),
        viewBox=root.get("viewBox"),
        role="img",
        aria_label=label,
        class_=class_,
    )


def _inside(root: ET.Element, key: str) -> Html:
    """The content without what a page has no use for: about a third of the bytes."""
    text = ET.tostring(root, encoding="unicode")
    used = set(_REFERENCE.findall(text))
    for node in root.iter():
        used.update(v[1:] for k, v in node.attrib.items() if k.endswith("href"))
    return Html("".join(_node(child, key, used) for child in root))


def _node(node: ET.Element, key: str, used: set[str]) -> str:
    tag = node.tag.rpartition("}")[2]
    if tag in {"style", "metadata"}:
        return ""
    inside = "".join(_node(child, key, used) for child in node)
    inside += markup(node.text.strip()) if tag in {"text", "tspan"} and node.text else ""
    attributes = ""
    for full, value in node.attrib.items():
        attribute = full.rpartition("}")[2]
        kept = _attribute(attribute, value, key, used)
        attributes += f' {attribute}="{markup(kept)}"' if kept else ""
    if tag in {"g", "defs"} and not attributes:
        return f"<defs>{inside}</defs>" if tag == "defs" and inside else inside
    return f"<{tag}{attributes}>{inside}</{tag}>" if inside else f"<{tag}{attributes}/>"


def _attribute(attribute: str, value: str, key: str, used: set[str]) -> str:
    if attribute == "id":
        return f"{key}-{value}" if value in used else ""
    if attribute == "href":
        return f"#{key}-{value[1:]}"
    if attribute == "transform" and value.startswith("rotate(-0 "):
        return ""
    if attribute == "style":
        value = re.sub(r"font-family: [^;]+; ", "", value)
        return _COLOUR.sub(lambda found: f"var(--{_ROLE_OF[found[0]]})", value)
    if attribute == "d":
        value = " ".join(value.split())
    if attribute == "clip-path":
        return _REFERENCE.sub(rf"url(#{key}-\1)", value)
    return _DECIMAL.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), value)
