"""What a fitted forecaster is, in sections of printable facts, for `info` and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gatewise.data import frequency
from gatewise.tasks.beginning import engine_of, in_words

if TYPE_CHECKING:
    from gatewise.tasks.forecaster import Forecaster

DROPPING = ("input_dropout", "token_dropout", "recurrent_dropout", "embedding_dropout")


def facts(model: Forecaster) -> dict[str, dict[str, Any]]:
    """Sections in reading order; values are numbers, words or short lists."""
    return {
        "Data": _data(model),
        "Reading": _reading(model),
        "Network": {**network_facts(model), "shortcut": _shortcut(model)},
        "Training": training_facts(model),
        "Versions": dict(model.versions_),
    }


def _data(model: Forecaster) -> dict[str, Any]:
    data = model.data_
    found: dict[str, Any] = {"rows learnt from": data["rows"]}
    if "series" in data:
        found["series"] = _series(data)
    if data["first"] is not None:
        found["from, to"] = f"{data['first']}, {data['last']}"
    if data["frequency"] is not None:
        found["frequency"] = frequency.in_words(data["frequency"])
    found["season"] = f"{model.season_} steps" if model.season_ > 1 else "none"
    for name in data["targets"]:
        column = data["columns"][name]
        found[f"forecast: {name}"] = (
            f"{column['min']:.6g} to {column['max']:.6g}, "
            f"mean {column['mean']:.6g}, spread {column['std']:.6g}"
        )
    if data["features"]:
        found["read besides"] = ", ".join(data["features"])
    found["SHA-256 of the values"] = data["sha256"]
    return found


def _series(data: Mapping[str, Any]) -> str:
    """`'700, told apart by 'id', 50 rows each'`"""
    low, high = data["series_shortest"], data["series_longest"]
    rows = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{data['series_count']:,}, told apart by '{data['series']}', {rows} rows each"


def _reading(model: Forecaster) -> dict[str, Any]:
    codec = model.codec_
    found: dict[str, Any] = {
        "strategy": model.strategy_,
        "lookback": f"{codec.lookback} steps",
        "horizon": f"{model.horizon} steps",
        "scaling": model.scaling_,
        "window scaling": codec.window_scaling,
        "logarithm": "yes" if codec.logs else "no",
    }
    if codec.cycles:
        found["calendar"] = ", ".join(codec.cycles)
    if len(model.data_["targets"]) > 1:
        found["targets"] = "each by itself, one network" if codec.independent else "together"
    return found


def _shortcut(model: Forecaster) -> str:
    steps = model.spec_.shortcut
    return f"{steps} steps, solved" if steps else "none"


def network_facts(model: Any) -> dict[str, Any]:
    """Of any task: what the network is."""
    spec = model.spec_
    found: dict[str, Any] = {
        "cell": spec.cell,
        "hidden_size": spec.hidden_size,
        "num_layers": spec.num_layers,
        "bidirectional": "yes" if spec.bidirectional else "no",
        "dropout": spec.dropout,
    }
    for name in DROPPING:
        if getattr(spec, name):
            found[name] = getattr(spec, name)
    if spec.variational_dropout:
        found["variational_dropout"] = "yes"
    if spec.embedding == "tokens":
        found["embedding"] = f"{spec.vocab_size:,} tokens, size {spec.embedding_size}"
    elif spec.embedding != "none":
        found["embedding"] = f"{spec.embedding}, size {spec.embedding_size}"
    if spec.tie_embedding:
        found["tie_embedding"] = "yes"
    if spec.segment_length > 1:
        found["segment_length"] = f"{spec.segment_length} steps"
    if spec.kind == "many_to_one":
        found["pooling"] = spec.pooling
    elif spec.kind == "encoder_decoder":
        found["decoder"] = spec.decoder
    if spec.decoder == "tokens":
        found["attention"] = spec.attention
    found["weights"] = f"{model.parameters_:,}"
    return found


def training_facts(model: Any) -> dict[str, Any]:
    """Of any task: how the weights were found."""
    training, history = model.training_, model.history_
    seconds = sum(record.seconds for record in history.records)
    found = {} if model.began_ is None else {"goes on from": _began(model.began_)}
    against = ("label_smoothing", "weight_decay", "l2")
    return {
        **found,
        "engine": engine_of(model),
        "seed": model.seed,
        "loss": training.loss,
        **{name: getattr(training, name) for name in against if getattr(training, name)},
        "optimizer": f"{training.optimizer}, learning rate {training.rate:g}, {training.schedule}",
        "batch_size": training.batch_size,
        **({"precision": training.precision} if training.precision != "float32" else {}),
        "epochs": f"{len(history.records)} run, best {history.best_epoch}, "
        f"ended: {history.stopped}",
        "time": f"{seconds:.1f} s",
    }


def _began(facts: Mapping[str, Any]) -> str:
    return f"{in_words(facts)} (data {facts['sha256'][:12]}); the optimizer {facts['optimizer']}"
