"""Cases run one after the other or side by side, and what they leave in a folder."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from gatewise import outputs
from gatewise.cases import pictures
from gatewise.cases.case import Ask, load_case
from gatewise.errors import GatewiseError
from gatewise.version import __version__

RESULT, PICTURE = "result.json", "picture.svg"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Run:
    """One case on one engine with one seed."""

    case: str
    engine: str
    seed: int
    quick: bool
    data: Path | None = None

    @property
    def folder(self) -> str:
        """Where its result lies below the folder of all."""
        return f"{self.case}/{self.engine}-{self.seed}{'-quick' if self.quick else ''}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left; `error` where it did not come to an end."""

    run: Run
    told: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether it ended, with every check met."""
        return not self.error and all(check["met"] for check in self.told["checks"])


def run_case(run: Run, out: Path | None) -> Result:
    """Run one case here, and leave result.json and picture.svg below `out`.

    Raises GatewiseError as the case does.
    """
    case = load_case(run.case)
    began, seconds_of_cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="gatewise-case-") as folder, pictures.style():
        came = case.run(Ask(Path(folder), run.engine, run.seed, run.quick, run.data))
    told = {
        "case": run.case,
        "title": case.title,
        "engine": run.engine,
        "engine_version": engine_version(run.engine),
        "gatewise": __version__,
        "seed": run.seed,
        "quick": run.quick,
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - seconds_of_cpu,
        "split": came.split,
        "scores": came.scores,
        "checks": [
            {"words": check.words, "met": bool(check.met), "figure": check.figure}
            for check in came.checks
        ],
        "said": list(came.said),
    }
    if out is not None:
        with outputs.replacing(out / run.folder) as place:
            (place / RESULT).write_text(outputs.to_json(told) + "\n", encoding="utf-8")
            if came.picture is not None:
                pictures.save(came.picture, place / PICTURE)
    return Result(run, outputs.plain(told))


def engine_version(engine: str) -> str:
    """Of the framework, as it is installed: `torch 2.13.0`, `tensorflow 2.21.0, keras 3.15.1`."""
    names = {"torch": ("torch",), "tensorflow": ("tensorflow", "tensorflow-cpu")}.get(engine)
    found = [_version(name) for name in names or (engine,)]
    framework = f"{engine} {next((version for version in found if version), 'unknown')}"
    return framework if engine == "torch" else f"{framework}, keras {_version('keras')}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def run_several(runs: Iterable[Run], out: Path | None, jobs: int) -> Iterator[Result]:
    """Run each in one of `jobs` processes, one thread each; results as they come.

    A run that fails is a Result with an error. Engines take turns, so that no process holds two.
    """
    wanted = list(runs)
    for engine in dict.fromkeys(run.engine for run in wanted):
        before = {name: os.environ.get(name) for name in ONE_THREAD}
        os.environ.update(ONE_THREAD)
        context = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(jobs, mp_context=context) as pool:
                own = [run for run in wanted if run.engine == engine]
                waiting = {pool.submit(_told, run, out): run for run in own}
                try:
                    for done in as_completed(waiting):
                        failure = done.exception()
                        yield (
                            done.result()
                            if failure is None
                            else Result(waiting[done], error=f"the process ended ({failure})")
                        )
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _told(run: Run, out: Path | None) -> Result:
    """In a process of the pool: an error becomes words."""
    try:
        return run_case(run, out)
    except GatewiseError as error:
        return Result(run, error=str(error))
    except Exception as error:  # a mistake of ours: the others run on
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        return Result(run, error=f"{type(error).__name__}: {error} ({where})")
