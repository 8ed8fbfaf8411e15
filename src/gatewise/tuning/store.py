"""The file that a study lives in: what is finished is on the disk, whatever is killed.

study.db is Optuna's own SQLite storage, so that its tools read it, too. A row is written when a
trial begins and when it ends; in between the file is left alone. One process at a time holds it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

from gatewise.errors import GatewiseError, RunError, UsageError
from gatewise.tuning.record import Trial
from gatewise.tuning.sampling import NAME, optuna
from gatewise.tuning.trial import Outcome

FILE, LOCK = "study.db", "study.lock"
FORMAT = 1
IDENTITY, KEPT = "gatewise", "gatewise"  # attributes of the study, and of each trial
NAMES = {  # what makes a study the one it is, in words
    "task": "another task",
    "data": "other data to learn from",
    "space": "another space",
    "search": "another --search",
    "prune": "another --prune",
    "seed": "another --seed",
    "settings": "other settings",
}


@final
class Store:
    """An open study.db."""

    def __init__(self, storage: Any, distributions: Mapping[str, Any]) -> None:
        self.storage, self.distributions = storage, distributions
        self.study: Any = None
        self.ids: dict[int, int] = {}

    def trials(self) -> list[Trial]:
        """All that began, by number; those that did not end have no outcome."""
        found = []
        for trial in self.study.get_trials(deepcopy=False):
            kept = trial.user_attrs.get(KEPT)
            outcome = None
            if trial.state.is_finished() and kept is not None:
                outcome = Outcome(**{**kept["outcome"], "losses": tuple(kept["outcome"]["losses"])})
            rungs = None if kept is None else kept["rungs"]
            found.append(Trial(trial.number, trial.params, outcome, rungs))
        return found

    def begin(self, trial: Trial) -> None:
        """A row for a trial, unless an earlier run wrote it."""
        if trial.number < len(self.study.get_trials(deepcopy=False)):
            return
        package = optuna()
        with _told():
            self.study.add_trial(
                package.trial.create_trial(
                    state=package.trial.TrialState.RUNNING,
                    params=dict(trial.params),
                    distributions=dict(self.distributions),
                )
            )

    def finish(self, trial: Trial) -> None:
        """What came of it."""
        package = optuna()
        states = package.trial.TrialState
        outcome = trial.outcome
        if outcome is None:
            return
        kept = {"outcome": asdict(outcome), "rungs": dict(trial.rungs or {})}
        row = self.study.get_trials(deepcopy=False)[trial.number]
        with _told():
            package.trial.Trial(self.study, row._trial_id).set_user_attr(KEPT, kept)
            if outcome.state == "complete":
                self.study.tell(trial.number, outcome.value)
            else:
                state = states.PRUNED if outcome.state == "pruned" else states.FAIL
                self.study.tell(trial.number, state=state)

    def close(self) -> None:
        """Let go of the file."""
        self.storage.remove_session()
        self.storage.engine.dispose()


@contextmanager
def opened(
    folder: Path,
    identity: Mapping[str, Any],
    distributions: Mapping[str, Any],
    *,
    resume: bool,
) -> Iterator[Store]:
    """The study of a folder, new or to be gone on with.

    identity  what makes it this study and no other, JSON-ready; see NAMES
    Raises UsageError: a study is there already, none is there, another one is, another process has
    it, or the folder cannot be written. RunError where the disk refuses later.
    """
    check(folder, resume=resume)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _locked(folder)
    except OSError as error:
        raise UsageError(
            f"cannot write into {folder} ({error.strerror}); choose another --out"
        ) from None
    try:
        store = _open(folder / FILE, distributions)
        try:
            _identify(store, folder, identity, resume=resume)
            yield store
        finally:
            store.close()
    finally:
        lock.close()


def check(folder: Path, *, resume: bool) -> None:
    """Raises UsageError where a study is in the way, or none is there to go on with."""
    there = (folder / FILE).exists()
    if there and not resume:
        raise UsageError(
            f"{folder} holds a study already ({FILE}): --resume goes on with it; or choose another "
            f"--out, or remove the folder"
        )
    if resume and not there:
        raise UsageError(f"there is no study to go on with in {folder}; leave --resume out")


def _locked(folder: Path) -> sqlite3.Connection:
    """A lock that its process cannot outlive: an exclusive transaction that is never written."""
    lock = sqlite3.connect(folder / LOCK, timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        if "locked" in str(error):
            raise UsageError(
                f"another process is working on the study in {folder}; wait for it, or choose "
                f"another --out"
            ) from None
        raise UsageError(f"cannot write into {folder} ({error}); choose another --out") from None
    return lock


def _open(path: Path, distributions: Mapping[str, Any]) -> Store:
    from sqlalchemy import event

    package = optuna()
    with _told(path):
        storage = package.storages.RDBStorage(f"sqlite:///{path}")
    # a commit survives a killed process without waiting for the disk each time
    storage.engine.dispose()

    def set_up(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    event.listen(storage.engine, "connect", set_up)
    return Store(storage, distributions)


def _identify(store: Store, folder: Path, identity: Mapping[str, Any], *, resume: bool) -> None:
    """Raises UsageError where the study there is another one, by name."""
    package = optuna()
    own = json.loads(json.dumps(identity))
    with _told(folder / FILE):
        store.study = package.create_study(
            storage=store.storage, study_name=NAME, load_if_exists=True
        )
        kept = store.study.user_attrs.get(IDENTITY)
        if kept is None:
            store.study.set_user_attr(IDENTITY, {"format": FORMAT, **own})
            return
    if kept.get("format") != FORMAT:
        raise UsageError(f"{folder / FILE} was written by another version of gatewise")
    if not resume:
        raise UsageError(f"{folder} holds a study already: --resume goes on with it")
    other = [words for name, words in NAMES.items() if kept.get(name) != own.get(name)]
    if other:
        changed = _changed(kept, own)
        raise UsageError(
            f"the study in {folder} is another one: it has {', '.join(other)}{changed}; give what "
            f"it was begun with, or choose another --out"
        )


def _changed(kept: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """`(seed 0, not 1; hidden_size [32, 64], not [32])`"""
    said = []
    for name in NAMES:
        before, now = kept.get(name), own.get(name)
        if before == now or name == "data":
            continue
        if isinstance(before, dict) and isinstance(now, dict):
            keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
            said += [f"{key} {before.get(key)}, not {now.get(key)}" for key in keys]
        else:
            said.append(f"{name} {before}, not {now}")
    return f" ({'; '.join(said)})" if said else ""


@contextmanager
def _told(path: Path | None = None) -> Iterator[None]:
    """What the database raises, in words.

    path  of a file that is opened: what is wrong with it is the user's to mend
    """
    try:
        yield
    except GatewiseError:
        raise
    except Exception as error:
        said = str(getattr(error, "orig", None) or getattr(error, "__cause__", None) or error)
        said = " ".join(said.split())[:200]
        if path is not None:
            raise UsageError(
                f"{path} cannot be used as a study ({said}); choose another --out, or move it away"
            ) from error
        raise RunError(
            f"the study cannot be written ({said}); what was finished before is kept, and --resume "
            f"goes on with it once there is room"
        ) from error
