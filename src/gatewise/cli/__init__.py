"""The command line: `gatewise VERB ...`. It calls the Python methods of the same names.

A verb's module is imported when that verb is asked for, so that `gatewise --help` answers at
once; errors become one message and an exit code (see gatewise.errors) here and nowhere else.
"""

from __future__ import annotations

import errno
import functools
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from gatewise.cli.streams import first_alone, lasting
from gatewise.engines import processes
from gatewise.errors import GatewiseError, UsageError, did_you_mean
from gatewise.version import __version__

INTERRUPTED = 130
PIECEMEAL = ("gatewise.cli.data", "gatewise.cli.cases")  # each piece is written as it ends
GRACE = 2.0  # seconds
DEBUG = "GATEWISE_DEBUG"  # set to 1: an error shows where it was raised

# verb -> (module whose function of that name does it, one line)
VERBS = {
    "forecast": ("gatewise.cli.forecast", "Train on a series, compare with baselines, forecast."),
    "classify": ("gatewise.cli.classify", "Train on texts with labels, compare, judge."),
    "tag": ("gatewise.cli.tag", "Train on sentences with a tag for each token, judge."),
    "generate": ("gatewise.cli.generate", "Learn how a text goes on, judge, write more of it."),
    "translate": ("gatewise.cli.translate", "Train on pairs of sequences, compare, judge."),
    "rates": ("gatewise.cli.rates", "Try learning rates before TASK trains on DATA, draw them."),
    "predict": ("gatewise.cli.saved", "Answer DATA with a saved model."),
    "evaluate": ("gatewise.cli.saved", "Score a saved model and the baselines on DATA."),
    "tune": ("gatewise.cli.tune", "Try settings of a task, compare the best with the defaults."),
    "export": ("gatewise.cli.export", "Write a saved model in another format, verified."),
    "runs": ("gatewise.cli.runs", "List and compare the runs whose logs lie in a folder."),
    "cases": ("gatewise.cli.cases", "List and run the cases that tutorials teach, done right."),
    "data": ("gatewise.cli.data", "List and fetch the real sets that cases and benches read."),
    "doctor": ("gatewise.cli.doctor", "Show what is installed, try it, name what is missing."),
    "info": ("gatewise.cli.saved", "Show what a saved model is and how it was trained."),
}
HELP = """An LSTM's whole way: from a file to a trained, honestly compared, saved model.

\b
Examples:
  gatewise forecast air.csv --target passengers --horizon 12
  gatewise classify reviews.csv --text review --label sentiment
  gatewise generate play.txt --prompt "ROMEO: "
  gatewise predict air-forecast/model air.csv
  gatewise VERB --help"""

# what the operating system says no to because of what the user named: exit 2; all else exits 1
REFUSALS = {
    errno.EACCES,
    errno.EEXIST,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}

# the error that typer itself raises for wrong usage; versions keep its class in different places
WrongUsage: Any = typer.BadParameter.__mro__[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: that of the process); returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    with lasting(), first_alone():
        return int(_guarded(_run)(arguments) or 0)


def _run(arguments: list[str]) -> Any:
    asked = next((word for word in arguments if not word.startswith("-")), None)
    if asked is not None and asked not in VERBS:
        near = did_you_mean(asked, VERBS) or f" (verbs: {', '.join(VERBS)})"
        raise UsageError(f"there is no verb '{asked}'{near}; see gatewise --help")
    command = typer.main.get_command(_application(asked, arguments))
    _take_nothing(command)
    return command.main(arguments, prog_name="gatewise", standalone_mode=False)


def _application(asked: str | None, arguments: Sequence[str]) -> typer.Typer:
    """All verbs by name; only the one that is asked for is loaded. Raises UsageError."""
    app = typer.Typer(add_completion=False, rich_markup_mode="rich", help=HELP)
    app.callback()(_gatewise)
    for name, (module, line) in VERBS.items():
        if name == asked:
            verb = getattr(importlib.import_module(module), name)
            if isinstance(verb, Mapping):  # a verb of several words
                _check_second(name, verb, arguments)
                app.add_typer(_several(verb), name=name, help=_help_of_several(line, verb))
                continue
            app.command(name, help=verb.__doc__)(_guarded(verb))
        else:
            app.command(name, help=line)(_not_loaded)
    return app


def _check_second(name: str, verbs: Mapping[str, Any], arguments: Sequence[str]) -> None:
    """Raises UsageError where no word of the verb's stands behind it, or one that is unknown."""
    behind = [*arguments[arguments.index(name) + 1 :], "-"][0]
    if "--help" in arguments or behind in verbs:
        return
    hint = "" if behind.startswith("-") else f", not '{behind}'{did_you_mean(behind, verbs)}"
    raise UsageError(f"{name} needs one of {', '.join(verbs)}{hint}; see gatewise {name} --help")


def _several(verbs: Mapping[str, Callable[..., Any]]) -> typer.Typer:
    """The verbs behind a verb."""
    app = typer.Typer(
        add_completion=False, rich_markup_mode="rich", subcommand_metavar=f"{'|'.join(verbs)} ..."
    )
    for name, verb in verbs.items():
        short = f"For gatewise {name}." if name in VERBS else (verb.__doc__ or "").split("\n")[0]
        app.command(name, help=verb.__doc__, short_help=short)(_guarded(verb))
    return app


def _help_of_several(line: str, verbs: Mapping[str, Callable[..., Any]]) -> str:
    """The line, and the first example of each verb behind it."""
    shown = []
    for verb in verbs.values():
        lines = iter((verb.__doc__ or "").splitlines())
        first = next((line for line in lines if line.strip() in ("Example:", "Examples:")), None)
        shown += [f"  {next(lines).strip()}"] if first else []
    return "\n".join([line, "", "\b", "Examples:", *shown])


def _take_nothing(command: Any) -> None:
    """Help shows a kind behind each flag that takes a value, and behind those alone."""
    for inner in getattr(command, "commands", {}).values():
        _take_nothing(inner)
    help_flag = command.get_help_option(typer.Context(command))
    for flag in (*command.params, help_flag):
        if getattr(flag, "is_flag", False) and flag.metavar is None:
            flag.metavar = ""


def _not_loaded() -> None:
    """Stands for a verb in the list of verbs; never run."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gatewise {__version__}")
        raise typer.Exit()


def _gatewise(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, except that an error is told on stderr and becomes the exit code."""

    @functools.wraps(function)
    def guarded(*values: Any, **named: Any) -> Any:
        try:
            code = function(*values, **named)
            sys.stdout.flush()
            return code
        except (KeyboardInterrupt, typer.Abort):
            piecemeal = function.__module__ in PIECEMEAL
            what = "what had come to its end is kept" if piecemeal else "nothing was written"
            return _tell(f"interrupted; {what}", INTERRUPTED)
        except Exception as error:
            if isinstance(error, typer.Exit):
                return error.exit_code
            told = _explained(error)
            if processes.rank():
                if not isinstance(error, GatewiseError) and sys.__stderr__:  # its own alone
                    sys.__stderr__.write(f"process {processes.rank()}: {told[0]}\n")
                time.sleep(GRACE)  # torchrun ends all with the first that ends: one must speak
            return _tell(*told)

    return guarded


def _explained(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    if isinstance(error, WrongUsage):
        context = getattr(error, "ctx", None)
        where = "gatewise" if context is None else context.command_path
        return f"{error.format_message()}\nSee {where} --help", error.exit_code
    if isinstance(error, GatewiseError):
        return str(error), error.exit_code
    if isinstance(error, OSError) and error.strerror:
        path = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{path}", 2 if error.errno in REFUSALS else 1
    if isinstance(error, MemoryError):
        detail = f" ({error})" if str(error) else ""
        return f"out of memory{detail}; smaller batch_size, hidden_size or lookback need less", 1
    return (
        f"this is a mistake in gatewise, not yours ({type(error).__name__}: {error}); "
        f"{DEBUG}=1 shows where; please report it"
    ), 1


def _tell(message: str, code: int) -> int:
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        traceback.print_exc()
    red, plain = "", ""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")  # over the bar of a training that ended here
        if "NO_COLOR" not in os.environ:
            red, plain = "\x1b[1;31m", "\x1b[0m"
    sys.stderr.write(f"{red}error:{plain} {message}\n")
    return code
