"""`gatewise tune TASK`: try settings of a task, compare the best with the defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from gatewise.cli.classify_options import ClassifyOptions
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.generate_options import GenerateOptions
from gatewise.cli.how import EXAMPLES, Config, Json, Quiet
from gatewise.cli.options import Options, given, job, panels, settle, with_panels
from gatewise.cli.tag_options import TagOptions
from gatewise.cli.translate_options import TranslateOptions
from gatewise.cli.tune_options import TuneOptions, seconds
from gatewise.errors import UsageError
from gatewise.spec import Settings

TASKS: Mapping[str, type[Options]] = {
    "forecast": ForecastOptions,
    "classify": ClassifyOptions,
    "tag": TagOptions,
    "generate": GenerateOptions,
    "translate": TranslateOptions,
}
HELP = """Try settings of {task} on a validation part; judge the best beside the defaults and the
    baselines on a test part that no trial has seen.

    Takes the flags of `gatewise {task}`: what is given there is not tried.
    Leaves a folder: study.db, report.html, metrics.json, and of the winner
    model/ and winner.html.
    Ctrl-C ends the search with what is there; --resume goes on.

    \b
    Examples:
      gatewise tune {task} {example}
      gatewise tune {task} {example} \\
        --search grid --space space.yaml --jobs 2
      gatewise tune {task} {example} \\
        --trials 100 --prune hyperband --timeout 30m
    """


def _verb(task: str, own: type[Options]) -> Callable[..., int]:
    """The verb of one task."""
    shown: Mapping[str, type[Settings]] = {"Search": TuneOptions, **panels(own)}

    def tuned(
        files: Annotated[
            list[str], typer.Argument(metavar="DATA", help="As the verb of the task takes it.")
        ],
        *,
        config: Config = None,
        as_json: Json = False,
        quiet: Quiet = False,
        **flags: Any,
    ) -> int:
        if len(files) > (2 if task == "translate" else 1):
            raise UsageError(f"{len(files)} files were given; expected one (DATA)")
        data = ",".join(files)
        asked = given(flags)
        how: TuneOptions = settle([TuneOptions], asked)[TuneOptions]
        limit = seconds(how.timeout)
        rest = {
            name: value for name, value in asked.items() if name not in TuneOptions.model_fields
        }
        wanted = job(own, rest, config)
        # what takes long to import, after what costs nothing to refuse
        from gatewise.cli import tune_run

        order = tune_run.order(wanted, how, data, asked, config, quiet=quiet, as_json=as_json)
        return tune_run.run(order, wanted, how, limit, data)

    tuned.__name__ = task
    tuned.__doc__ = HELP.format(task=task, example=EXAMPLES[task])
    hidden = {*own.meaningless, "start"}
    return with_panels(shown, hidden=hidden)(tuned)


tune: Mapping[str, Callable[..., int]] = {task: _verb(task, own) for task, own in TASKS.items()}
