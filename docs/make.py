"""The pictures, tables and outputs that the README and the guides show, made anew: `make docs`.

    python docs/make.py [NAME ...]     all pages, or README, forecast, classify, ...
    python docs/make.py --tables       nothing is run: the README's tables alone

Every page is a script of its own: its commands and its Python are run from top to bottom in an
empty folder, and what they print takes the place of what stands behind them. The other language
shows the same blocks. Pictures are drawn from what the pages leave; the table of the README is
taken from docs/benchmarks.md.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import page_flow
import page_numbers
import page_pictures
from page_blocks import rerun, with_blocks_of

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs/images"
BENCHMARKS = ROOT / "docs/benchmarks.md"
GUIDES = (
    "forecast",
    "classify",
    "tag",
    "generate",
    "translate",
    "from-a-tutorial",
    "choosing",
    "training-and-tuning",
    "engines-and-weights",
    "saved-models-and-export",
    "command-line",
)
HOME = "README"

# page -> name of a picture of its run -> what draws it
PICTURES: Mapping[str, Mapping[str, Callable[..., str]]] = {
    "forecast": {"airline-passengers": page_pictures.forecast},
    "translate": {"attention": page_pictures.attention},
    "choosing": {"curves": page_pictures.curves},
}


def places(name: str) -> dict[str, Path]:
    """Language -> where the page stands."""
    if name == HOME:
        return {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
    guides = ROOT / "docs/guides"
    return {"en": guides / f"{name}.md", "zh": guides / f"zh-CN/{name}.md"}


def drawn(name: str, folder: Path, names: Mapping[str, Any]) -> dict[Path, str]:
    """The pictures of a page that was run in this folder."""
    return {
        IMAGES / f"{picture}-{light}.svg": draw(folder, names, colours)
        for picture, draw in PICTURES.get(name, {}).items()
        for light, colours in page_pictures.palettes().items()
    }


def flows() -> dict[Path, str]:
    """What gatewise is in one picture."""
    return {
        IMAGES / f"flow{behind}-{light}.svg": page_pictures.finished(
            *page_flow.flow(language), colours
        )
        for language, behind in page_flow.languages().items()
        for light, colours in page_pictures.palettes().items()
    }


def make(wanted: tuple[str, ...] = (HOME, *GUIDES)) -> None:
    """Write these pages in both languages, and the pictures."""
    IMAGES.mkdir(exist_ok=True)
    pictures = flows()
    for name in wanted:
        paths = places(name)
        with tempfile.TemporaryDirectory() as folder:
            page, names = rerun(paths["en"].read_text(encoding="utf-8"), Path(folder))
            pictures |= drawn(name, Path(folder), names)
        pages = {"en": page}
        try:
            pages["zh"] = with_blocks_of(paths["zh"].read_text(encoding="utf-8"), page)
        except (OSError, ValueError) as error:  # the English page is kept, tests tell of the other
            sys.stderr.write(f"{paths['zh']}: left as it is: {error}\n")
        for language, text in pages.items():
            paths[language].write_text(text, encoding="utf-8")
        sys.stderr.write(f"{name}\n")
    for path, text in pictures.items():
        path.write_text(text, encoding="utf-8")
    make_tables()


def make_tables() -> None:
    """Put what docs/benchmarks.md says into both READMEs."""
    measured = BENCHMARKS.read_text(encoding="utf-8")
    for language, path in places(HOME).items():
        page = page_numbers.with_tables(path.read_text(encoding="utf-8"), measured, language)
        path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - {"--tables", HOME, *GUIDES}
    if unknown:
        raise SystemExit(f"no page {', '.join(unknown)}; pages: {HOME}, {', '.join(GUIDES)}")
    if "--tables" in sys.argv:
        make_tables()
    else:
        make(tuple(sys.argv[1:]) or (HOME, *GUIDES))
