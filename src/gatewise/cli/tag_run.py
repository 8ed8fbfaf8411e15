"""One run of `gatewise tag`: train on one part of the sentences, judge on another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatewise.batch import IntArray
from gatewise.cli import verbs
from gatewise.cli.options import Job
from gatewise.cli.parting import split_off, unseen, without_copies
from gatewise.cli.tag_options import TagOptions
from gatewise.data.conll import TaggedSentences, read_tagged
from gatewise.data.parts import duplicates
from gatewise.data.tags import TagCodec
from gatewise.errors import DataError
from gatewise.judging.tags import TagEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.tasks.shared import parameter_names
from gatewise.tasks.tagger import Tagger

if TYPE_CHECKING:
    import pandas as pd

# what the options and the Python class have in common, by name
PARAMETERS = [name for name in parameter_names(Tagger) if name in TagOptions.model_fields]


@dataclass(frozen=True)
class TagParts:
    """Sentences to learn from, and those to be judged on.

    rows  (n,) which sentence of its file each of the latter is, from 1
    """

    train: TaggedSentences
    test: TaggedSentences
    rows: IntArray
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TagRun:
    """What came out.

    settings     what gives the same run again, in the words of --config
    interrupted  whether Ctrl-C ended the training
    """

    model: Tagger
    parts: TagParts
    evaluation: TagEvaluation
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    interrupted: bool

    def metrics(self, source: str) -> dict[str, Any]:
        """What metrics.json and --json say."""
        found = {
            "sentences": len(self.parts.train) + len(self.parts.test),
            "tags": self.model.tags_,
            "parameters": self.model.parameters_,
            "evaluation": self.evaluation.to_dict(),
            "history": self.model.history_.to_dict(),
            "notes": self.notes,
            "versions": self.model.versions_,
            "settings": self.settings,
        }
        return verbs.metrics("tag", source, found)

    def answers(self) -> pd.DataFrame:
        """A row for each token of the test: sentence, token, tag, told."""
        import pandas as pd

        sentences = self.evaluation.sentences
        lengths = [len(tokens) for tokens in sentences]
        columns = {
            "token": sentences,
            "tag": self.evaluation.truth,
            "told": self.evaluation.told[NETWORK],
        }
        flat = {name: [one for row in rows for one in row] for name, rows in columns.items()}
        return pd.DataFrame({"sentence": np.repeat(self.parts.rows, lengths), **flat})

    def write(self, folder: Path, order: verbs.Order, metrics: Mapping[str, Any]) -> None:
        """Model, answers, scores and report into an empty folder."""
        from gatewise.report import TagReport, write_tag_report

        self.model.save(folder / "model")
        self.answers().to_csv(folder / "predictions.csv", index=False)
        verbs.write_metrics(folder, metrics)
        report = TagReport(
            title=f"{order.source}: tags of {len(self.parts.test):,} sentences",
            evaluation=self.evaluation,
            history=self.model.history_,
            facts=self.model.summary(),
            notes=self.notes,
            rows=self.parts.rows.tolist(),
            **verbs.page_facts(order, self.settings, TagOptions),
        )
        write_tag_report(folder / "report.html", report)


def read(source: Path, options: TagOptions) -> TagParts:
    """The sentences of the file, or of two, in two parts; copies of a sentence stay on one side.

    Raises DataError: also where no tag of the test is one to learn from; where some are none, a
    note says so.
    """
    found = with_tags(source, options.encoding)
    TagCodec.learn(found.tags or [])  # refuses one tag alone
    if isinstance(options.test, str):
        test = with_tags(Path(options.test), options.encoding)
        parts = _beside(found, test, options.test, keep=options.keep_duplicates)
    else:
        parts = _split(found, options.test, options)
    strange = TagCodec.learn(parts.train.tags or []).strange(parts.test.tags or [])
    return replace(parts, notes=(*parts.notes, *strange))


def with_tags(source: Path, encoding: str | None) -> TaggedSentences:
    """Raises DataError for a file of tokens alone."""
    found = read_tagged(source, encoding)
    if found.tags is None:
        raise DataError(
            f"{source} has tokens and no tags; expected a token and its tag on each line, "
            f"separated by a tab or a space"
        )
    return found


def _split(found: TaggedSentences, test: float | int, options: TagOptions) -> TagParts:
    """One file in two parts, drawn at random by the seed."""
    groups, notes = None, list(found.notes)
    if not options.keep_duplicates:
        copies = duplicates(found.tokens, what="sentences")
        groups = copies.groups
        notes += copies.notes
    train, held, more = split_off(
        len(found), test, what="sentences", seed=options.seed, groups=groups
    )
    notes += more
    rows = np.array(found.rows)[held]
    return TagParts(_taken(found, train), _taken(found, held), rows, tuple(notes))


def _beside(found: TaggedSentences, test: TaggedSentences, name: str, *, keep: bool) -> TagParts:
    """Two files; sentences that the test holds, too, are not learnt from."""
    notes = [*found.notes, *(f"{name}: {note}" for note in test.notes)]
    if not keep:
        kept, more = unseen(found.tokens, test.tokens, what="sentences", name=name)
        found = _taken(found, kept)
        notes += more
    return TagParts(found, test, np.array(test.rows), tuple(notes))


def _taken(found: TaggedSentences, rows: IntArray) -> TaggedSentences:
    tags = found.tags or []
    chosen = rows.tolist()
    return TaggedSentences([found.tokens[i] for i in chosen], [tags[i] for i in chosen])


def train_and_judge(parts: TagParts, wanted: Job[TagOptions], order: verbs.Order) -> TagRun:
    """Train on the one part, score on the other."""
    own = {name: getattr(wanted.options, name) for name in PARAMETERS} | {"verbose": order.verbose}
    model = Tagger(**own, network=wanted.network, training=wanted.training)
    model.fit(parts.train, start=wanted.options.start, **order.beside)
    own_notes = without_copies(parts.notes, model.notes_)
    stopped = verbs.interruption(model.history_, model.training_)
    evaluation = model.evaluate(parts.test)
    # the loss follows from the task and is not to be chosen
    training = model.training_.model_dump(exclude={"loss"})
    return TagRun(
        model=model,
        parts=parts,
        evaluation=evaluation,
        settings=verbs.settings_again(wanted, {}, model.network_.model_dump(), training),
        notes=verbs.distinct([*parts.notes, *own_notes, *stopped]),
        interrupted=bool(stopped),
    )
