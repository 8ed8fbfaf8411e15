"""One run of `gatewise generate`: learn the beginning of a text, judge on its end, write more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewise.cli import samples, show, verbs
from gatewise.cli.generate_options import GenerateOptions
from gatewise.cli.options import Job
from gatewise.data.files import read_text, suffix
from gatewise.data.text_table import JSON_SUFFIXES
from gatewise.errors import DataError
from gatewise.judging.language import LanguageEvaluation
from gatewise.tasks.generator import Generator
from gatewise.tasks.generator_plan import MEANINGLESS
from gatewise.tasks.shared import parameter_names

if TYPE_CHECKING:
    from rich.console import Console

# what the options and the Python class have in common, by name
PARAMETERS = [name for name in parameter_names(Generator) if name in GenerateOptions.model_fields]
TABLES = (".csv", ".tsv", ".parquet", *JSON_SUFFIXES)
FEWEST_TO_JUDGE = 20  # characters
NEAR = 200  # characters before the cut where a line or a word may end


@dataclass(frozen=True)
class GenerateParts:
    """A text to learn from, and one to be judged on.

    where  the latter, in words
    """

    train: str
    test: str
    where: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GenerateRun:
    """What came out.

    prompt       what the samples begin with
    texts        what follows it in each of them
    settings     what gives the same run again, in the words of --config
    interrupted  whether Ctrl-C ended the training or the writing
    """

    model: Generator
    parts: GenerateParts
    evaluation: LanguageEvaluation
    prompt: str
    texts: Sequence[str]
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    interrupted: bool

    def metrics(self, source: str) -> dict[str, Any]:
        """What metrics.json and --json say."""
        found = {
            "characters": len(self.parts.train) + len(self.parts.test),
            "parameters": self.model.parameters_,
            "evaluation": self.evaluation.to_dict(),
            "prompt": self.prompt,
            "samples": self.texts,
            "history": self.model.history_.to_dict(),
            "notes": self.notes,
            "versions": self.model.versions_,
            "settings": self.settings,
        }
        return verbs.metrics("generate", source, found)

    def write(self, folder: Path, order: verbs.Order, metrics: Mapping[str, Any]) -> None:
        """Model, samples, scores and report into an empty folder."""
        from gatewise.report import LanguageReport, write_language_report

        self.model.save(folder / "model")
        written = samples.as_file(self.prompt, self.texts)
        (folder / "samples.txt").write_text(written, encoding="utf-8")
        verbs.write_metrics(folder, metrics)
        report = LanguageReport(
            title=f"{order.source}: how it goes on",
            evaluation=self.evaluation,
            samples=[(self.settings["temperature"], self.prompt, text) for text in self.texts],
            history=self.model.history_,
            facts=self.model.summary(),
            notes=self.notes,
            **verbs.page_facts(order, self.settings, GenerateOptions),
        )
        write_language_report(folder / "report.html", report)


def read(source: Path, options: GenerateOptions) -> GenerateParts:
    """The text of the file in two parts, or of two files. Raises DataError."""
    text = read_text(source, options.encoding)
    notes: tuple[str, ...] = ()
    if suffix(source) in TABLES:
        notes = (f"{source.name} is read as plain text: names of columns and separators, too",)
    if isinstance(options.test, str):
        test = read_text(options.test, options.encoding)
        parts = GenerateParts(text, test, f"{len(test):,} characters of {Path(options.test).name}")
    else:
        parts = _split(text, options.test)
    if len(parts.test.strip()) < FEWEST_TO_JUDGE:
        raise DataError(
            f"test={options.test} is too little to be judged on: {len(parts.test.strip())} "
            f"characters, at least {FEWEST_TO_JUDGE} are needed; give more text, or another --test"
        )
    if not parts.train.strip():
        raise DataError(f"test={options.test} leaves no text to learn from; give a smaller --test")
    return replace(parts, notes=notes)


def _split(text: str, test: float | int) -> GenerateParts:
    """The end of a text is judged on: from the beginning of a line or a word, where one is near."""
    size = int(len(text) * test) if test < 1 else int(test)
    if size >= len(text):
        raise DataError(
            f"test={test} leaves nothing of {len(text):,} characters to learn from; give a share "
            f"such as --test 0.1, or a number below {len(text):,}"
        )
    at = len(text) - size
    for mark in ("\n", " "):
        found = text.rfind(mark, max(0, at - NEAR), at)
        if found > 0:
            at = found + 1
            break
    return GenerateParts(text[:at], text[at:], f"the last {len(text) - at:,} characters")


def train_and_judge(
    parts: GenerateParts, wanted: Job[GenerateOptions], order: verbs.Order
) -> GenerateRun:
    """Train on the one part, score on the other."""
    own = {name: getattr(wanted.options, name) for name in PARAMETERS}
    model = Generator(
        **own, verbose=order.verbose, network=wanted.network, training=wanted.training
    )
    model.fit(parts.train, start=wanted.options.start, **order.beside)
    stopped = verbs.interruption(model.history_, model.training_)
    evaluation = model.evaluate(parts.test)
    # what follows from the task and is not to be chosen
    network = model.network_.model_dump(exclude=set(MEANINGLESS))
    training = model.training_.model_dump(exclude={"loss"})
    said = samples.remarks(model, [wanted.options.prompt])
    return GenerateRun(
        model=model,
        parts=parts,
        evaluation=evaluation,
        prompt=samples.beginning(wanted.options.prompt, model.codec_.unit),
        texts=(),
        settings=verbs.settings_again(wanted, {}, network, training),
        notes=verbs.distinct([*parts.notes, *model.notes_, *said, *stopped]),
        interrupted=bool(stopped),
    )


def with_samples(
    run: GenerateRun, options: GenerateOptions, console: Console | None
) -> GenerateRun:
    """The run with what the model writes, shown on the console: on a terminal as it comes."""
    writing = {name: getattr(options, name) for name in samples.WRITING}
    live = console if console is not None and console.is_terminal else None
    if console is not None:
        show.say(console, "")
        show.say(console, "Sample" if options.samples == 1 else "Samples", "bold")
    texts: list[str] = []
    interrupted = True
    with suppress(KeyboardInterrupt):  # what was learnt is kept
        texts, interrupted = samples.write(run.model, run.prompt, writing, live)
    if console is not None and (live is None or len(texts) > 1):
        samples.tell(console, run.prompt, texts)
    notes = [*run.notes, "writing was interrupted"] if interrupted else run.notes
    return replace(run, texts=texts, notes=tuple(notes), interrupted=run.interrupted or interrupted)
