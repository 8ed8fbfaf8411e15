"""What a study tries: names of settings, and for each its choices or its range."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from pydantic import TypeAdapter, ValidationError

from gatewise.errors import SpecError, UsageError, did_you_mean
from gatewise.spec import Network, Settings, Training
from gatewise.tasks.shared import NESTED, parameter_names
from gatewise.tasks.spaces import REFUSED

POINTS = 3  # of a range without steps, in a grid
NEAR_EDGE = 0.02  # of a range's width
KEYS = ("low", "high", "log", "step")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values.

    name  as get_params has it: network__hidden_size, lookback
    """

    name: str
    values: tuple[Any, ...]

    @property
    def short(self) -> str:
        """As a flag has it: hidden_size."""
        return self.name.rpartition("__")[2]

    @property
    def ordered(self) -> bool:
        """Whether the values are numbers, and so many that one may stand between two others."""
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values)
        return numbers and len(self.values) > 2

    def points(self) -> tuple[Any, ...]:
        """What a grid tries."""
        return self.values

    def to_json(self) -> Any:
        """As a space file has it."""
        return list(self.values)


@dataclass(frozen=True, slots=True)
class Range:
    """A number from low to high, both included.

    log    as likely between 0.001 and 0.01 as between 0.01 and 0.1
    step   None: any number (any whole number, of whole ones)
    whole  whole numbers alone
    """

    name: str
    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    @property
    def short(self) -> str:
        """As a flag has it: learning_rate."""
        return self.name.rpartition("__")[2]

    @property
    def steps(self) -> int:
        """Whole steps between low and high; the step is given."""
        return math.floor((self.high - self.low) / (self.step or 1) + 1e-9)

    @property
    def top(self) -> float:
        """The highest that can be tried: the last step, which may lie below high."""
        if self.step is None:
            return self.high
        last = self.low + self.step * self.steps
        return round(last) if self.whole else float(f"{last:.12g}")

    def points(self) -> tuple[Any, ...]:
        """What a grid tries: every step, or low, middle, high."""
        if self.step is not None:
            found: Any = self.low + self.step * np.arange(self.steps + 1)
        else:
            space = np.geomspace if self.log else np.linspace
            found = space(self.low, self.high, POINTS)
        if self.whole:
            return tuple(dict.fromkeys(int(point) for point in np.rint(found)))
        return tuple(float(f"{point:.12g}") for point in found)

    def to_json(self) -> Any:
        """As a space file has it."""
        told: dict[str, Any] = {"low": self.low, "high": self.high}
        if self.log:
            told["log"] = True
        return told if self.step is None else {**told, "step": self.step}


Dimension = Choice | Range


@dataclass(frozen=True, slots=True)
class Space:
    """All that a study tries, by name."""

    dimensions: tuple[Dimension, ...]

    def __iter__(self) -> Iterator[Dimension]:
        return iter(self.dimensions)

    def to_json(self) -> dict[str, Any]:
        """As a space file has it."""
        return {dimension.name: dimension.to_json() for dimension in self}

    def size(self) -> int:
        """Points of the grid."""
        return math.prod(len(dimension.points()) for dimension in self)

    def grid(self, seed: int, count: int) -> list[dict[str, Any]]:
        """The first `count` points of the grid, in an order drawn by the seed: what of it is tried
        when time runs out is spread over the whole.
        """
        names = [dimension.name for dimension in self]
        every = [dimension.points() for dimension in self]
        sizes = [len(points) for points in every]
        drawn = np.random.default_rng([seed]).permutation(self.size())[:count]
        places = np.stack(np.unravel_index(drawn, sizes), axis=-1)  # (count, names)
        return [
            {name: points[i] for name, points, i in zip(names, every, row, strict=True)}
            for row in places.tolist()
        ]


def read_space(path: Path) -> dict[str, Any]:
    """What a space file (YAML or JSON) says. Raises UsageError."""
    import yaml

    if not path.is_file():
        raise UsageError(f"there is no file {path} (--space)")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UsageError(
            f"{path} must hold lines such as 'hidden_size: [32, 64]' or "
            f"'learning_rate: {{low: 0.0001, high: 0.01, log: true}}'"
        )
    return {str(name).replace("-", "_"): value for name, value in content.items()}


def space_of(
    task: str, kind: type, given: Mapping[str, Any], usual: Mapping[str, Any], where: str = "space"
) -> Space:
    """The space that was written down, checked; one message lists every problem.

    task   its name
    kind   the class of its model
    given  name -> choices (list) or range ({low, high, log, step}) or {times}
    usual  name -> what the task would take itself, for {times}
    where  it was written, in messages
    Raises UsageError.
    """
    if not given:
        raise UsageError(f"{where} is empty: name at least one setting with its choices")
    found: dict[str, Dimension] = {}
    problems = []
    for written, values in given.items():
        try:
            name = canonical(task, kind, written)
            if name in found:
                raise UsageError(f"'{written}' is given twice")
            found[name] = _dimension(name, kind, values, usual.get(name))
        except UsageError as error:
            problems.append(str(error))
    if problems:
        raise UsageError(f"{where}: {'; '.join(problems)}")
    return Space(tuple(found.values()))


def canonical(task: str, kind: type, name: str) -> str:
    """The name that get_params has: network__hidden_size of hidden_size.

    Raises UsageError: no such setting (with the nearest one), or one that cannot be tuned.
    """
    field = name.rpartition("__")[2]
    own = [one for one in parameter_names(kind) if one not in NESTED]
    homes = dict.fromkeys(own, "")
    for nest, settings in NESTED.items():
        homes |= dict.fromkeys(settings.model_fields, f"{nest}__")
    full = f"{homes.get(field, '')}{field}"
    if field not in homes or name not in (field, full):
        raise UsageError(f"there is no setting '{name}'{did_you_mean(field, homes)}")
    if field in REFUSED[task]:
        raise UsageError(f"{field} cannot be tuned: {REFUSED[task][field]}")
    return full


def _dimension(name: str, kind: type, given: Any, usual: Any) -> Dimension:
    short = name.rpartition("__")[2]
    if isinstance(given, Mapping) and "times" in given:
        if not isinstance(usual, int) or isinstance(usual, bool) or len(given) > 1:
            raise UsageError(f"{short}: 'times' stands alone, and is of whole numbers")
        given = sorted({max(1, round(usual * float(factor))) for factor in given["times"]})
    if isinstance(given, Mapping):
        return _range(name, kind, given)
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise UsageError(
            f"{short} needs choices such as [1, 2], or a range such as {{low: 1, high: 2}}, "
            f"not {given!r}"
        )
    if not given:
        raise UsageError(f"{short} has no choices")
    values = tuple(dict.fromkeys(checked(name, kind, value) for value in given))
    return Choice(name, values)


def _range(name: str, kind: type, given: Mapping[str, Any]) -> Range:
    short = name.rpartition("__")[2]
    strange = [key for key in given if key not in KEYS]
    if strange:
        near = did_you_mean(strange[0], KEYS) or f"; known: {', '.join(KEYS)}"
        raise UsageError(f"{short}: a range has no '{strange[0]}'{near}")
    if "low" not in given or "high" not in given:
        raise UsageError(f"{short}: a range needs low and high")
    kinds = _kinds(name, kind)
    if not kinds & {int, float}:
        raise UsageError(f"{short} is no number; give a list of choices")
    low, high = checked(name, kind, given["low"]), checked(name, kind, given["high"])
    log, step = given.get("log", False), given.get("step")
    if not isinstance(log, bool):
        raise UsageError(f"{short}: log is true or false, not {log!r}")
    try:
        step = None if step is None else float(step)
    except (TypeError, ValueError):
        raise UsageError(f"{short}: step is a number, not {step!r}") from None
    whole = float not in kinds
    if low is None or high is None or not low < high:
        raise UsageError(f"{short}: low must be below high, not {low!r} and {high!r}")
    if log and low <= 0:
        raise UsageError(f"{short}: log needs low above 0, not {low!r}")
    if step is not None and (step <= 0 or log or (whole and step != int(step))):
        raise UsageError(
            f"{short}: step must be above 0{', a whole number' if whole else ''} and stands "
            f"without log, not {step!r}"
        )
    return Range(name, low, high, log, int(step) if whole and step else step, whole)


def checked(name: str, kind: type, value: Any) -> Any:
    """The value as its setting takes it: '1e-4', which YAML reads as text, is a number.

    Raises UsageError.
    """
    nest, _, field = name.rpartition("__")
    try:
        if nest:
            settings: Settings = NESTED[nest](**{field: value})
            return getattr(settings, field)
        return TypeAdapter(_annotation(name, kind)).validate_python(value)
    except SpecError as error:
        raise UsageError(str(error)) from None
    except ValidationError as error:
        said = error.errors()[0]["msg"].replace("Input should be", "should be")
        raise UsageError(f"{field} {said}, not {value!r}") from None


def _annotation(name: str, kind: type) -> Any:
    nest, _, field = name.rpartition("__")
    if nest:
        models: dict[str, type[Settings]] = {"network": Network, "training": Training}
        return models[nest].model_fields[field].annotation
    return inspect.signature(kind, eval_str=True).parameters[field].annotation


def _kinds(name: str, kind: type) -> set[Any]:
    annotation = _annotation(name, kind)
    return {annotation, *get_args(annotation)}


def at_edge(dimension: Dimension, value: Any, kind: type) -> str | None:
    """'lowest' or 'highest' where a winner's value stands at the end of what was tried, and more
    could be tried there.
    """
    if isinstance(dimension, Choice):
        if not dimension.ordered:
            return None
        low, high, log = min(dimension.values), max(dimension.values), False
    else:
        low, high, log = dimension.low, dimension.top, dimension.log
    place, ends = value, (low, high)
    if log:
        place, ends = math.log(value), (math.log(low), math.log(high))
    near = 0.0 if isinstance(dimension, Choice) else NEAR_EDGE * (ends[1] - ends[0])
    if place <= ends[0] + near:
        return "lowest" if _beyond(dimension.name, kind, low, -1) else None
    if place >= ends[1] - near:
        return "highest" if _beyond(dimension.name, kind, high, 1) else None
    return None


def _beyond(name: str, kind: type, value: Any, way: int) -> bool:
    """Whether the setting takes a value beyond this one: dropout goes no lower than 0."""
    further = value + way if isinstance(value, int) else value + way * 1e-6 * max(1.0, abs(value))
    if isinstance(value, float) and way < 0 < value:
        further = value / 2
    if not _annotation_bounds_known(name) and further < 1:
        return False
    try:
        checked(name, kind, further)
    except UsageError:
        return False
    return True


def _annotation_bounds_known(name: str) -> bool:
    """Fields of Network and Training know their bounds; a task's own numbers are counts."""
    return "__" in name
