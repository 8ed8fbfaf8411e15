"""One run of `gatewise translate`: train on one part of the pairs, judge on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatewise.batch import IntArray
from gatewise.cli import verbs
from gatewise.cli.options import Job
from gatewise.cli.parting import split_off, unseen, without_copies
from gatewise.cli.translate_options import TranslateOptions
from gatewise.data.pairs import Pairs, read_pairs
from gatewise.data.parts import duplicates
from gatewise.errors import UsageError
from gatewise.judging.translation import TranslationEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.tasks.shared import parameter_names
from gatewise.tasks.translator import Translator
from gatewise.tasks.translator_plan import MEANINGLESS
from gatewise.tasks.translator_writing import Alignment

if TYPE_CHECKING:
    import pandas as pd

# what the options and the Python class have in common, by name
PARAMETERS = [name for name in parameter_names(Translator) if name in TranslateOptions.model_fields]
PICTURES = 3  # of attention


@dataclass(frozen=True)
class TranslateParts:
    """Pairs to learn from, and those to be judged on.

    rows  (n,) where each of the latter stands in its file, from 1
    """

    train: Pairs
    test: Pairs
    rows: IntArray
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TranslateRun:
    """What came out.

    settings     what gives the same run again, in the words of --config
    interrupted  whether Ctrl-C ended the training
    """

    model: Translator
    parts: TranslateParts
    evaluation: TranslationEvaluation
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    interrupted: bool

    def metrics(self, source: str) -> dict[str, Any]:
        """What metrics.json and --json say."""
        found = {
            "pairs": len(self.parts.train) + len(self.parts.test),
            "parameters": self.model.parameters_,
            "evaluation": self.evaluation.to_dict(),
            "history": self.model.history_.to_dict(),
            "notes": self.notes,
            "versions": self.model.versions_,
            "settings": self.settings,
        }
        return verbs.metrics("translate", source, found)

    def answers(self) -> pd.DataFrame:
        """A row for each pair of the test: row, source, reference, told."""
        import pandas as pd

        return pd.DataFrame(
            {
                "row": self.parts.rows,
                "source": as_texts(self.evaluation.sources),
                "reference": as_texts(self.evaluation.references),
                "told": as_texts(self.evaluation.told[NETWORK]),
            }
        )

    def write(self, folder: Path, order: verbs.Order, metrics: Mapping[str, Any]) -> None:
        """Model, answers, scores and report into an empty folder."""
        from gatewise.report import TranslationReport, write_translation_report

        self.model.save(folder / "model")
        self.answers().to_csv(folder / "predictions.csv", index=False)
        verbs.write_metrics(folder, metrics)
        report = TranslationReport(
            title=f"{order.source}: translations of {len(self.parts.test):,} sources",
            evaluation=self.evaluation,
            attention=looks(self.model, self.parts.test),
            history=self.model.history_,
            facts=self.model.summary(),
            notes=self.notes,
            rows=self.parts.rows.tolist(),
            **verbs.page_facts(order, self.settings, TranslateOptions),
        )
        write_translation_report(folder / "report.html", report)


def looks(model: Translator, pairs: Pairs) -> list[Alignment]:
    """Where the answers to a few sources of usual length looked; of an empty answer nothing."""
    if model.spec_.attention == "none":
        return []
    lengths = np.array([len(source) for source in pairs.sources])
    usual = np.argsort(np.abs(lengths - np.median(lengths)), kind="stable")[:PICTURES]
    found = []
    for row in np.sort(usual).tolist():
        try:
            found.append(model.align(pairs.sources[row]))
        except UsageError:  # nothing was written
            continue
    return found


def as_texts(sequences: Sequence[Any]) -> list[str]:
    """Lists of tokens with spaces between them."""
    return [one if isinstance(one, str) else " ".join(map(str, one)) for one in sequences]


def read(data: str, options: TranslateOptions) -> TranslateParts:
    """The pairs of the file, or of two, in two parts; copies of a source stay on one side.

    Raises DataError.
    """
    found = read_columns(data, options)
    if isinstance(options.test, str):
        test = read_columns(options.test, options)
        return _beside(found, test, options.test, keep=options.keep_duplicates)
    return _split(found, options.test, options)


def read_columns(data: str, options: TranslateOptions) -> Pairs:
    """The pairs of a file, or of two."""
    return read_pairs(data, options.source or "auto", options.target or "auto", options.encoding)


def _split(found: Pairs, test: float | int, options: TranslateOptions) -> TranslateParts:
    """One file in two parts, drawn at random by the seed."""
    groups, notes = None, list(found.notes)
    if not options.keep_duplicates:
        copies = duplicates(found.sources, what="sources")
        groups = copies.groups
        notes += copies.notes
    train, held, more = split_off(len(found), test, what="pairs", seed=options.seed, groups=groups)
    notes += more
    rows = np.array(found.rows)[held]
    return TranslateParts(_taken(found, train), _taken(found, held), rows, tuple(notes))


def _beside(found: Pairs, test: Pairs, name: str, *, keep: bool) -> TranslateParts:
    """Two files; sources that the test holds, too, are not learnt from."""
    notes = [*found.notes, *(f"{name}: {note}" for note in test.notes)]
    if not keep:
        kept, more = unseen(found.sources, test.sources, what="sources", name=name)
        found = _taken(found, kept)
        notes += more
    return TranslateParts(
        replace(found, notes=()), replace(test, notes=()), np.array(test.rows), tuple(notes)
    )


def _taken(found: Pairs, rows: IntArray) -> Pairs:
    chosen = rows.tolist()
    return Pairs([found.sources[i] for i in chosen], [found.targets[i] for i in chosen])


def train_and_judge(
    parts: TranslateParts, wanted: Job[TranslateOptions], order: verbs.Order
) -> TranslateRun:
    """Train on the one part, score on the other."""
    own = {name: getattr(wanted.options, name) for name in PARAMETERS}
    model = Translator(
        **own, verbose=order.verbose, network=wanted.network, training=wanted.training
    )
    model.fit(parts.train, start=wanted.options.start, **order.beside)
    own_notes = without_copies(parts.notes, model.notes_)
    stopped = verbs.interruption(model.history_, model.training_)
    evaluation = model.evaluate(parts.test)
    # what follows from the task and is not to be chosen
    network = model.network_.model_dump(exclude=set(MEANINGLESS))
    training = model.training_.model_dump(exclude={"loss"})
    return TranslateRun(
        model=model,
        parts=parts,
        evaluation=evaluation,
        settings=verbs.settings_again(wanted, {}, network, training),
        notes=verbs.distinct([*parts.notes, *own_notes, *stopped]),
        interrupted=bool(stopped),
    )
