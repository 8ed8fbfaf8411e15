"""How much of the difference between trials each setting explains."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from gatewise.tuning.record import Study
from gatewise.tuning.sampling import NAME, distributions, frozen, optuna, quiet

FEWEST = 10  # complete trials; of fewer, chance decides


def importances(study: Study) -> Mapping[str, float]:
    """short name -> share (0 to 1), largest first; nothing where the trials are too few to say.

    Functional ANOVA over a random forest of the complete trials.
    Source: Hutter, Hoos & Leyton-Brown 2014.
    """
    done = [trial for trial in study.trials if trial.value is not None]
    if len(done) < FEWEST or len({trial.value for trial in done}) < 2:
        return {}
    package = optuna()
    own = distributions(study.space, grid=study.settings.search == "grid")
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = package.create_study(storage=package.storages.InMemoryStorage(), study_name=NAME)
        for trial in done:
            kept.add_trial(frozen(trial, own))
        evaluator = package.importance.FanovaImportanceEvaluator(seed=0)
        found = package.importance.get_param_importances(kept, evaluator=evaluator)
    return {name.rpartition("__")[2]: float(share) for name, share in found.items()}
