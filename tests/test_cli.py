"""The command line: what it answers and what it leaves behind."""

from __future__ import annotations

import csv
import inspect
import json
import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from shop import ROWS, SMALL, forecast, months, sales, write_csv

import gatewise
from gatewise.cli import forecast_parts, forecast_run, main
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.options import field_help, job, panels, read_config
from gatewise.cli.verbs import to_yaml
from gatewise.engine import DEVICES, ENGINES
from gatewise.errors import SpecError, UsageError
from gatewise.spec import Network


def test_forecast_leaves_model_report_predictions_and_metrics(here, capsys):
    assert forecast("shop.csv", "--target", "sales", "--horizon", "6", *SMALL) == 0
    out = here / "shop-forecast"
    names = {path.name for path in out.iterdir()}
    assert names == {"model", "report.html", "predictions.csv", "metrics.json", "run.jsonl"}
    with (out / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["month", "sales"]
    assert [row[0][:7] for row in rows[1:]] == [f"1996-{m:02d}" for m in range(1, 7)]
    assert all(math.isfinite(float(row[1])) for row in rows[1:])
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["rows"] == ROWS
    assert metrics["evaluation"]["train_rows"] == ROWS - metrics["settings"]["test"]
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")[:500]
    captured = capsys.readouterr()
    for word in ("network", "seasonal naive", "naive", "drift", "linear", "MASE"):
        assert word in captured.out
    assert metrics["evaluation"]["verdict"] in captured.out
    for name in names:
        assert str(Path("shop-forecast") / name) in captured.out
    assert "epoch 1/2" in captured.err
    assert "trained 2 epochs in" in captured.err
    assert list(here.glob(".*")) == []


def test_what_was_noticed_is_said_and_kept(here, capsys):
    rows = list(zip(months(ROWS), sales(ROWS), strict=True))
    rows[10], rows[11] = rows[11], rows[10]
    time_column, values = zip(*rows, strict=True)
    write_csv(here / "mixed.csv", {"month": time_column, "sales": values})
    assert forecast("mixed.csv", "--target", "sales", "--horizon", "6", "--sort", *SMALL) == 0
    metrics = json.loads((here / "mixed-forecast/metrics.json").read_text())
    said = capsys.readouterr().out
    assert any("sort" in note for note in metrics["notes"])
    for note in metrics["notes"]:
        assert f"note: {note}" in said


def test_json_is_one_object_on_stdout_without_nan(here, capsys):
    write_csv(here / "two.csv", {"month": months(ROWS), "a": sales(ROWS), "b": sales(ROWS)[::-1]})
    words = ["two.csv", "--target", "a,b", "--horizon", "6", "--json", "--out", "o", *SMALL]
    assert forecast(*words) == 0
    captured = capsys.readouterr()
    answer = json.loads(captured.out, parse_constant=pytest.fail)  # NaN is no JSON
    assert answer["targets"] == ["a", "b"]
    assert answer["evaluation"]["scores"]["network"]["MAE"] is None  # units do not mix
    assert answer["evaluation"]["scores_by_target"]["b"]["network"]["MAE"] > 0
    saved = json.loads((here / "o/metrics.json").read_text(), parse_constant=pytest.fail)
    assert saved == {key: value for key, value in answer.items() if key != "out"}
    assert Path(answer["out"]["model"]).is_dir()
    assert "MASE" in captured.err


def test_quiet_says_only_what_came_out(trained, capsys):
    out = trained / "quiet"
    words = [str(trained / "shop.csv"), "--horizon", "6", "--out", str(out), "--quiet", *SMALL]
    assert forecast(*words) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "MASE" in captured.out
    assert "note:" not in captured.out
    assert forecast(*words, "--json") == 0
    assert capsys.readouterr().err == ""


def test_the_settings_of_a_run_give_the_same_run(trained, tmp_path):
    first = json.loads((trained / "out/metrics.json").read_text())
    config = tmp_path / "again.yaml"
    config.write_text(to_yaml(ForecastOptions, first["settings"]), encoding="utf-8")
    out = tmp_path / "again"
    words = [str(trained / "shop.csv"), "--config", str(config), "--out", str(out), "--quiet"]
    assert forecast(*words) == 0
    second = json.loads((out / "metrics.json").read_text())
    assert second["evaluation"] == first["evaluation"]
    assert second["settings"] == first["settings"]
    assert (out / "predictions.csv").read_bytes() == (trained / "out/predictions.csv").read_bytes()


def test_the_metrics_of_a_run_are_a_config_file(trained, tmp_path):
    metrics = trained / "out/metrics.json"
    settings = json.loads(metrics.read_text())["settings"]
    config = tmp_path / "again.yaml"
    config.write_text(to_yaml(ForecastOptions, settings), encoding="utf-8")
    assert job(ForecastOptions, {}, str(metrics)) == job(ForecastOptions, {}, str(config))
    config.write_text(yaml.safe_dump({"gatewise": "1", "settings": settings}), encoding="utf-8")
    assert job(ForecastOptions, {}, str(metrics)) == job(ForecastOptions, {}, str(config))


def test_test_rows_and_folds_by_themselves_and_as_given():
    def split(rows, **options):
        return forecast_parts.split_rows(rows, forecast_parts.ForecastOptions(**options))

    assert split(144, horizon=12) == (24, 2)  # a fifth is 28; whole horizons
    assert split(1000, horizon=10) == (200, 4)
    assert split(40, horizon=12) == (12, 1)  # never less than one horizon
    assert split(144, horizon=12, test=30, folds=7) == (30, 7)


# --- saved models -------------------------------------------------------------------------------


def test_predict_gives_what_forecast_gave(trained, capsys):
    model, data = str(trained / "out/model"), str(trained / "shop.csv")
    expected = (trained / "out/predictions.csv").read_text()
    assert main(["predict", model, data]) == 0
    assert capsys.readouterr().out == expected
    assert main(["predict", model, data, "--out", str(trained / "next.csv")]) == 0
    captured = capsys.readouterr()
    assert (captured.out, (trained / "next.csv").read_text()) == ("", expected)
    assert main(["predict", model, data, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["sales"] == [float(line.split(",")[1]) for line in expected.splitlines()[1:]]


def test_predict_never_writes_over_its_data(trained, capsys):
    data = trained / "shop.csv"
    before = data.read_bytes()
    words = ["predict", str(trained / "out/model"), str(data)]
    assert main([*words, "--out", str(data)]) == 2
    assert "is DATA itself" in capsys.readouterr().err
    assert main([*words, "--out", str(trained)]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert data.read_bytes() == before


def test_saved_models_take_the_repairs_too(trained, capsys):
    rows = (trained / "shop.csv").read_text().splitlines()
    rows[5], rows[6] = rows[6], rows[5]
    mixed = trained / "mixed.csv"
    mixed.write_text("\n".join(rows) + "\n")
    for verb in ("predict", "evaluate"):
        assert main([verb, str(trained / "out/model"), str(mixed)]) == 2
        assert "--sort" in capsys.readouterr().err
        assert main([verb, str(trained / "out/model"), str(mixed), "--sort"]) == 0
        sorted_answer = capsys.readouterr().out.replace("mixed", "shop")
        assert main([verb, str(trained / "out/model"), str(trained / "shop.csv")]) == 0
        assert capsys.readouterr().out == sorted_answer


def test_evaluate_needs_rows_that_training_did_not_see(trained, capsys):
    rows = (trained / "shop.csv").read_text().splitlines()[:40]
    (trained / "old.csv").write_text("\n".join(rows) + "\n")
    assert main(["evaluate", str(trained / "out/model"), str(trained / "old.csv")]) == 2
    assert "rows" in capsys.readouterr().err


def test_predict_needs_its_columns(trained, capsys):
    (trained / "other.csv").write_text("month,sale\n1990-01,3\n1990-02,4\n")
    assert main(["predict", str(trained / "out/model"), str(trained / "other.csv")]) == 2
    assert "did you mean 'sale'?" in capsys.readouterr().err


def test_evaluate_gives_the_scores_of_the_run(trained, capsys):
    expected = json.loads((trained / "out/metrics.json").read_text())["evaluation"]
    words = ["evaluate", str(trained / "out/model"), str(trained / "shop.csv")]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == expected
    assert main(words) == 0
    assert expected["verdict"] in capsys.readouterr().out


def test_info_shows_what_was_chosen(trained, capsys):
    assert main(["info", str(trained / "out/model")]) == 0
    text = capsys.readouterr().out
    for word in ("hidden_size", "lstm", "sales", "direct", "12"):
        assert word in text
    assert main(["info", str(trained / "out/model"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    model = gatewise.load(trained / "out/model")
    assert told["task"] == "forecast"
    assert told["parameters"] == model.parameters_
    assert told["network"] == model.spec_.model_dump()
    assert told["training"] == model.training_.model_dump()
    assert told["lookback"] == model.lookback_
    assert told["history"]["epochs"] == len(model.history_.records)
    assert told["data"]["columns"]["sales"]["mean"] == pytest.approx(np.mean(sales(ROWS)), rel=0.2)


# --- flags and configuration --------------------------------------------------------------------


def test_every_field_is_a_flag_with_help(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["forecast", "--help"]) == 0
    shown = capsys.readouterr().out
    for model in panels(ForecastOptions).values():
        for name in model.model_fields:
            hidden = name in ForecastOptions.meaningless
            assert (f"--{name.replace('_', '-')} " in shown) != hidden
            assert field_help(model)[name].strip()


@pytest.mark.parametrize("width", ["80", "120"])
@pytest.mark.parametrize("verb", ["forecast", "predict", "evaluate", "info"])
def test_help_cuts_no_name_short(verb, width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", width)
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert f"  gatewise {verb} " in shown
    assert max(map(len, shown.splitlines())) <= int(width)


def test_choices_of_engine_and_device_are_those_there_are():
    from gatewise.cli.options import Kind

    kinds = {name: Kind.of(f.annotation) for name, f in ForecastOptions.model_fields.items()}
    assert set(kinds["engine"].choices) == set(ENGINES)
    assert set(kinds["device"].choices) == set(DEVICES)


def test_every_argument_of_the_python_class_is_a_flag():
    from gatewise.tasks.shared import parameter_names

    arguments = set(parameter_names(forecast_run.Forecaster))
    assert arguments - {"verbose", "network", "training"} == set(forecast_run.PARAMETERS)
    defaults = inspect.signature(forecast_run.Forecaster).parameters
    options = forecast_run.ForecastOptions(horizon=1)
    for name in set(forecast_run.PARAMETERS) - {"horizon"}:
        assert getattr(options, name) == defaults[name].default


def test_only_what_was_given_is_chosen():
    wanted = job(
        ForecastOptions,
        {"horizon": "3", "hidden_size": "8", "clip_norm": "none", "patience": "5"},
        None,
    )
    assert wanted.network == Network(hidden_size=8)
    assert wanted.network.chosen() == {"hidden_size": 8}
    assert wanted.training.chosen() == {"clip_norm": None, "patience": 5}
    assert wanted.options.chosen() == {"horizon": 3}


CONFIG = """
target: sales
horizon: 6
learning-rate: 1e-2
time: null
scaling: none
network: {cell: gru, bidirectional: true}
training:
  epochs: 3
  patience: null
"""


def test_a_config_file_flat_and_in_sections_and_flags_over_it(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    wanted = job(ForecastOptions, {"epochs": "7", "bidirectional": False}, str(path))
    assert wanted.network.chosen() == {"cell": "gru", "bidirectional": False}
    assert wanted.training.chosen() == {"epochs": 7, "learning_rate": 0.01, "patience": None}
    assert wanted.options.target == ("sales",)
    assert (wanted.options.time, wanted.options.scaling) == (None, "none")


def test_negative_flags_reach_the_settings(here, monkeypatch):
    seen = []
    monkeypatch.setattr(forecast_run, "read", lambda source, options: seen.append(options) or 1 / 0)
    main(["forecast", "shop.csv", "--horizon", "6", "--calendar"])
    main(["forecast", "shop.csv", "--horizon", "6", "--no-calendar", "--target", "a", "--target=b"])
    assert [options.chosen().get("calendar") for options in seen] == [True, False]
    assert seen[1].target == ("a", "b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch: 3", "unknown key 'epoch'; did you mean 'epochs'?"),
        ("network: {hiden_size: 3}", "unknown key 'network:hiden_size'; did you mean 'hidden_size"),
        ("training: {hidden_size: 3}", "unknown key 'training:hidden_size'"),
        ("epochs: 3\ntraining: {epochs: 4}", "'epochs' is given twice"),
        ("training: 3", "'training:' in the --config file must hold"),
        ("gatewise: 1\nsettings: 3", "must hold 'key: value' lines"),
        ("- a\n- b", "must hold 'key: value' lines"),
        ("a: [", "is not a YAML file"),
        ("!!python/object/apply:os.system ['true']", "is not a YAML file"),
    ],
)
def test_a_wrong_config_file_is_refused(text, words, tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_config(path, ForecastOptions)
    assert words in str(caught.value)


def test_an_empty_config_file_says_nothing(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("# nothing yet\n", encoding="utf-8")
    assert read_config(path, ForecastOptions) == {}


def test_all_wrong_values_in_one_message():
    with pytest.raises(SpecError) as caught:
        job(
            ForecastOptions,
            {"horizon": "0", "cell": "ltsm", "epochs": "many", "dropout": "2"},
            None,
        )
    message = str(caught.value)
    for words in ("horizon should be", "did you mean 'lstm'?", "epochs should be", "dropout"):
        assert words in message


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["forcast"], "did you mean 'forecast'?"),
        (["bake", "cake"], "(verbs: forecast, classify, "),
        (["--versoin"], "--version"),
        (["predict"], "Missing argument 'MODEL'"),
        (["forecast"], "Missing argument 'DATA'"),
        (["forecast", "--horizon"], "--horizon"),
    ],
)
def test_wrong_usage(words, expected, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert expected in captured.err
    assert "--help" in captured.err
    assert captured.out == ""


def test_bare_command_shows_help(capsys):
    assert main([]) == 0
    assert "forecast" in capsys.readouterr().out


def test_settings_are_yaml_that_reads_back(tmp_path):
    settings = {"target": ["a: b", "销量"], "horizon": 3, "network": {"segment_length": None}}
    path = tmp_path / "c.yaml"
    path.write_text(to_yaml(ForecastOptions, settings), encoding="utf-8")
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == settings
    assert read_config(path, ForecastOptions) == {
        "target": ["a: b", "销量"],
        "horizon": 3,
        "segment_length": None,
    }
