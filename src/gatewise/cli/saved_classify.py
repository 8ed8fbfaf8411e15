"""What `gatewise predict` and `evaluate` do with a saved classifier."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gatewise import outputs
from gatewise.cli import show
from gatewise.cli.answers import check_not_data, tell_frame
from gatewise.cli.class_answers import answer_table
from gatewise.cli.classify_run import labelled
from gatewise.data.files import suffix
from gatewise.tasks.classifier import Classifier

# flags of these two verbs that a classifier takes
PREDICT = ("text", "encoding")
EVALUATE = ("text", "label", "encoding")


def predict(
    saved: Classifier, data: str, *, out: str | None, as_json: bool, flags: Mapping[str, Any]
) -> None:
    """The class of each text of DATA, and how sure the model is; none of an empty text."""
    found = labelled(Path(data), _text(saved, data, flags), None, flags["encoding"])
    check_not_data(out, data)
    full = found.without_empty()
    notes = [*full.notes, *saved.remarks(full.texts)]
    show.notes(show.open_console(sys.stderr), notes)
    told = answer_table(saved, saved.predict_proba(full.texts), {"row": full.rows})
    told = told.set_index("row")
    answers = pd.DataFrame({"row": range(1, len(found) + 1), "text": found.texts})
    if len(full) < len(found):  # beside an empty text nothing stands
        told = told.astype(object).reindex(answers["row"]).replace({np.nan: None})
    answers[list(told.columns)] = told.to_numpy()
    tell_frame(answers, measured=["confidence"], out=out, as_json=as_json)


def evaluate(saved: Classifier, data: str, *, as_json: bool, flags: Mapping[str, Any]) -> None:
    """Scores on the texts of DATA, which the model must not have learnt from."""
    label = flags["label"] or saved.data_["label"] or "auto"
    found = labelled(Path(data), _text(saved, data, flags), label, flags["encoding"])
    full = found.without_empty()
    saved.labels_.widened(full.labels or [], full.rows)  # missing ones are told with their rows
    evaluation = saved.evaluate(full.texts, full.labels)
    if as_json:
        sys.stdout.write(outputs.to_json(evaluation.to_dict()) + "\n")
    else:
        show.notes(show.open_console(sys.stderr), full.notes)
        title = f"{Path(data).name}: {show.counted(len(full), 'text')}"
        show.score_table(show.open_console(), title, evaluation)


def _text(saved: Classifier, data: str, flags: Mapping[str, Any]) -> Sequence[str] | None:
    """The columns that are named, else those the model learnt from, where DATA has columns."""
    known = saved.data_["text"]
    if flags["text"] or known is None or suffix(data) == ".txt" or Path(data).is_dir():
        return flags["text"] or None
    return [known] if isinstance(known, str) else list(known)
