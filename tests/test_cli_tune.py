"""`gatewise tune`: the folder that it leaves, what it says, and how it goes on."""

from __future__ import annotations

import html
import json

import pandas as pd
import pytest
from pages import Parsed
from shop import TARGET, open_shop

from gatewise.cli import main

pytest.importorskip("torch")
pytest.importorskip("optuna")

import gatewise as gw
from gatewise.tuning import progress

FAST = ["--epochs", "3", "--lookback", "12", "--strategy", "direct"]
GRID = "hidden_size: [2, 4, 6]\nlearning_rate: [1e-3, 1e-2]\n"


def tune(*words):
    return main(["tune", *words])


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A folder with `shop.csv`, `space.yaml` and the finished study `out`."""
    folder = tmp_path_factory.mktemp("shop")
    open_shop(folder)
    (folder / "space.yaml").write_text(GRID)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        code = tune("forecast", "shop.csv", *TARGET, *FAST, *OWN, "--out", "out", "--quiet")
    assert code == 0
    return folder


OWN = ["--search", "grid", "--space", "space.yaml"]


@pytest.fixture
def there(tuned, monkeypatch):
    monkeypatch.chdir(tuned)
    return tuned


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_what_a_study_leaves(there):
    left = {entry.name for entry in (there / "out").iterdir()}
    assert left >= {"study.db", "report.html", "winner.html", "metrics.json", "trials.csv"}
    assert left >= {"model", "predictions.csv"}
    assert not {name for name in left if name.startswith(".") or name.endswith(("-wal", "-shm"))}
    told = metrics(there / "out")
    trials = pd.read_csv(there / "out" / "trials.csv")
    assert len(trials) == 6
    assert sorted(zip(trials.hidden_size, trials.learning_rate, strict=True)) == [
        (size, rate) for size in (2, 4, 6) for rate in (1e-3, 1e-2)
    ]
    best = trials.loc[trials.value.idxmin()]
    assert told["tuning"]["best_validation_loss"] == pytest.approx(best.value)
    assert told["tuning"]["best_params"] == {
        "network__hidden_size": best.hidden_size,
        "training__learning_rate": best.learning_rate,
    }
    assert {"network", "defaults", "naive"} <= set(told["evaluation"]["scores"])
    model = gw.load(there / "out" / "model")
    assert model.network_.hidden_size == best.hidden_size
    assert model.training_.learning_rate == best.learning_rate


def test_scores_are_those_of_the_models_on_the_test_rows_alone(there):
    told = metrics(there / "out")
    rows = 72 - told["settings"]["test"]
    assert told["evaluation"]["first_origin"] == rows  # nothing before was judged
    frame = pd.read_csv("shop.csv")
    given = {"horizon": 6, "lookback": 12, "strategy": "direct", "verbose": 0}
    plain = gw.Forecaster(**given, training=gw.Training(epochs=3))
    found = plain.fit(frame.iloc[:rows], target="sales").evaluate(frame)
    expected = found.scores()["network"]["MASE"]
    assert told["evaluation"]["scores"]["defaults"]["MASE"] == pytest.approx(expected)


def test_the_winner_is_trained_again_by_its_settings(there, capsys):
    code = main(
        ["forecast", "shop.csv", "--config", "out/metrics.json", "--out", "again", "--json"]
    )
    assert code == 0
    again = json.loads(capsys.readouterr().out)
    own = metrics(there / "out")["evaluation"]["scores"]["network"]
    assert again["evaluation"]["scores"]["network"] == pytest.approx(own)


def test_the_page_says_all_and_asks_for_nothing(there):
    page = (there / "out" / "report.html").read_text(encoding="utf-8")
    parsed = Parsed(page)
    assert "default-src 'none'" in html.unescape(page)
    assert not [tag for tag, _ in parsed.elements if tag in {"script", "img", "iframe"}]
    assert parsed.sections == [
        "scores",
        "winner",
        "history",
        "importances",
        "parallel",
        "slices",
        "trials",
        "notes",
        "reproduce",
    ]
    assert metrics(there / "out")["evaluation"]["verdict"] in parsed.text
    assert "6 complete trials are too few to tell which settings matter" in parsed.text
    trials = parsed.table("trial")
    assert len(trials) == 6
    losses = [float(row[1]) for row in trials]
    assert losses == sorted(losses)


def test_a_study_is_in_the_way_and_a_finished_one_is_told_again(there, capsys):
    words = ["forecast", "shop.csv", *TARGET, *FAST, *OWN, "--out", "out", "--quiet"]
    before = metrics(there / "out")["evaluation"]
    assert tune(*words) == 2
    assert "--resume goes on with it" in capsys.readouterr().err
    assert tune(*words, "--resume") == 0
    assert metrics(there / "out")["evaluation"] == before
    assert "defaults" in capsys.readouterr().out


def test_another_folder_of_results_is_not_overwritten(there, capsys):
    (there / "mine").mkdir(exist_ok=True)
    (there / "mine" / "letter.txt").write_text("dear")
    assert tune("forecast", "shop.csv", *TARGET, "--out", "mine") == 2
    assert "not overwritten" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["forcast", "shop.csv"], "did you mean 'forecast'?"),
        (["forecast", "shop.csv", "--horizon", "6", "--search", "best"], "search should be"),
        (["forecast", "shop.csv", "--horizon", "6", "--timeout", "soon"], "or such as 10m"),
        (["forecast", "shop.csv", "--horizon", "6", "--space", "no.yaml"], "no file no.yaml"),
        (["forecast", "shop.csv", "--horizon", "6", "--resume"], "no study to go on with"),
        (["forecast", "shop.csv"], "--horizon"),
        (["forecast", "none.csv", "--horizon", "6"], "none.csv"),
    ],
)
def test_mistakes_are_told_with_code_2_and_leave_nothing(there, words, said, capsys):
    before = {entry.name for entry in there.iterdir()}
    assert tune(*words) == 2
    assert said in capsys.readouterr().err
    assert {entry.name for entry in there.iterdir()} == before


def test_ctrl_c_ends_the_search_with_what_is_there(there, capsys, monkeypatch):
    class Interrupter(progress.Silent):
        def epoch(self, trial, epoch, loss):
            if trial.number == 2:
                raise KeyboardInterrupt

    words = ["forecast", "shop.csv", *TARGET, *FAST, *OWN, "--out", "cut"]
    with monkeypatch.context() as patched:
        patched.setattr("gatewise.cli.tune_run.audience", lambda verbose: Interrupter())
        assert tune(*words) == 130
    told = metrics(there / "cut")
    assert told["tuning"]["counts"] == {"complete": 2, "failed": 0, "left": 1, "pruned": 0}
    assert "after 2 of 6 trials; resume=True (--resume) goes on" in capsys.readouterr().out
    assert tune(*words, "--resume", "--quiet") == 0
    whole, again = metrics(there / "out")["tuning"], metrics(there / "cut")["tuning"]
    for trial in [*whole["trials"], *again["trials"]]:
        trial.pop("seconds")
    assert again["trials"] == whole["trials"]


def test_ctrl_c_before_a_trial_is_complete_keeps_the_study(there, capsys, monkeypatch):
    class Interrupter(progress.Silent):
        def epoch(self, trial, epoch, loss):
            raise KeyboardInterrupt

    monkeypatch.setattr("gatewise.cli.tune_run.audience", lambda verbose: Interrupter())
    assert tune("forecast", "shop.csv", *TARGET, *FAST, *OWN, "--out", "early") == 130
    assert "the study is kept in early: --resume goes on with it" in capsys.readouterr().err


def test_a_refit_that_fails_is_told_after_all_is_written(there, capsys, monkeypatch):
    from gatewise.cli import forecast_run
    from gatewise.errors import DivergedError

    begun = []

    def failed(*given):
        begun.append(given)
        raise DivergedError("the loss is not a number")

    monkeypatch.setattr(forecast_run, "refitted", failed)
    words = ["forecast", "shop.csv", *TARGET, *FAST, *OWN, "--trials", "1", "--quiet"]
    assert tune(*words, "--refit", "--out", "refit") == 1
    assert "the loss is not a number" in capsys.readouterr().err
    assert metrics(there / "refit")["tuning"]["counts"]["complete"] == 1
    assert len(begun) == 1  # nothing of the defaults is shipped, so they are not refitted


def test_what_is_given_is_not_tried(there, capsys):
    given = ["--hidden-size", "2", "--batch-size", "32", "--cell", "gru", "--num-layers", "1"]
    words = ["forecast", "shop.csv", *TARGET, *FAST, *given, "--trials", "2", "--json", "--quiet"]
    assert tune(*words, "--out", "given") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["tuning"]["space"]) == {"network__dropout", "training__learning_rate"}
    assert told["settings"]["network"]["hidden_size"] == 2


def test_every_task_is_tuned(tmp_path, monkeypatch, capsys):
    """One trial each; what differs between tasks is how data are split and judged."""
    from test_cli_classify import notes_of

    monkeypatch.chdir(tmp_path)
    texts, labels = notes_of(60)
    pd.DataFrame({"note": texts, "mood": labels}).to_csv("notes.csv", index=False)
    lines = [
        f"{word}\t{'O' if len(word) > 3 else 'B-X'}" for text in texts for word in text.split()
    ]
    (tmp_path / "names.conll").write_text(
        "\n".join(line + ("\n" if i % 7 == 6 else "") for i, line in enumerate(lines)) + "\n"
    )
    (tmp_path / "book.txt").write_text("\n".join(texts * 2))
    (tmp_path / "pairs.tsv").write_text(
        "".join(f"{text[:8]}\t{text[:8][::-1]}\n" for text in dict.fromkeys(texts))
    )
    (tmp_path / "space.yaml").write_text("hidden_size: [4]\n")
    own = {
        "classify": ["notes.csv", "--text", "note", "--label", "mood"],
        "tag": ["names.conll"],
        "generate": ["book.txt"],
        "translate": ["pairs.tsv"],
    }
    for task, words in own.items():
        small = ["--epochs", "1", "--embedding-size", "4", "--space", "space.yaml", "--quiet"]
        assert tune(task, *words, *small, "--search", "grid", "--json") == 0, task
        told = json.loads(capsys.readouterr().out)
        assert told["task"] == task
        assert told["tuning"]["counts"]["complete"] == 1
        assert "defaults" in told["evaluation"]["scores"]
        assert (tmp_path / told["out"]["report"]).exists()
