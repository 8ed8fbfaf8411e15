"""Forecasters of three libraries behind one question, asked by `peers.py` line by line.

    python bench/forecasters.py gatewise|darts|neuralforecast

Runs in the environment that holds the library. Each line of stdin is a question, JSON: a file with
a series, a model, sizes (null: its defaults), a seed, a file for the forecasts. Each line of the
answer: processor seconds to train and to predict, and the peak of the process in MB. A model is
trained once, on the rows before the first origin, and forecasts from every origin with the rows
before it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}
Forecast = Callable[[], np.ndarray]  # -> (origins, horizon)


class Task:
    """A series and what is asked of it.

    frame    time, y
    rows     learnt from
    origins  first forecast row of each window
    lookback, horizon, sizes  sizes: hidden_size, epochs, batch_size, learning_rate; None: defaults
    """

    def __init__(self, asked: dict[str, Any]) -> None:
        task = json.loads(Path(asked["series"]).read_text(encoding="utf-8"))
        times = pd.date_range(task["begin"], periods=len(task["y"]), freq=task["every"])
        self.frame = pd.DataFrame({"time": times, "y": task["y"]})
        self.every = task["every"]
        self.rows, self.origins = task["rows"], task["origins"]
        self.lookback, self.horizon = task["lookback"], task["horizon"]
        self.model, self.sizes, self.seed = asked["model"], asked["sizes"], asked["seed"]


def gatewise(task: Task) -> Forecast:
    import gatewise as gw

    sizes: dict[str, Any] = {}
    if own := task.sizes:
        network = gw.Network(hidden_size=own["hidden_size"], num_layers=1, dropout=0, shortcut=0)
        training = gw.Training(
            epochs=own["epochs"],
            batch_size=own["batch_size"],
            learning_rate=own["learning_rate"],
            schedule="constant",
            patience=None,
            loss="mse",
        )
        sizes = {
            "lookback": task.lookback,
            "strategy": "direct",
            "validation": task.horizon,  # rows, the fewest that there can be
            "network": network,
            "training": training,
        }
    model = gw.Forecaster(task.horizon, seed=task.seed, verbose=0, **sizes)
    model.fit(task.frame.iloc[: task.rows], target="y", time="time")
    return lambda: np.stack(
        [model.predict(task.frame.iloc[:origin])["y"].to_numpy() for origin in task.origins]
    )


def darts(task: Task) -> Forecast:
    from darts import TimeSeries
    from darts.dataprocessing.transformers import Scaler
    from darts.models import BlockRNNModel, RNNModel

    whole = TimeSeries.from_dataframe(task.frame, "time", "y", freq=task.every).astype(np.float32)
    scaler = Scaler(global_fit=True)  # one for all windows
    learnt = scaler.fit_transform(whole[: task.rows])
    options: dict[str, Any] = {"model": "LSTM", "random_state": task.seed}
    options["pl_trainer_kwargs"] = QUIET
    if own := task.sizes:
        options |= {"hidden_dim": own["hidden_size"], "n_rnn_layers": 1, "n_epochs": own["epochs"]}
        options["batch_size"] = own["batch_size"]
        options["optimizer_kwargs"] = {"lr": own["learning_rate"]}
    if task.model == "RNNModel":
        length = task.lookback + task.horizon  # it must be longer than what is read
        model = RNNModel(input_chunk_length=task.lookback, training_length=length, **options)
    else:
        model = BlockRNNModel(task.lookback, task.horizon, **options)
    model.fit(learnt, verbose=False)

    def forecast() -> np.ndarray:
        past = [scaler.transform(whole[:origin]) for origin in task.origins]
        told = model.predict(task.horizon, series=past, verbose=False)
        return np.stack([one.values()[:, 0] for one in scaler.inverse_transform(told)])

    return forecast


def neuralforecast(task: Task) -> Forecast:
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MSE
    from neuralforecast.models import LSTM

    frame = task.frame.rename(columns={"time": "ds"})
    options: dict[str, Any] = {"random_seed": task.seed, "logger": False, **QUIET}
    options["enable_checkpointing"] = False
    if own := task.sizes:
        windows = task.rows - task.lookback - task.horizon + 1
        options |= {
            "input_size": task.lookback,
            "encoder_hidden_size": own["hidden_size"],
            "encoder_n_layers": 1,
            "decoder_hidden_size": own["hidden_size"],
            "decoder_layers": 1,
            "max_steps": own["epochs"] * -(-windows // own["batch_size"]),
            "windows_batch_size": own["batch_size"],
            "learning_rate": own["learning_rate"],
            "loss": MSE(),
        }
    several = NeuralForecast([LSTM(h=task.horizon, **options)], freq=task.every)
    several.fit(frame.iloc[: task.rows].assign(unique_id="series"))
    kept = several.models[0].input_size

    def forecast() -> np.ndarray:
        """Every window as a series of its own, which its single call takes."""
        past = [
            frame.iloc[max(0, origin - 4 * kept) : origin].assign(unique_id=f"{number:05d}")
            for number, origin in enumerate(task.origins)
        ]
        told = several.predict(pd.concat(past, ignore_index=True)).sort_values(["unique_id", "ds"])
        return told["LSTM"].to_numpy().reshape(len(task.origins), task.horizon)

    return forecast


LIBRARIES: dict[str, Callable[[Task], Forecast]] = {
    "gatewise": gatewise,
    "darts": darts,
    "neuralforecast": neuralforecast,
}


def peak() -> float:
    """Of this process, in MB: what the system counted since it began."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


def serve(library: str) -> None:
    """Answer until there are no more questions. Libraries print what they like to stderr."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            asked = json.loads(line)
            task = Task(asked)
            began = time.process_time()
            forecast = LIBRARIES[library](task)
            trained = time.process_time()
            told = forecast()
            ended = time.process_time()
            np.save(asked["forecasts"], told)
            answer = {"train": trained - began, "predict": ended - trained, "peak": peak()}
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "pytorch_lightning", "darts", "neuralforecast"):
        logging.getLogger(name).setLevel(logging.ERROR)
    serve(sys.argv[1])
