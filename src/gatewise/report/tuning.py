"""The report of a study: what tuning gained, how the search went, which settings matter."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gatewise.judging.verdict import Standing
from gatewise.report import tuning_charts as charts
from gatewise.report.charts import Paint
from gatewise.report.markup import (
    NONE,
    Html,
    element,
    facts_list,
    joined,
    name,
    number,
    percent,
    plural,
    shorten,
    table,
)
from gatewise.report.page import (
    UNFOLDED,
    Section,
    chart,
    code,
    foldable,
    legend,
    navigation,
    page,
    paragraph,
    section,
    write,
)
from gatewise.report.story import MOST, header, listed
from gatewise.tuning.importances import FEWEST, importances
from gatewise.tuning.record import Study, Trial, shown
from gatewise.tuning.space import Dimension
from gatewise.tuning.verdict import DEFAULTS, TunedEvaluation

HEADLINES: Mapping[Standing, str] = {
    "beats": "Better than the defaults",
    "level": "Level with the defaults",
    "loses": "Worse than the defaults",
}
STATES = {
    "complete": "complete",
    "pruned": "ended early",
    "failed": "failed",
    "left": "not finished",
}


@dataclass(frozen=True)
class TuningReport:
    """All that the page of a study says.

    where     the test part, in words
    usual_loss  lowest validation loss of the defaults, or None
    facts     of the winner: section -> name -> printable fact
    notes     what must be said
    settings  YAML that trains the winner again; command: the shell line of the study
    """

    study: Study
    evaluation: TunedEvaluation
    where: str
    usual_loss: float | None = None
    title: str = "Tuning"
    source: str = ""
    command: str = ""
    settings: str = ""
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    created: str | None = None


def write_tuning_report(path: str | os.PathLike[str], report: TuningReport) -> None:
    """Write the page of a study, whole or not at all. Raises RunError when the disk refuses."""
    write(path, tuning_page(report))


def tuning_page(report: TuningReport) -> str:
    """One HTML document that needs nothing else and requests nothing."""
    sections: list[Section] = [
        ("scores", "Scores on the test part", _scores(report)),
        ("winner", "The winner", _winner(report)),
        ("history", "How the search went", _history(report.study, report.usual_loss)),
        ("importances", "Which settings matter", _importances(report.study)),
        ("parallel", "All settings side by side", _parallel(report.study)),
        ("slices", "One setting at a time", _slices(report.study)),
        ("trials", "Trials", _trials(report.study)),
        ("notes", "Notes", listed(report.notes)),
    ]
    if report.command or report.settings:
        sections.append(("reproduce", "Reproduce", _reproduce(report)))
    content = [
        _header(report),
        navigation([(anchor, title) for anchor, title, _ in sections]),
        *(section(anchor, title, *pieces) for anchor, title, pieces in sections),
    ]
    return page(shorten(report.title, MOST), content)


def _header(report: TuningReport) -> Html:
    standing = report.evaluation.against_defaults
    verdict = (HEADLINES[standing], standing, report.evaluation.verdict())
    return header(report, verdict, _tiles(report))


def _tiles(report: TuningReport) -> list[tuple[str, str]]:
    study, ranking = report.study, dict(report.evaluation.ranking())
    counts = study.counts()
    best = study.best
    metric = report.evaluation.ranked_by
    ended = len(study.trials) - counts["left"]
    return [
        (f"{metric} of the tuned model", number(ranking["network"])),
        (f"{metric} of the defaults", number(ranking[DEFAULTS])),
        ("lowest validation loss", NONE if best is None else number(best.value or 0.0)),
        (f"trials of {study.wanted:,}", f"{ended:,}"),
    ]


def _scores(report: TuningReport) -> Iterator[Html]:
    scores, order = report.evaluation.scores(), report.evaluation.ranking()
    words = {"network": "tuned network", DEFAULTS: "defaults"}
    metrics = [
        metric
        for metric in scores[order[0][0]]
        if any(_there(score.get(metric)) for score in scores.values())
    ]
    rows = [
        (
            [words.get(who, who), *(_cell(scores[who].get(metric)) for metric in metrics)],
            "own" if who == "network" else None,
        )
        for who, _ in order
    ]
    yield table(
        "scores-table",
        ["model", *metrics],
        rows,
        caption=f"On {report.where}, kept from all trials and read once, after the search.",
    )
    yield paragraph(
        "The defaults are what the task chooses by itself where nothing was given. Trials were "
        "compared on the validation part alone; a lead there that is gone here was luck.",
        class_="muted",
    )


def _there(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _cell(value: float | None) -> str:
    return number(value, 4) if value is not None else NONE


def _winner(report: TuningReport) -> Iterator[Html]:
    study = report.study
    best = study.best
    if best is None or best.outcome is None:
        yield paragraph("No trial came to its end.")
        return
    usual = study.usual
    rows = [
        (
            [
                dimension.short,
                element("b", shown(best.params[dimension.name])),
                shown(usual[dimension.name]) if dimension.name in usual else NONE,
                _tried(dimension),
            ],
            None,
        )
        for dimension in study.space
    ]
    yield table(
        "winner-table",
        ["setting", "winner", "default", "tried"],
        rows,
        caption=f"Trial {best.number + 1}: validation loss {number(best.outcome.value or 0.0, 4)} "
        f"after epoch {best.outcome.best_epoch} of {len(best.outcome.losses)}.",
    )
    for edge in study.edges():
        yield paragraph(element("mark", "At the edge"), f": {edge}.")
    cards = [
        element("div", element("h3", name(title)), facts_list(facts), class_="facts")
        for title, facts in report.facts.items()
        if facts and title.casefold() not in ("versions", "data")
    ]
    if cards:
        inside = element("div", joined(cards), class_="grid small")
        yield element("details", element("summary", "All about the tuned model"), inside)


def _tried(dimension: Dimension) -> str:
    told = dimension.to_json()
    if isinstance(told, list):
        return ", ".join(shown(value) for value in told)
    scale = ", logarithmic" if told.get("log") else ""
    step = f" in steps of {shown(told['step'])}" if told.get("step") else ""
    return f"{shown(told['low'])} to {shown(told['high'])}{step}{scale}"


def _history(study: Study, usual: float | None) -> Iterator[Html]:
    counts = study.counts()
    settings = study.settings
    kinds = {"grid": "Grid search", "random": "Random search", "bayes": "Bayesian search (TPE)"}
    pruned = "" if settings.prune == "none" else f", pruned by {settings.prune}"
    states = ", ".join(f"{count:,} {STATES[state]}" for state, count in counts.items() if count)
    words = f"{kinds[settings.search]}{pruned}: {plural(len(study.trials), 'trial')} ({states})."
    yield paragraph(
        words,
        f" This run took {number(study.seconds)} seconds with {plural(settings.jobs, 'job')}.",
    )
    if not charts.complete(study):
        return
    keys = [("best so far", "k-network"), ("complete trial", "k-dot")]
    if counts["pruned"]:
        keys.append(("ended early, at its lowest loss", "k-cross"))
    if usual is not None:
        keys.append((f"the defaults: {number(usual, 4)}", "k-mark k-level"))
    yield legend(keys)
    yield chart(
        "history-chart",
        f"Validation loss of each trial and the best so far. {words}",
        lambda _: charts.history(study, usual),
        wide=True,
    )


def _importances(study: Study) -> Iterator[Html]:
    done = len(charts.complete(study))
    shares = importances(study)
    if not shares:
        yield paragraph(
            f"{plural(done, 'complete trial')} are too few to tell which settings matter: at least "
            f"{FEWEST} that differ are needed."
            if done < FEWEST
            else "All complete trials have the same loss: no setting made a difference."
        )
        return
    first = next(iter(shares))
    yield paragraph(
        f"{first} explains {percent(shares[first])} of the difference between the {done} complete "
        f"trials (functional ANOVA). Interactions are left out, and few trials make rough shares.",
    )
    yield chart(
        "importance-chart",
        "Bars: " + ", ".join(f"{which} {percent(share)}" for which, share in shares.items()),
        lambda _: charts.importance(shares),
        wide=False,
    )


def _parallel(study: Study) -> Iterator[Html]:
    done = charts.complete(study)
    if len(done) < 2:
        yield paragraph("Fewer than two trials came to their end.")
        return
    yield paragraph(
        "Each line is a trial: through its settings to its validation loss on the right, low ones "
        "below. The best tenth stands out, the winner is the thickest."
    )
    yield chart(
        "parallel-chart",
        f"Parallel coordinates of {plural(len(done), 'complete trial')}.",
        lambda wide: charts.parallel(study, wide),
        wide=True,
    )


def _slices(study: Study) -> Iterator[Html]:
    done = charts.complete(study)
    if len(done) < 2:
        yield paragraph("Fewer than two trials came to their end.")
        return
    yield legend([("complete trial", "k-dot"), ("winner", "k-dot k-own")])
    pieces = []
    for index, dimension in enumerate(study.space):

        def paint(_: bool, dimension: Dimension = dimension) -> Paint:
            return charts.slices(study, dimension)

        label = f"Validation loss by {dimension.short}, a dot for each complete trial."
        caption = element("b", dimension.short)
        pieces.append(chart(f"slice-{index}", label, paint, wide=False, caption=caption))
    yield element("div", joined(pieces), class_="grid")


def _trials(study: Study) -> Iterator[Html]:
    def rank(trial: Trial) -> tuple[bool, float, int]:
        value = trial.value
        return value is None, value or 0.0, trial.number

    ordered = sorted(study.trials, key=rank)
    best = study.best
    rows = [
        (_trial_row(study, trial), "own" if best and trial.number == best.number else None)
        for trial in ordered[:UNFOLDED]
    ]
    head = ["trial", "loss", *(dimension.short for dimension in study.space)]
    grid = table(
        "trials-table",
        [*head, "epochs", "seconds", "what became of it"],
        rows,
        caption="Best first. Loss: the lowest validation loss; of a trial that was ended early, as "
        "far as it came.",
    )
    yield foldable(grid, len(rows), f"{plural(len(study.trials), 'trial')} in a table")
    if len(ordered) > UNFOLDED:
        yield paragraph(f"{len(ordered) - UNFOLDED:,} more are left out here.", class_="muted")


def _trial_row(study: Study, trial: Trial) -> list[object]:
    outcome = trial.outcome
    own = [shown(trial.params[dimension.name]) for dimension in study.space]
    if outcome is None:
        return [trial.number + 1, NONE, *own, NONE, NONE, STATES["left"]]
    reason = f": {outcome.reason}" if outcome.reason else ""
    return [
        trial.number + 1,
        _cell(outcome.value),
        *own,
        len(outcome.losses),
        f"{outcome.seconds:.1f}",
        name(shorten(f"{STATES[trial.state]}{reason}", 80)),
    ]


def _reproduce(report: TuningReport) -> Iterator[Html]:
    yield paragraph("One click selects a block whole.", class_="muted")
    if report.command:
        yield code(report.command, "Command")
    if report.settings:
        yield code(report.settings.strip("\n"), "Settings of the winner (YAML, for --config)")
