"""The bench of writing runs, at a tiny size, and leaves the cores as they were."""

from __future__ import annotations

import os
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1] / "bench"


def test_both_precisions_take_their_turns(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr(sys, "argv", ["generation.py", "--rounds", "2", "--length", "20"])
    cores = os.sched_getaffinity(0)
    import generation

    monkeypatch.setattr(generation, "UNITS", 8)
    monkeypatch.setattr(generation, "find_spec", lambda name: None)
    generation.main()
    told = capsys.readouterr().out
    assert "| float32 |" in told
    assert "| int8    |" in told
    assert "nats per token" in told
    assert "not installed" in told
    assert os.sched_getaffinity(0) == cores
    for path in BENCH.glob("*.py"):
        sys.modules.pop(path.stem, None)
