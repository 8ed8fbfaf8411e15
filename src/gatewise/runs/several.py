"""More than one watch of the same training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

from gatewise.training import EpochRecord, History, Nobody, Watch


@final
class Several:
    """A watch that passes on what it is told, in order; Several within it are taken apart."""

    def __init__(self, *watches: Watch) -> None:
        apart = [one.watches if isinstance(one, Several) else (one,) for one in watches]
        self.watches: tuple[Watch, ...] = tuple(one for part in apart for one in part)

    def about(self, facts: Mapping[str, Any]) -> None:
        for one in self.watches:
            one.about(facts)

    def begin(self, epochs: int, batches: int) -> None:
        for one in self.watches:
            one.begin(epochs, batches)

    def tick(self) -> None:
        for one in self.watches:
            one.tick()

    def epoch(self, record: EpochRecord, best: bool) -> None:
        for one in self.watches:
            one.epoch(record, best)

    def go_on(self, records: Sequence[EpochRecord], best_epoch: int, done: int) -> None:
        for one in self.watches:
            one.go_on(records, best_epoch, done)

    def end(self, history: History) -> None:
        for one in self.watches:
            one.end(history)


def beside_progress(watch: Watch | Sequence[Watch] | None, verbose: int) -> Watch:
    """The watch, or several, and progress as `verbose` says, unless it shows that already."""
    from gatewise import progress  # rich; a saved model does without

    if watch is None:
        return progress.watch(verbose)
    if isinstance(watch, Sequence):
        watch = Several(*watch)
    # the watch first: the time that a tracker takes to begin is none of the training's
    return watch if _shown(watch) else Several(watch, progress.watch(verbose))


def without_progress(watch: Watch) -> Watch:
    """What is left of it where nothing is to be shown."""
    if isinstance(watch, Several):
        return Several(*(one for one in watch.watches if not _shown(one)))
    return Nobody() if _shown(watch) else watch


def _shown(watch: Watch) -> bool:
    from gatewise import progress

    each = watch.watches if isinstance(watch, Several) else (watch,)
    return any(isinstance(one, (progress.Bar, progress.Lines)) for one in each)
