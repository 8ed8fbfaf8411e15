"""What is shown of a training: lines through a pipe, one line written over on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gatewise import progress
from gatewise.progress import Bar, Lines, summary, watch
from gatewise.training import EpochRecord, History, Nobody


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(progress.time, "perf_counter", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def record(epoch, loss=None):
    return EpochRecord(epoch, 1.0 / epoch, loss, 1e-3, 0.5)


def history(losses, best, stopped="finished"):
    return History(tuple(record(i + 1, x) for i, x in enumerate(losses)), best, stopped)


def test_silent_when_asked():
    assert isinstance(watch(0), Nobody)


def test_lines_where_there_is_no_terminal(capsys):
    shown = watch(1)
    assert isinstance(shown, Lines)
    shown.begin(1, 1)
    shown.tick()
    shown.epoch(record(1, 0.5), True)
    shown.end(history([0.5], 1))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "epoch 1/1" in captured.err


def test_lines_come_at_most_every_two_seconds_and_at_the_end(clock):
    stream = io.StringIO()
    lines = Lines(stream)
    lines.begin(100, 10)
    for epoch in range(1, 101):  # 0.625 s each
        for _ in range(10):
            clock.now += 0.0625
            lines.tick()
        lines.epoch(record(epoch, 2.0 / epoch), True)
    lines.end(history([2.0 / e for e in range(1, 101)], 100))
    written = stream.getvalue().splitlines()
    epochs = [int(line.split("/")[0].removeprefix("epoch ")) for line in written[:-1]]
    assert epochs == list(range(1, 101, 4))
    assert "train 0.2  validation 0.4  (best)  <1:00 left" in written[1]
    assert written[-1] == "trained 100 epochs in 1:03; kept epoch 100 (validation loss 0.02)"


def test_an_epoch_that_takes_long_says_how_far_it_is(clock):
    stream = io.StringIO()
    lines = Lines(stream)
    lines.begin(2, 100)
    for _ in range(99):
        clock.now += 1.0
        lines.tick()
    assert [line.split("  ")[0] for line in stream.getvalue().splitlines()] == [
        "epoch 1/2, batch 30/100",
        "epoch 1/2, batch 60/100",
        "epoch 1/2, batch 90/100",
    ]
    assert "<2:50 left" in stream.getvalue()  # 30 of 200 batches took 30 s


def frames(text):
    """What each write over the line showed."""
    return text.split("\r")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_bar_never_wraps_and_moves_within_an_epoch(clock, width):
    stream = io.StringIO()
    bar = Bar(Console(file=stream, force_terminal=True, color_system=None, width=width))
    bar.begin(20, 50)
    for epoch in range(1, 21):
        for _ in range(50):
            clock.now += 0.2
            bar.tick()
        bar.epoch(record(epoch, 3.0 / epoch), epoch < 15)
    shown = [frame for frame in frames(stream.getvalue()) if frame]
    assert {len(frame) for frame in shown} == {width - 1}
    assert "\n" not in stream.getvalue()
    filled = [frame.count("━") for frame in shown]
    assert filled == sorted(filled) or width == 80  # the bar shrinks once, for the losses
    first_epoch = [frame for frame in shown if frame.startswith("epoch  1/20")]
    assert len(first_epoch) > 40
    assert max(f.count("━") for f in first_epoch) > min(f.count("━") for f in first_epoch) or (
        width == 40
    )
    if width == 200:
        assert "train 0.05263  validation 0.1579  best 14" in shown[-2]


def test_bar_ends_in_one_line_that_stays(clock):
    stream = io.StringIO()
    bar = Bar(Console(file=stream, force_terminal=True, color_system=None, width=80))
    bar.begin(5, 1)
    clock.now += 1
    bar.epoch(record(1, 0.25), True)
    bar.end(history([0.25], 1, "interrupted"))
    last = frames(stream.getvalue())[-1]
    assert last == "interrupted after 1 epoch in 1.0 s; kept epoch 1 (validation loss 0.25)\n"


def test_bar_draws_at_most_ten_times_a_second(clock):
    stream = io.StringIO()
    bar = Bar(Console(file=stream, force_terminal=True, color_system=None, width=80))
    bar.begin(1, 10_000)
    for _ in range(10_000):
        clock.now += 0.001
        bar.tick()
    assert 90 <= stream.getvalue().count("\r") <= 101


def test_bar_in_plain_characters_where_the_terminal_knows_no_others(clock):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    bar = Bar(Console(file=stream, force_terminal=True, color_system=None, width=80))
    bar.begin(2, 2)
    clock.now += 1
    bar.tick()
    stream.flush()
    assert b"=====" in raw.getvalue()


def test_a_bar_can_be_used_again(clock):
    stream = io.StringIO()
    bar = Bar(Console(file=stream, force_terminal=True, color_system=None, width=80))
    for _ in range(2):
        bar.begin(1, 1)
        clock.now += 1
        bar.tick()
        bar.epoch(record(1, 0.5), True)
        bar.end(history([0.5], 1))
    assert stream.getvalue().count("trained 1 epoch in 1.0 s; kept epoch 1") == 2


@pytest.mark.parametrize(
    ("losses", "best", "stopped", "expected"),
    [
        ([0.5, 0.4], 2, "finished", "trained 2 epochs in 3.0 s; kept epoch 2 (validation loss 0.4"),
        ([0.5, 0.6, 0.7], 1, "no progress", "trained 3 epochs in 3.0 s, then 2 without progress"),
        ([None, None], 2, "finished", "trained 2 epochs in 3.0 s; kept epoch 2"),
        ([0.5, 0.6], 1, "interrupted", "interrupted after 2 epochs in 3.0 s; kept epoch 1"),
    ],
)
def test_summary(losses, best, stopped, expected):
    assert summary(history(losses, best, stopped), 3.0).startswith(expected)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0:01"), (59.5, "1:00"), (65, "1:05"), (7265, "2:01:05")]
)
def test_clock_rounds_up(seconds, text):
    assert progress._clock(seconds) == text
