"""What a fitted forecaster is as an artifact, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gatewise.artifact import Artifact
from gatewise.baselines import Linear
from gatewise.data.series import SeriesCodec
from gatewise.data.table import SeriesTable
from gatewise.engines.onnx.engine import Engine as Runner
from gatewise.tasks import shared
from gatewise.tasks.forecaster_rows import LearntRows

if TYPE_CHECKING:
    from gatewise.tasks.forecaster import Forecaster


def to_artifact(model: Forecaster) -> Artifact:
    """The last rows read are kept, so that a loaded model can go on from them."""
    tail = model.tail_
    arrays: dict[str, NDArray[Any]] = {"tail": tail.values}
    if tail.times is not None:
        arrays["tail_times"] = tail.times.astype("datetime64[ns]").astype(np.int64)
    for name, linear in (model.linears_ or {}).items():
        arrays |= {f"{name}: center": linear.center, f"{name}: weights": linear.weights}
        if linear.floors is not None:
            arrays[f"{name}: floors"] = linear.floors
    return Artifact(
        task="forecast",
        model={
            **shared.network_state(model),
            "strategy": model.strategy_,
            "season": model.season_,
            "codec": model.codec_.to_dict(),
            "counter": [tail.counter, tail.counter_start, tail.counter_step],
            "trained_rows": model.trained_rows_,
            "scale": model.scale_.tolist(),
            "scaling": model.scaling_,
            "series": _series(model),
            "known": [rows.to_dict() for rows in model.known_],
        },
        weights=model.weights_,
        arrays=arrays,
        graphs=model.graphs_,
        versions=model.versions_,
    )


def _series(model: Forecaster) -> dict[str, Any] | None:
    tail = model.tail_
    if tail.series_name is None:
        return None
    return {
        "name": tail.series_name,
        "names": list(tail.series),
        "numbered": tail.numbered,
        "bounds": tail.bounds.tolist(),
        "counts": [] if tail.counts is None else tail.counts.tolist(),
        "linears": list(model.linears_ or {}),
    }


def restore(model: Forecaster, artifact: Artifact) -> None:
    """Set all that `fit` learns. Raises KeyError, TypeError, ValueError on foreign contents."""
    saved = artifact.model
    shared.restore_network(model, artifact)
    model.runner_ = Runner(model.spec_, artifact.graphs)
    model.strategy_ = saved["strategy"]
    model.season_ = saved["season"]
    model.codec_ = SeriesCodec.from_dict(saved["codec"])
    model.lookback_ = model.codec_.lookback
    model.trained_rows_ = saved["trained_rows"]
    model.scale_ = np.array(saved["scale"])
    series = saved.get("series")  # of a model that learnt from many
    model.tail_ = _tail(saved["data"], saved["counter"], artifact.arrays, series)
    model.linears_ = None
    if series is not None:
        arrays = artifact.arrays
        model.linears_ = {
            name: Linear(
                arrays[f"{name}: center"], arrays[f"{name}: weights"], arrays.get(f"{name}: floors")
            )
            for name in series["linears"]
        }
    model.scaling_ = saved.get("scaling", model.scaling)
    known = [LearntRows(**rows) for rows in saved.get("known", [])]
    model.known_ = tuple(known) or (LearntRows.of(model.trained_rows_, model.tail_),)


def _tail(
    data: dict[str, Any],
    counter: list[Any],
    arrays: dict[str, NDArray[Any]],
    series: dict[str, Any] | None,
) -> SeriesTable:
    times = arrays.get("tail_times")
    return SeriesTable(
        values=arrays["tail"],
        targets=tuple(data["targets"]),
        features=tuple(data["features"]),
        times=None if times is None else times.astype("datetime64[ns]"),
        time_name=data["time"],
        frequency=data["frequency"],
        season=data["season"],
        bounds=np.array(series["bounds"] if series else [0, len(arrays["tail"])]),
        series=tuple(series["names"]) if series else (data["targets"][0],),
        notes=(),
        counter=counter[0],
        counter_start=counter[1],
        counter_step=counter[2],
        series_name=series["name"] if series else None,
        counts=np.array(series["counts"]) if series else None,
        numbered=bool(series and series.get("numbered")),
    )
