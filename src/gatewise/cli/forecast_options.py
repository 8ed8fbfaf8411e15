"""The options of `gatewise forecast`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from gatewise.cli.options import Options


class ForecastOptions(Options):
    """What `gatewise forecast` takes besides the network and its training.

    target            column to forecast, several: a,b; None: the only column of numbers
    horizon           K, steps to forecast; needless with --start
    time              column of times; None: found if there is one
    series            column that names the series of each row; None: all rows are of one
    features          further columns to learn from: a,b or all
    sort              sort the rows by time
    fill              what to put where a value or a time is missing
    duplicates        which row to keep where a time comes twice
    lookback          steps the network sees; None: chosen from the data
    strategy          how K steps come about
    scaling           of each column, learnt on the training rows alone
    window_scaling    of each window by its own values
    transform         whether the logarithm of the forecast columns is learnt
    calendar          learn from month, weekday, hour of each time
    channel_independent  one network for each column by itself; None: chosen from the data
    validation        of the other rows, share (below 1) or number at the end that decides when to
                      stop training
    retrain           then train anew on all but the test rows; None: where it is cheap
    test              last rows (of each series), kept from training, to be judged on; None: about
                      a fifth, or a fifth of the series where these are short
    refit             after judging, train anew on all rows, the test rows too, and ship that model
    folds             forecasts in a row that end with the data, K steps each; None: chosen
    start             folder of a saved forecaster to go on from, trained on any engine
    engine            what trains the network
    device            where it trains
    seed              the same seed gives the same numbers
    out               folder for model, report, predictions; None: DATA's name and -forecast
    """

    verb: ClassVar[str] = "forecast"
    meaningless: ClassVar[frozenset[str]] = frozenset(
        {"attention", "tie_embedding", "token_dropout", "embedding_dropout", "label_smoothing"}
    )

    target: tuple[str, ...] | None = Field(default=None, min_length=1)
    horizon: int = Field(ge=1)
    time: str | None = None
    series: str | None = None
    features: tuple[str, ...] | None = None
    sort: bool = False
    fill: Literal["interpolate", "forward", "zero"] | None = None
    duplicates: Literal["first", "last", "mean"] | None = None
    lookback: int | None = Field(default=None, ge=1)
    strategy: Literal["auto", "direct", "recursive", "encoder_decoder", "by_position"] = "auto"
    scaling: Literal["standard", "minmax", "robust", "none"] = "standard"
    window_scaling: Literal["auto", "none", "last", "mean_std"] = "auto"
    transform: Literal["auto", "none", "log"] = "auto"
    calendar: bool = False
    channel_independent: bool | None = None
    validation: int | float = Field(default=0.2, gt=0)
    retrain: bool | None = None
    test: int | None = Field(default=None, ge=1)
    refit: bool = False
    folds: int | None = Field(default=None, ge=1)
    start: str | None = None
    engine: Literal["torch", "tensorflow", "jax"] = "torch"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(default=0, ge=0)
    out: str | None = None

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """A model to go on from knows its horizon."""
        if given.get("start") is None or given.get("horizon") is not None:
            return given
        from gatewise.tasks.beginning import fitted
        from gatewise.tasks.forecaster import Forecaster

        return {**given, "horizon": fitted(Forecaster(1), str(given["start"])).horizon}
