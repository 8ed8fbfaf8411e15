"""What the page of every task tells: the verdict first, and at the end how it came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from gatewise.judging.verdict import Standing
from gatewise.report import charts
from gatewise.report.markup import (
    Html,
    element,
    facts_list,
    joined,
    name,
    number,
    plural,
    shorten,
)
from gatewise.report.page import (
    Key,
    Section,
    chart,
    code,
    legend,
    navigation,
    page,
    paragraph,
    section,
)
from gatewise.training import History

MOST = 160  # characters of a heading
HEADLINES: Mapping[Standing, str] = {
    "beats": "Beats the baselines",
    "level": "Level with the best baseline",
    "loses": "Loses to a baseline",
}
Tile = tuple[str, str]  # (what it is, its value)


class Judged(Protocol):
    """An evaluation of any task."""

    def verdict(self) -> str: ...

    def standing(self) -> Standing: ...


class Run(Protocol):
    """What the reports of all tasks have in common.

    title       heading
    source      name of the data file
    history     of the training
    facts       section -> name -> printable fact: data, network, training, versions
    notes       what was assumed, repaired or fell back, in words
    settings    YAML that reproduces the run
    command     the shell line that does
    created     ISO time, or None: not said
    """

    @property
    def title(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def evaluation(self) -> Judged: ...
    @property
    def history(self) -> History: ...
    @property
    def facts(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def settings(self) -> str: ...
    @property
    def command(self) -> str: ...
    @property
    def created(self) -> str | None: ...


def whole_page(
    run: Run, tiles: Sequence[Tile], sections: Sequence[Section], *, learnt: bool = True
) -> str:
    """The page of a run: header, the task's own sections, then those that every run has.

    learnt  whether the network learnt anything: the headline says so where it did not
    """
    sections = [
        *sections,
        ("training", "Training", _training(run.history, _smoothing(run))),
        ("data", "Data and model", _facts(run, versions=False)),
        ("notes", "Notes", listed(run.notes)),
        ("reproduce", "Reproduce", _reproduce(run)),
    ]
    content = [
        _header(run, tiles, learnt),
        navigation([(anchor, title) for anchor, title, _ in sections]),
        *(section(anchor, title, *pieces) for anchor, title, pieces in sections),
    ]
    return page(shorten(run.title, MOST), content)


def _header(run: Run, tiles: Sequence[Tile], learnt: bool) -> Html:
    standing = run.evaluation.standing()
    word = HEADLINES[standing]
    if not learnt and standing != "beats":
        word, standing = "Nothing was learnt", "loses"
    return header(run, (word, standing, run.evaluation.verdict()), tiles)


class Headed(Protocol):
    """What stands at the top of a page."""

    @property
    def title(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def created(self) -> str | None: ...


def header(report: Headed, verdict: tuple[str, Standing, str], tiles: Sequence[Tile]) -> Html:
    """The top of a page.

    verdict  in a word or two, its colour, in full
    tiles    the few numbers to see first
    """
    said = [name(report.source)] if report.source else []
    if report.created:
        words = report.created.replace("T", " ").replace("+00:00", " UTC")
        said.append(element("time", words, datetime=report.created))
    word, standing, told = verdict
    return element(
        "header",
        element("h1", name(shorten(report.title, MOST))),
        paragraph(joined(said, " · "), class_="muted"),
        element(
            "div",
            element("strong", word, aria_hidden="true"),
            paragraph(told),
            class_=f"verdict {standing}",
            role="note",
            aria_label="Verdict",
        ),
        element(
            "dl",
            joined(
                element("div", element("dt", what), element("dd", value)) for what, value in tiles
            ),
            class_="tiles",
        ),
    )


def _smoothing(run: Run) -> float:
    """Of the labels that both losses are of."""
    return float(run.facts.get("Training", {}).get("label_smoothing", 0))


def _training(history: History, smoothing: float) -> Iterator[Html]:
    if not history.records:
        yield paragraph("No epoch was trained.")
        return
    ended = {
        "finished": "all epochs ran",
        "no progress": "it stopped early, for want of progress",
        "interrupted": "it was interrupted",
    }[history.stopped]
    validated = history.records[-1].validation_loss is not None
    best = next((r for r in history.records if r.epoch == history.best_epoch), None)
    if best is None:
        kept = "No epoch did better than the weights before training, which were kept."
    elif best.validation_loss is not None:
        kept = f"The weights of epoch {best.epoch} were kept: the lowest validation loss, "
        kept += f"{number(best.validation_loss)}."
    else:
        kept = f"The weights of epoch {best.epoch}, the last, were kept: training loss "
        kept += f"{number(best.train_loss)}."
    seconds = number(sum(record.seconds for record in history.records))
    words = f"{plural(len(history.records), 'epoch')} in {seconds} seconds; {ended}. {kept}"
    if smoothing:
        words += (
            f" Losses are of labels smoothed by {smoothing:g} (label_smoothing): they stay above "
            f"0, and are no log-loss."
        )
    keys: list[Key] = [("training loss", "k-baseline-1")]
    keys += [("validation loss", "k-network")] if validated else []
    picture = chart(
        "losses",
        f"Line chart of the loss by epoch. {words}",
        lambda _: charts.losses(history),
        wide=False,
    )
    facts = element("div", paragraph(words), legend([*keys, ("weights kept", "k-best")]))
    yield element("div", picture, facts, class_="grid")


def _facts(run: Run, *, versions: bool) -> Iterator[Html]:
    chosen = {k: v for k, v in run.facts.items() if (k.casefold() == "versions") == versions}
    cards = [
        element("div", element("h3", name(title)), facts_list(facts), class_="facts")
        for title, facts in chosen.items()
        if facts
    ]
    if cards:
        yield element("div", joined(cards), class_="grid small")


def listed(notes: Sequence[str]) -> Iterator[Html]:
    """What was assumed or fell back, in words."""
    if notes:
        yield element("ul", joined(element("li", note) for note in notes))
    else:
        yield paragraph("Nothing was assumed, repaired or replaced by a fallback.")


def _reproduce(run: Run) -> Iterator[Html]:
    yield paragraph("One click selects a block whole.", class_="muted")
    yield code(run.command, "Command")
    yield code(run.settings.strip("\n"), "Settings (YAML, for --config)")
    yield from _facts(run, versions=True)
