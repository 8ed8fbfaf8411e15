"""One run of `gatewise classify`: train on one part of the texts, judge on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatewise.batch import IntArray
from gatewise.cli import verbs
from gatewise.cli.class_answers import answer_table, together
from gatewise.cli.classify_options import ClassifyOptions
from gatewise.cli.options import Job, split_names
from gatewise.cli.parting import is_of_copies, split_off, unseen, without_copies
from gatewise.data.labels import LabelCodec
from gatewise.data.parts import duplicates
from gatewise.data.text_table import read_text_table
from gatewise.data.texts import LabelledTexts, read_labelled
from gatewise.errors import DataError
from gatewise.judging.classes import ClassEvaluation
from gatewise.judging.labels import LabelEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.tasks.classifier import Classifier
from gatewise.tasks.shared import parameter_names

if TYPE_CHECKING:
    import pandas as pd

# what the options and the Python class have in common, by name
PARAMETERS = [name for name in parameter_names(Classifier) if name in ClassifyOptions.model_fields]


@dataclass(frozen=True)
class ClassifyParts:
    """Texts and labels to learn from, and those to be judged on.

    rows  (n,) where each of the latter stands in its file, from 1
    text_columns, label_column  their names; None: there are no columns
    """

    texts: Sequence[str]
    labels: Sequence[Any]
    test: Sequence[str]
    test_labels: Sequence[Any]
    rows: IntArray
    text_columns: str | list[str] | None
    label_column: str | None
    notes: tuple[str, ...]

    @property
    def frame(self) -> dict[str, Sequence[Any]] | None:
        """What is learnt from, in its columns, so that the model knows their names.

        Columns that are read as one have been joined: the first holds all, the others nothing.
        """
        if self.text_columns is None or self.label_column is None:
            return None
        names = [self.text_columns] if isinstance(self.text_columns, str) else self.text_columns
        nothing = [""] * len(self.texts)
        texts = dict.fromkeys(names, nothing) | {names[0]: self.texts}
        return {**texts, self.label_column: self.labels}


@dataclass(frozen=True)
class ClassifyRun:
    """What came out.

    answers      what was said of each text of the test
    settings     what gives the same run again, in the words of --config
    interrupted  whether Ctrl-C ended the training
    """

    model: Classifier
    parts: ClassifyParts
    evaluation: ClassEvaluation | LabelEvaluation
    answers: pd.DataFrame
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    interrupted: bool

    def metrics(self, source: str) -> dict[str, Any]:
        """What metrics.json and --json say."""
        found = {
            "texts": len(self.parts.texts) + len(self.parts.test),
            "classes": self.model.labels_.classes,
            "parameters": self.model.parameters_,
            "evaluation": self.evaluation.to_dict(),
            "history": self.model.history_.to_dict(),
            "notes": self.notes,
            "versions": self.model.versions_,
            "settings": self.settings,
        }
        return verbs.metrics("classify", source, found)

    def write(self, folder: Path, order: verbs.Order, metrics: Mapping[str, Any]) -> None:
        """Model, answers, scores and report into an empty folder."""
        from gatewise.report import ClassReport, write_class_report

        self.model.save(folder / "model")
        self.answers.to_csv(folder / "predictions.csv", index=False)
        verbs.write_metrics(folder, metrics)
        label = self.parts.label_column or "class"
        report = ClassReport(
            title=f"{order.source}: {label} of {len(self.parts.test):,} texts",
            evaluation=self.evaluation,
            inputs=self.parts.test,
            history=self.model.history_,
            facts=self.model.summary(),
            notes=self.notes,
            rows=self.parts.rows.tolist(),
            **verbs.page_facts(order, self.settings, ClassifyOptions),
        )
        write_class_report(folder / "report.html", report)


def read(source: Path, options: ClassifyOptions) -> ClassifyParts:
    """The texts of the file, or of two, in two parts; texts that are the same stay on one side.

    Raises DataError: also where no label of the test is one to learn from; where some are none, a
    note says so.
    """
    label = options.label or "auto"
    found = labelled(source, options.text, label, options.encoding)
    if isinstance(options.test, str):
        test = labelled(Path(options.test), options.text, label, options.encoding)
        parts = _beside(found, test, options.test, options)
    else:
        parts = _split(found, options.test, options)
    try:
        labels = LabelCodec.learn(parts.labels, multilabel=bool(options.multi_label))
    except DataError as error:  # of what is left: say what is not
        raise DataError("; ".join([str(error), *filter(is_of_copies, parts.notes)])) from None
    _, strange = labels.widened(parts.test_labels, parts.rows.tolist())
    return replace(parts, notes=(*parts.notes, *strange))


def labelled(
    source: Path, text: Sequence[str] | None, label: str | None, encoding: str | None
) -> LabelledTexts:
    """The texts of a file with their labels; label None: without.

    text  columns; 'a,b' is two of them, unless one has that name. None: found
    """
    names = list(text or ())
    if any("," in name for name in names):
        names = split_names(names, list(read_text_table(source, encoding).columns)) or []
    return read_labelled(source, text=names or "auto", label=label, encoding=encoding)


def _split(found: LabelledTexts, test: float | int, options: ClassifyOptions) -> ClassifyParts:
    """One file in two parts, drawn at random by the seed, classes in the same shares."""
    found = found.without_empty()
    labels = found.labels or []
    truth = _learnt(found, options).encode(labels)
    groups, notes = None, list(found.notes)
    if not options.keep_duplicates:
        copies = duplicates(found.texts, truth)
        groups = copies.groups
        notes += copies.notes
    train, held, more = split_off(
        len(found), test, what="texts", seed=options.seed, groups=groups, labels=truth
    )
    notes += more
    return ClassifyParts(
        texts=[found.texts[i] for i in train],
        labels=[labels[i] for i in train],
        test=[found.texts[i] for i in held],
        test_labels=[labels[i] for i in held],
        rows=np.array(found.rows)[held],
        text_columns=found.text,
        label_column=found.label,
        notes=tuple(notes),
    )


def _learnt(found: LabelledTexts, options: ClassifyOptions) -> LabelCodec:
    several = bool(options.multi_label)
    return LabelCodec.learn(found.labels or [], multilabel=several, rows=found.rows)


def _beside(
    found: LabelledTexts, test: LabelledTexts, name: str, options: ClassifyOptions
) -> ClassifyParts:
    """Two files; what the test holds, too, is not learnt from."""
    found, test = found.without_empty(), test.without_empty()
    _learnt(found, options).widened(test.labels or [], test.rows)  # before copies go
    notes = [*found.notes, *(f"{name}: {note}" for note in test.notes)]
    kept = np.arange(len(found))
    if not options.keep_duplicates:
        kept, more = unseen(found.texts, test.texts, what="texts", name=name)
        notes += more
    labels = found.labels or []
    return ClassifyParts(
        texts=[found.texts[i] for i in kept],
        labels=[labels[i] for i in kept],
        test=test.texts,
        test_labels=test.labels or [],
        rows=np.array(test.rows),
        text_columns=found.text,
        label_column=found.label,
        notes=tuple(notes),
    )


def train_and_judge(
    parts: ClassifyParts, wanted: Job[ClassifyOptions], order: verbs.Order
) -> ClassifyRun:
    """Train on the one part, score on the other."""
    options = wanted.options
    own = {name: getattr(options, name) for name in PARAMETERS}
    model = Classifier(
        **own, verbose=order.verbose, network=wanted.network, training=wanted.training
    )
    frame = parts.frame
    if frame is None:
        model.fit(
            parts.texts,
            parts.labels,
            start=options.start,
            watch=order.watch,
            checkpoints=order.checkpoints,
        )
    else:
        columns: dict[str, Any] = {"text": parts.text_columns, "label": parts.label_column}
        model.fit(frame, **columns, start=options.start, **order.beside)
    own_notes = without_copies(parts.notes, model.notes_)
    cut = [f"test part: {note}" for note in model.reading_.encode(parts.test)[1]]
    stopped = verbs.interruption(model.history_, model.training_)
    evaluation = model.evaluate(parts.test, parts.test_labels)
    answers = answer_table(
        model,
        np.asarray(evaluation.probabilities[NETWORK]),
        {
            "row": parts.rows,
            "text": parts.test,
            "label": together(parts.test_labels, model.labels_.separator),
        },
    )
    # the loss follows from the labels and is not to be chosen
    training = model.training_.model_dump(exclude={"loss"})
    return ClassifyRun(
        model=model,
        parts=parts,
        evaluation=evaluation,
        answers=answers,
        settings=verbs.settings_again(wanted, {}, model.network_.model_dump(), training),
        notes=verbs.distinct([*parts.notes, *own_notes, *cut, *stopped]),
        interrupted=bool(stopped),
    )
