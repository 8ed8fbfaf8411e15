"""What a classifier said of texts, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gatewise.tasks.classifier import Classifier


def answer_table(
    model: Classifier, told: NDArray[np.float64], before: Mapping[str, Any]
) -> pd.DataFrame:
    """The columns of `before`, then told and confidence.

    told  (N, C) probabilities. Of one class the confidence is its probability; of several labels,
          which stand behind each other, that of the least sure yes or no
    """
    labels = model.labels_
    if labels.kind == "multilabel":
        answers = together(labels.decode(told > 0.5), labels.separator)
        sure = np.maximum(told, 1 - told).min(axis=1)
    else:
        answers = labels.decode(told.argmax(axis=1))
        sure = told.max(axis=1)
    return pd.DataFrame({**before, "told": answers, "confidence": sure})


def together(cells: Sequence[Any], separator: str | None) -> list[Any]:
    """Lists of labels as one text each; anything else as it is."""
    mark = separator or "|"
    return [mark.join(map(str, c)) if isinstance(c, (list, tuple)) else c for c in cells]
