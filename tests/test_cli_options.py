"""Options of every task verb, and what the verbs share."""

from __future__ import annotations

import importlib
import inspect
import io
import shlex

import pytest
import typer
import yaml
from shop import TARGET, forecast

from gatewise.cli import main, saved, show, verbs
from gatewise.cli.classify_options import ClassifyOptions
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.generate_options import GenerateOptions
from gatewise.cli.options import (
    Kind,
    field_help,
    flat_keys,
    given,
    job,
    panels,
    read_config,
    split_names,
    with_panels,
)
from gatewise.cli.saved_options import PREDICT
from gatewise.cli.tag_options import TagOptions
from gatewise.cli.translate_options import TranslateOptions
from gatewise.engine import DEVICES, ENGINES
from gatewise.errors import DivergedError, SpecError, UsageError
from gatewise.spec import Network, Training
from gatewise.tasks.shared import TASKS

TEXT = [ClassifyOptions, TagOptions, GenerateOptions, TranslateOptions]
ALL = [ForecastOptions, *TEXT]
# what every verb that trains has
SHARED = {"validation", "test", "engine", "device", "seed", "out"}


@pytest.mark.parametrize("own", ALL)
def test_every_field_is_explained_and_a_flag_of_its_own(own):
    fields = [name for model in panels(own).values() for name in model.model_fields]
    assert len(fields) == len(set(fields)) == len(flat_keys(own))
    assert set(own.model_fields) <= set(field_help(own))
    assert set(own.model_fields) >= SHARED
    assert own.__doc__.startswith(f"What `gatewise {own.verb}` takes")


@pytest.mark.parametrize("own", ALL)
def test_engines_and_devices_are_those_there_are(own):
    kinds = {name: Kind.of(field.annotation) for name, field in own.model_fields.items()}
    assert set(kinds["engine"].choices) == set(ENGINES)
    assert set(kinds["device"].choices) == set(DEVICES)


@pytest.mark.parametrize("own", TEXT)
def test_the_defaults_are_a_config_file(own, tmp_path):
    defaults = job(own, {}, None).options
    path = tmp_path / "c.yaml"
    settings = {k: v for k, v in defaults.model_dump().items() if v is not None}
    path.write_text(verbs.to_yaml(own, settings), encoding="utf-8")
    assert job(own, {}, str(path)).options == defaults
    assert f"gatewise {own.verb} DATA" in path.read_text()


@pytest.mark.parametrize("own", TEXT)
@pytest.mark.parametrize("width", ["80", "120"])
def test_the_help_of_a_verb_made_of_its_options(own, width, capsys, monkeypatch):
    seen = []

    def verb(data: str, **flags: object) -> None:
        """A verb."""
        seen.append((data, given(flags)))

    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command()(with_panels(panels(own), hidden=own.meaningless)(verb))
    command = typer.main.get_command(app)
    monkeypatch.setenv("COLUMNS", width)
    command.main(["--help"], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "…" not in shown
    for name in flat_keys(own):
        assert (f"--{name.replace('_', '-')} " in shown) == (name not in own.meaningless)
    command.main(["d.csv", "--test", "30", "--cell", "gru"], standalone_mode=False)
    assert seen == [("d.csv", {"test": "30", "cell": "gru"})]


OTHER = {  # than the default
    "attention": "additive",
    "attention_size": 3,
    "bidirectional": True,
    "embedding_dropout": 0.1,
    "label_smoothing": 0.1,
    "loss": "mae",
    "pooling": "mean",
    "segment_length": 2,
    "shortcut": 1,
    "teacher_forcing": 0.9,
    "teacher_forcing_schedule": "linear",
    "tie_embedding": True,
    "token_dropout": 0.1,
}
PLANS = {
    "forecast": "forecaster_choices",
    "classify": "class_plan",
    "tag": "tag_plan",
    "generate": "generator_plan",
    "translate": "translator_plan",
}


@pytest.mark.parametrize("own", ALL)
def test_what_is_not_in_the_help_is_what_the_task_refuses(own):
    module, name = TASKS[own.verb]
    task = getattr(importlib.import_module(module), name)
    check = importlib.import_module(f"gatewise.tasks.{PLANS[own.verb]}").check_choices
    horizon = {"horizon": 3} if own.verb == "forecast" else {}
    check(task(**horizon))
    refused = set()
    for field, value in OTHER.items():
        kind = Network if field in Network.model_fields else Training
        try:
            check(task(**horizon, **{kind.__name__.lower(): kind(**{field: value})}))
        except UsageError:
            refused.add(field)
    assert refused == own.meaningless


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.2", 0.2), ("100", 100), ("1e3", 1000), ("test.csv", "test.csv"), (0.3, 0.3), (5, 5)],
)
def test_the_test_part_is_a_share_a_number_or_a_file(text, expected):
    found = job(ClassifyOptions, {"test": text}, None).options.test
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "nan", "inf"])
def test_no_such_test_part(text):
    with pytest.raises(SpecError, match="test should be a share"):
        job(ClassifyOptions, {"test": text}, None)


def test_what_is_missing_is_named_with_its_meaning():
    with pytest.raises(UsageError, match=r"--horizon \(K, steps to forecast; needless"):
        job(ForecastOptions, {}, None)


def test_values_of_the_text_verbs():
    words = {"text": "title,body", "class_weight": "none", "lowercase": False, "multi_label": True}
    found = job(ClassifyOptions, words, None).options
    assert found.text == ("title,body",)
    assert (found.class_weight, found.lowercase, found.multi_label) == (None, False, True)
    assert job(GenerateOptions, {"stop": ["\n\n", "END"]}, None).options.stop == ("\n\n", "END")
    for words, expected in [
        ({"temperature": "-1"}, "temperature should be greater"),
        ({"top_p": "2"}, "top_p should be less"),
        ({"unit": "chars"}, "did you mean 'char'?"),
    ]:
        with pytest.raises(SpecError, match=expected.replace("?", r"\?")):
            job(GenerateOptions, words, None)


def test_settings_of_another_verb_are_refused(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text(yaml.safe_dump({"gatewise": "1", "task": "tag", "settings": {}}))
    assert read_config(path, TagOptions) == {}
    with pytest.raises(UsageError, match="is of a run of 'gatewise tag'"):
        read_config(path, ClassifyOptions)


def test_columns_are_split_at_commas_unless_one_has_that_name():
    assert split_names(None, ["a"]) is None
    assert split_names(["a, b", "c"], ["a", "b", "c"]) == ["a", "b", "c"]
    assert split_names(["a,b"], ["a,b"]) == ["a,b"]


# --- what the verbs share -----------------------------------------------------------------------


def test_the_command_in_one_spelling():
    asked = {"text": ["a b", "c"], "lowercase": False, "keep_duplicates": True, "test": "30"}
    line = verbs.shell_line("classify", "my data.csv", asked, "c.yaml")
    assert shlex.split(line) == [
        *("gatewise", "classify", "my data.csv", "--text", "a b", "--text", "c"),
        *("--no-lowercase", "--keep-duplicates", "--test", "30", "--config", "c.yaml"),
    ]
    assert "--config" not in verbs.shell_line("tag", "d", {}, None)


def test_how_a_run_ends():
    assert (verbs.ended(False), verbs.ended(True)) == (0, 130)
    with pytest.raises(DivergedError, match="boom"):
        verbs.ended(True, DivergedError("boom"))


def test_each_note_once():
    assert verbs.distinct(["b", "", "a", "b"]) == ("b", "a")


class Judged:
    """An evaluation with a metric that nobody has and one that some have."""

    def scores(self):
        return {
            "network": {"accuracy": 0.91234, "ROC-AUC": None, "log-loss": float("nan")},
            "TF-IDF": {"accuracy": 0.95, "ROC-AUC": 0.5, "log-loss": float("nan")},
        }

    def ranking(self):
        return [("TF-IDF", 0.95), ("network", 0.91234)]

    def standing(self):
        return "loses"

    def verdict(self):
        return "The network LOSES."


def test_a_table_of_scores():
    stream = io.StringIO()
    show.score_table(show.open_console(stream), "Test", Judged())
    title, header, first, second, verdict, *_ = stream.getvalue().splitlines()
    assert (title, verdict) == ("Test", "The network LOSES.")
    assert header.split() == ["accuracy", "ROC-AUC"]
    assert first.split() == ["TF-IDF", "0.9500", "0.5000"]
    assert second.split() == ["network", "0.9123", "-"]


# --- saved models of several tasks --------------------------------------------------------------


def test_flags_of_another_task_are_refused():
    asked = {"sort": True, "duplicates": "mean"}
    assert saved.taken("forecast", ["sort", "duplicates", "fill"], asked, PREDICT) == {
        **asked,
        "fill": None,
    }
    with pytest.raises(UsageError) as caught:
        saved.taken("classify", ["text"], asked, PREDICT)
    told = str(caught.value)
    assert told.startswith("--sort, --duplicates: not for this model")
    assert "'gatewise classify' (flags for it: --text)" in told


def test_a_run_of_another_verb_is_no_config_of_this_one(here, capsys):
    (here / "c.json").write_text('{"gatewise": "1", "task": "tag", "settings": {"seed": 1}}')
    assert forecast("shop.csv", *TARGET, "--config", "c.json") == 2
    assert "'gatewise tag'" in capsys.readouterr().err


@pytest.mark.parametrize("task", saved.MODULES)
def test_a_task_takes_flags_that_there_are(task):
    assert task in TASKS
    module = importlib.import_module(saved.MODULES[task])
    for verb in (saved.predict, saved.evaluate):
        own = getattr(module, verb.__name__.upper())
        assert set(own) <= set(inspect.signature(verb).parameters)
        assert callable(getattr(module, verb.__name__))


def test_the_model_comes_before_its_data(capsys):
    assert main(["predict", "no-model", "no.csv", "--sort"]) == 2
    assert "no-model does not exist" in capsys.readouterr().err
