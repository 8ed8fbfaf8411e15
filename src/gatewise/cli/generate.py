"""`gatewise generate`: from a text to a model, its scores and more text of its kind."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.generate_options import GenerateOptions, typed
from gatewise.cli.how import asked, trains
from gatewise.cli.options import job
from gatewise.errors import UsageError


@trains(GenerateOptions)
def generate(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="Text file to learn from; or folder of a saved model that writes."
        ),
    ],
    **flags: Any,
) -> int:
    """Learn how a text goes on, compare with counting models on its end, write more of it.

    Leaves a folder: model/, report.html, samples.txt, metrics.json, run.jsonl.
    Ctrl-C while it trains keeps the best model so far.
    With a saved model as DATA nothing is learnt: it writes at once, to the
    terminal or --out FILE.

    \b
    Examples:
      gatewise generate play.txt --prompt "ROMEO: "
      gatewise generate play.txt --prompt "ROMEO:\\n" --top-k 9 --stop "\\n\\n"
      gatewise generate play-generate/model --prompt "JULIET: " --samples 3
    """
    given, how = asked(flags)
    wanted = job(GenerateOptions, typed(given), how.config)
    if Path(data).is_dir():
        return _from_saved(data, wanted.options, given, quiet=how.quiet, as_json=how.as_json)
    # what takes long to import, after what costs nothing to refuse
    from gatewise.cli import generate_run

    order = verbs.order(wanted.options, data, given, how)
    parts = generate_run.read(Path(data), wanted.options)
    order.tell_notes(parts.notes)
    with order.recorded:
        run = generate_run.train_and_judge(parts, wanted, order)
        order.tell_notes(run.notes, parts.notes)
        told = None if how.quiet and how.as_json else order.console
        run = generate_run.with_samples(run, wanted.options, told)
        return verbs.finish(order, run, f"Test: {parts.where}, kept from training")


def _from_saved(
    data: str, options: GenerateOptions, asked: Mapping[str, Any], *, quiet: bool, as_json: bool
) -> int:
    """A saved model writes. Raises UsageError for flags of a training."""
    from gatewise import outputs
    from gatewise.cli import samples, saved_generate, show

    known = ("prompt", *samples.WRITING, "out")
    foreign = [f"--{name.replace('_', '-')}" for name in asked if name not in known]
    if foreign:
        own = ", ".join(f"--{name.replace('_', '-')}" for name in known)
        raise UsageError(
            f"{', '.join(foreign)}: not for a saved model, which learns nothing more (flags for "
            f"it: {own}); to train, give a text file as DATA"
        )
    model = saved_generate.loaded(data)
    notes = show.open_console(sys.stderr)
    if not quiet:
        show.notes(notes, samples.remarks(model, [options.prompt]))
    prompt = samples.beginning(options.prompt, model.codec_.unit)
    writing = {name: getattr(options, name) for name in samples.WRITING}
    console = show.open_console()
    live = console if console.is_terminal and not as_json and options.out is None else None
    texts, interrupted = samples.write(model, prompt, writing, live)
    if interrupted and not quiet:
        show.notes(notes, ["writing was interrupted"])
    if options.out is not None:
        with outputs.replacing_file(Path(options.out)) as path:
            path.write_text(samples.as_file(prompt, texts), encoding="utf-8")
        show.say(notes, f"written to {options.out}")
    if as_json:
        found = {"prompt": prompt, "samples": texts}
        sys.stdout.write(outputs.to_json(found) + "\n")
    elif options.out is None and (live is None or len(texts) > 1):
        samples.tell(console, prompt, texts)
    return verbs.ended(interrupted)
