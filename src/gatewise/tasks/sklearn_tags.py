"""What scikit-learn asks an estimator about itself; it is imported when it asks."""

from __future__ import annotations

from typing import Any, Literal


def tags(kind: Literal["classifier"] | None, *, labelled: bool) -> Any:
    """scikit-learn's Tags (from 1.6 on).

    kind      what decides how folds are drawn; None: neither classifier nor regressor
    labelled  whether `fit` needs a second argument
    """
    from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

    return Tags(
        estimator_type=kind,
        target_tags=TargetTags(required=labelled),
        classifier_tags=ClassifierTags() if kind == "classifier" else None,
        input_tags=InputTags(one_d_array=True, three_d_array=True, string=True),
        non_deterministic=False,
    )
