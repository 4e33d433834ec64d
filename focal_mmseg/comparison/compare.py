"""A plan carried out: its jobs, several at a time where that is asked for, and the report."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from statistics import mean
from threading import Event

from focal_mmseg.utils import ConfigError
from focal_mmseg.utils.progress import Bars, format_duration

from .comparison import Comparison, PlannedJob
from .jobs import steps_done
from .plan import read_plan
from .report import write_report

# Seconds between two looks at the jobs.
PERIOD = 1.0


def compare(
    plan: str | Path,
    work_dir: str | Path | None = None,
    *,
    report_only: bool = False,
    jobs: int = 1,
    threads: int | None = None,
) -> list[str]:
    """Train and test what a plan has and is not done yet, and report.

    Args:
        plan (str | Path): A YAML file; docs/guide/compare.md shows one.
        work_dir (str | Path, optional): Of all that is made. Defaults to ``work_dirs/compare/<name of the plan>``.
        report_only (bool): Report what is there; nothing is trained or tested. Defaults to False.
        jobs (int): So many trainings and tests at a time. Defaults to 1.
        threads (int, optional): Of the processor, for each. Defaults to one where there are several jobs, and else to
            torch's choice.

    Returns:
        list[str]: What went wrong and is not in the report, a line each.

    Raises:
        ConfigError: If the plan is wrong, or nothing was tested, so that there is nothing to report.
        FileNotFoundError: If there is no such plan.
    """
    try:
        found = read_plan(plan)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    comparison = Comparison(found, Path(work_dir) if work_dir else Path('work_dirs', 'compare', Path(plan).stem))
    failures = []
    if not report_only:
        failures = run_jobs(list(comparison.jobs()), jobs, threads or (1 if jobs > 1 else None))
    if not comparison.tested:
        raise ConfigError('\n'.join(['nothing was tested, so there is no report', *failures]))
    write_report(comparison)
    trainings = comparison.trainings_table()
    print('\n'.join(each.to_markdown() for each in (comparison.table(), trainings) if each))
    print(f'report: {comparison.folder / "report.html"}')
    return failures


def run_jobs(planned: Sequence[PlannedJob], jobs: int = 1, threads: int | None = None) -> list[str]:
    """Do what is not done, in the order of the plan; one that fails stops no other but those that need it.

    Args:
        planned (Sequence[PlannedJob]): Those that others need stand before them.
        jobs (int): So many at a time. Defaults to 1.
        threads (int, optional): Of the processor, for each. Defaults to torch's choice.

    Returns:
        list[str]: What went wrong, a line each.
    """
    waiting = [each for each in planned if not each.is_done]
    training = {each.name for each in waiting if each.kind == 'training'}
    running: dict[Future, PlannedJob] = {}
    failures: list[str] = []
    stop = Event()
    with ThreadPoolExecutor(jobs) as pool, JobProgress(waiting, jobs) as progress:

        def run(each: PlannedJob) -> None:
            # What is raised here ends the process of the job.
            each.describe().run(threads, lambda log: progress.watch(each, log) if not stop.is_set() else _stop())

        try:
            while waiting or running:
                for each in [each for each in waiting if not each.needs & training][: jobs - len(running)]:
                    waiting.remove(each)
                    progress.begin(each)
                    running[pool.submit(run, each)] = each
                for future in wait(running, PERIOD, FIRST_COMPLETED).done:
                    each = running.pop(future)
                    training -= {each.name} if each.kind == 'training' else set()
                    error = future.exception()
                    progress.end(each, error is None)
                    if isinstance(error, RuntimeError | OSError | ValueError):
                        failures.append(f'{each.title}: {error}')
                        print(failures[-1], flush=True)
                    elif error is not None:
                        raise error
                progress.show()
        except BaseException:
            stop.set()
            raise
    return failures


def _stop() -> None:
    raise InterruptedError('the comparison was stopped')


class JobProgress:
    """Says what is begun, how far it is, and how long the rest takes, by the mean time of those of its kind.

    Args:
        planned (Sequence[PlannedJob]): All that is to be done, in order.
        jobs (int): How many are done at a time. Defaults to 1.
    """

    def __init__(self, planned: Sequence[PlannedJob], jobs: int = 1) -> None:
        self._total = len(planned)
        self._jobs = jobs
        self._left = Counter(each.kind for each in planned)
        self._begun = 0
        self._seconds: dict[str, list[float]] = {}
        self._starts: dict[str, float] = {}
        self._done: dict[str, tuple[int, int]] = {}
        self._bars = Bars()
        self._all = self._bars.add('')
        self._numbers: dict[str, int] = {}

    def __enter__(self) -> 'JobProgress':
        self._bars.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.__exit__(*error)

    def begin(self, job: PlannedJob) -> None:
        """Something is begun."""
        self._begun += 1
        left = self.left()
        print(f'{self._begun} of {self._total}: {job.title}{f", {left} left" if left else ""}', flush=True)
        self._starts[job.title] = time.monotonic()
        self._numbers[job.title] = self._bars.add(job.title)

    def watch(self, job: PlannedJob, log: Path) -> None:
        """It goes on; is called by the thread of the job."""
        if found := steps_done(log):
            self._done[job.title] = found

    def end(self, job: PlannedJob, is_done: bool) -> None:
        """It is done, or failed, of which the time says nothing."""
        seconds = time.monotonic() - self._starts.pop(job.title)
        self._done.pop(job.title, None)
        self._bars.remove(self._numbers.pop(job.title))
        self._left[job.kind] -= 1
        if is_done:
            self._seconds.setdefault(job.kind, []).append(seconds)

    def show(self) -> None:
        """Show how far those are that run."""
        left = self.left()
        done = f'{self._total - sum(self._left.values())} of {self._total} done'
        self._bars.update(self._all, name=f'{done}, {left} left' if left else done)
        for title, number in self._numbers.items():
            self._bars.update(number, *self._done.get(title, (0, None)))
        self._bars.show()

    def left(self) -> str:
        """How long it takes from here on, in words; '' for unknown, longer where nothing is known of a kind."""
        now, seconds, is_known = time.monotonic(), 0.0, True
        for kind, number in self._left.items():
            whole = self._whole(kind, now)
            if whole is None:
                is_known &= not number
                continue
            spent = [now - start for title, start in self._starts.items() if title.startswith(f'{kind} ')]
            seconds += sum(max(0.0, whole - each) for each in spent) + whole * (number - len(spent))
        if not seconds:
            return ''
        return f'{"about" if is_known else "more than"} {format_duration(seconds / self._jobs)}'

    def _whole(self, kind: str, now: float) -> float | None:
        """Seconds that one of a kind takes: those of the finished ones, or else what the running ones let expect."""
        if kind in self._seconds:
            return mean(self._seconds[kind])
        expected = [
            (now - self._starts[title]) * total / done
            for title, (done, total) in list(self._done.items())
            if done and title.startswith(f'{kind} ')
        ]
        return mean(expected) if expected else None
