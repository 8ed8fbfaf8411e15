"""The benches run, at tiny sizes, so that they do not rot."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import gatewise as gw

BENCH = Path(__file__).resolve().parents[1] / "bench"
TINY = {
    "network": gw.Network(hidden_size=4, shortcut=0),
    "training": gw.Training(epochs=1),
    "retrain": False,
}


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    yield
    for path in BENCH.glob("*.py"):  # names as plain as `tables` must not stay importable
        sys.modules.pop(path.stem, None)


def test_linear_autoregression_is_scikit_learns():
    import noisy_sine

    series, _ = noisy_sine.sine(0)
    y = series.values[:, 0]
    x = np.stack([y[i : i + 20] for i in range(len(y) - 20)])
    model = LinearRegression().fit(x[:1000], y[20:1020])
    linear, last = noisy_sine.linear_mse(y, 1000, 20)
    assert linear == pytest.approx(np.mean((model.predict(x[1000:]) - y[1020:]) ** 2))
    assert last == pytest.approx(np.mean(np.diff(y)[1019:] ** 2))
    assert 0.01 < linear < last / 1.5


def test_sine_is_judged_against_what_it_should_be():
    import noisy_sine

    series, clean = noisy_sine.sine(1, points=240)
    assert np.std(series.values[:, 0] - clean) == pytest.approx(0.1, rel=0.2)
    error = noisy_sine.next_step_mse(series, 200, 20, seed=0, **TINY)
    assert 0.005 < error < 2
    errors = noisy_sine.fed_back_mse(series, clean, 200, 20, 30, (200, 210), seed=0, **TINY)
    assert len(errors) == 2
    assert np.all(np.isfinite(errors))


def test_plain_loop_and_engine_are_the_same_network_and_take_their_turns():
    import training_speed

    seconds, threads = training_speed.compare(4, 8, 5, 24, rounds=2)
    assert threads == 1
    assert set(seconds) == {"ours", "plain", "plain, threads as ours"}
    assert all(len(taken) == 2 and min(taken) > 0 for taken in seconds.values())


def test_another_network_is_not_compared():
    import torch
    import training_speed

    windows = training_speed.series_windows(5, 24)
    engine, _ = training_speed.ours(4, 8)
    plain = training_speed.plain_like(engine)
    x, y = training_speed.whole(windows)
    training_speed.check_same(engine, windows, plain, x, y)
    with torch.no_grad():
        plain.head.bias += 0.1
    with pytest.raises(SystemExit, match="not the same network"):
        training_speed.check_same(engine, windows, plain, x, y)


def test_threads_are_taken_as_given():
    import threads

    seconds = threads.seconds_per_step(4, 4, 5, (1, 2), rounds=1)
    assert set(seconds) == {"1", "2"}


def test_ways_take_turns_in_turned_order_and_ratios_are_taken_within_a_round():
    import side_by_side

    ran: list[str] = []
    ways = {"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}
    side_by_side.in_turns(ways, 3, warm_up=0)
    assert "".join(ran) == "abbaab"
    seconds = {"a": [1.0, 20.0, 3.0], "b": [2.0, 10.0, 3.0]}
    assert side_by_side.ratio(seconds, "a", "b") == (1.0, 0.75, 1.5)


def test_peak_memory_is_that_of_the_process(tmp_path):
    import million_rows

    large = "b = bytearray(300_000_000)\nfor i in range(0, len(b), 4096): b[i] = 1"
    ran = million_rows.run([sys.executable, "-c", large])
    assert 300e6 < ran.peak < 350e6
    with pytest.raises(SystemExit, match="exit code 3"):
        million_rows.run([sys.executable, "-c", "raise SystemExit(3)"])


def test_rows_of_any_number_go_the_whole_way_from_csv():
    import million_rows

    ran = million_rows.from_csv(400, 24, 64, 3)
    assert '"MASE"' in ran.output
    assert ran.peak > 50e6


def test_commands_of_the_start_are_there():
    import startup

    commands = startup.commands()
    assert set(startup.BARS) < set(commands)
    startup.run(commands["python -c pass"])


def test_airline_passengers_are_scored_beside_baselines():
    import airline

    scores = airline.judge(0, **TINY)
    assert scores["seasonal naive"]["MASE"] > 1
    assert {"network", "naive", "drift", "linear"} < set(scores)


def test_tables_line_up(capsys):
    import tables

    tables.print_table(("way", "MSE"), [("a", 1.5), ("longer", "0.25")])
    assert capsys.readouterr().out.splitlines()[:4] == [
        "| way    |  MSE |",
        "| ------ | ---: |",
        "| a      |  1.5 |",
        "| longer | 0.25 |",
    ]
    assert tables.mean_and_spread([1.0, 3.0], 1) == "2.0 ± 1.0"
    assert "cores" in tables.machine()


def test_what_regularises_is_priced_and_shown(monkeypatch, capsys):
    import regularisation

    monkeypatch.setattr(regularisation, "BATCHES", 1)
    monkeypatch.setattr(regularisation, "STEPS", 3)
    for cell in ("lstm", "gru"):
        seconds = regularisation.price("torch", cell, 1)
        assert set(seconds) == {*regularisation.WAYS, regularisation.BY_HAND}
    monkeypatch.setattr(regularisation, "LEARNT", 10)
    monkeypatch.setattr(regularisation, "JUDGED", 10)
    regularisation.tell_effect(1, 1)
    told = capsys.readouterr().out
    assert all(f"| {name} " in told for name in regularisation.DROPPING)
    # of all that could follow, the source's own choice costs least
    symbols, least = regularisation.source_of(200, 3)
    counts = np.bincount(symbols.ravel())[regularisation.FIRST :]
    shares = counts / counts.sum()
    assert 0 < least < -(shares * np.log(np.where(shares > 0, shares, 1))).sum() < np.log(40)


def test_a_section_that_was_not_measured_stays(tmp_path):
    import run

    page, day = tmp_path / "docs" / "page.md", datetime.date(2025, 1, 2)
    run.write(page, {"startup": run.section("startup", "fast\n", "here", day)})
    run.write(page, {"etth1": run.section("etth1", "## 0.3\n", "there", day)})
    run.write(page, {"startup": run.section("startup", "faster\n", "here", day)})
    text = page.read_text(encoding="utf-8")
    assert text.index("# What") < text.index("## ETTh1") < text.index("## Start")
    assert "there" in text
    assert "faster" in text
    assert "fast\n" not in text.replace("faster", "")


def test_every_bench_has_its_section():
    import run

    programs = {path.stem for path in BENCH.glob("*.py") if "def main" in path.read_text("utf-8")}
    assert programs - {"run"} == set(run.TITLES)


def test_a_found_rate_is_set_beside_those_of_a_grid(monkeypatch):
    import rates

    monkeypatch.setattr(rates, "GRID", (1e-3, 1e-2))
    _, make, draw = rates.PROBLEMS["odd digits"]
    suggested, best, share = rates.compare((1, make, draw), 0)
    assert best in rates.GRID
    assert suggested > 0
    assert 0 < share < 10
    _, make, draw = rates.PROBLEMS["sine, rnn"]
    assert rates.lowest_loss(make(0), draw(0), 1e-2, 1) < 1.5


def test_precisions_are_timed_on_the_same_batches(monkeypatch):
    import precision

    monkeypatch.setitem(precision.CASES, "tiny", lambda: precision.windows(4, 2, 5))
    losses = [precision.epochs("tiny", way)[0]() for way in ("float32", "bfloat16")]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    for case in precision.CASES.values():
        spec, source, batch = case()
        assert len(source.order(batch, seed=0, epoch=0)) == precision.BATCHES
        assert spec.hidden_size >= 4


def test_the_drawn_part_of_the_grid_is_even():
    import tuning

    whole = set(tuning.drawn(243, tuning.GRID))
    assert len(whole) == 243
    for count in (27, 9):
        part = tuning.drawn(count, tuning.GRID)
        assert len(set(part)) == count
        assert set(part) <= whole
        for place, values in enumerate(tuning.GRID.values()):
            counts = [sum(point[place] == value for point in part) for value in values]
            assert counts == [count // 3] * 3


def test_grid_and_loop_judge_the_same_rows():
    pytest.importorskip("optuna")
    import tuning

    grid = {"hidden_size": [2], "num_layers": [1], "dropout": [0.1], "learning_rate": [1e-2]}
    found = tuning.ours("none", 1, {**grid, "batch_size": [64]}, epochs=1)
    assert len(found["result"].evaluation.tuned.origins) == 180
    assert 0.005 < found["mse"] < 2
    seconds, error = tuning.by_hand([(2, 1, 0.1, 1e-2, 64)], epochs=1)
    assert seconds > 0
    assert 0.005 < error < 2
