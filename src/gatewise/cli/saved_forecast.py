"""What `gatewise predict` and `evaluate` do with a saved forecaster."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatewise import outputs
from gatewise.cli import show
from gatewise.cli.answers import check_not_data, tell_frame
from gatewise.data.frames import read_table
from gatewise.data.table import SeriesTable, read_series
from gatewise.tasks.forecaster import Forecaster

# flags of these two verbs that a forecaster takes
PREDICT = ("sort", "fill", "duplicates")
EVALUATE = PREDICT


def predict(
    saved: Forecaster, data: str, *, out: str | None, as_json: bool, flags: Mapping[str, Any]
) -> None:
    """The steps after the last row of DATA."""
    series = read_like(saved, data, **flags)
    check_not_data(out, data)
    tell_frame(saved.predict(series), measured=series.targets, out=out, as_json=as_json)


def evaluate(saved: Forecaster, data: str, *, as_json: bool, flags: Mapping[str, Any]) -> None:
    """Scores on the rows of DATA after those of the training."""
    evaluation = saved.evaluate(read_like(saved, data, **flags))
    if as_json:
        sys.stdout.write(outputs.to_json(evaluation.to_dict()) + "\n")
    else:
        show.scores(show.open_console(), f"{Path(data).name} after the training", evaluation)


def read_like(saved: Forecaster, data: str, **repairs: Any) -> SeriesTable:
    """The columns of the file that the model learnt from."""
    return read_series(
        read_table(data),
        target=list(saved.tail_.targets),
        time=saved.tail_.time_name or (saved.tail_.series_name and saved.tail_.counter),
        features=list(saved.tail_.features),
        series=saved.tail_.series_name,
        name=Path(data).name,
        **repairs,
    )
