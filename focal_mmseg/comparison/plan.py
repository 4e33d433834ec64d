"""What is to be compared: a YAML file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from focal_mmseg.datasets.degradations import NONE, PRESETS, parse_degradation
from focal_mmseg.evaluation.averages import require_pristine_rule
from focal_mmseg.evaluation.localisation import LOCALISATION_METRICS

KEYS = ('title', 'runs', 'data', 'train_options', 'sets', 'degradations', 'metrics', 'pristine', 'images')
# In a checkpoint or an option: the weights that another model of the plan has, or is trained to.
WEIGHTS_OF = r'\{weights of (.+?)\}'


@dataclass(frozen=True)
class Run:
    """A model.

    Attributes:
        name (str): In tables.
        config (str): Config file.
        checkpoint (str | None): Its weights; None where the config needs none, or ``train`` makes them.
        options (tuple[str, ...]): ``KEY=VALUE``, as for ``--cfg-options``.
        train (bool): Whether it is trained first.
        data (tuple[str, ...]): The sets that it is trained on, as for ``--data``; () are those of its config.
        model (str): What stands in tables: the name, or for one of several trainings that which they share.
    """

    name: str
    config: str
    checkpoint: str | None = None
    options: tuple[str, ...] = ()
    train: bool = False
    data: tuple[str, ...] = ()
    model: str = ''

    def __post_init__(self) -> None:
        object.__setattr__(self, 'model', self.model or self.name)


@dataclass(frozen=True)
class TestSet:
    """Images that every model is tested on.

    Attributes:
        name (str): In tables; '' is the test set of each run's config under its own name.
        data (tuple[str, ...]): The sets that are taken, as for ``--data``; several sets are a column each.
        options (tuple[str, ...]): What makes a config's ``test_dataloader`` read it.
    """

    # Pytest takes it for tests by its name otherwise.
    __test__ = False

    name: str = ''
    data: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is to be compared.

    Attributes:
        title (str): Of the report.
        runs (tuple[Run, ...]): The models, in the order of the rows; the first is the one others are set against.
        sets (tuple[TestSet, ...]): The sets, in the order of the columns.
        metrics (tuple[str, ...]): Names of ``LOCALISATION_METRICS`` that the tables show.
        images (int): Rows of the qualitative grid.
        degradations (tuple[str, ...]): Short names; every model is tested under each on the first set.
        pristine (str): How images with no forged pixel count in the F1s and the IoU: a name of ``PRISTINE_RULES``.
    """

    title: str
    runs: tuple[Run, ...]
    sets: tuple[TestSet, ...] = (TestSet(),)
    metrics: tuple[str, ...] = ('macro_f1', 'iou', 'auc', 'false_alarm')
    images: int = 6
    degradations: tuple[str, ...] = ()
    pristine: str = 'exclude'


def read_plan(path: str | Path) -> Plan:
    """Read a plan.

    Args:
        path (str | Path): A YAML file; docs/guide/compare.md shows one.

    Returns:
        Plan: Checked, but for the files that it names.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no YAML, or a key or value is not one of a plan; the message names file and key.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f'{path} is no YAML: {error}') from error
    content = _mapping(content, str(path), KEYS)
    data = _data(content.get('data'), str(path))
    shared = _strings(content.get('train_options', []), f'{path}: train_options')
    runs = _runs(content.get('runs'), f'{path}: runs', data, shared)
    if not runs:
        raise ValueError(f'{path}: runs needs at least one model, with name and config')
    sets = _sets(content.get('sets'), f'{path}: sets')
    metrics = tuple(_strings(content.get('metrics', list(Plan.metrics)), f'{path}: metrics'))
    unknown = [name for name in metrics if name not in LOCALISATION_METRICS]
    if unknown or not metrics:
        raise ValueError(f'{path}: metrics has {unknown or "nothing"}; there are {", ".join(LOCALISATION_METRICS)}')
    images = content.get('images', Plan.images)
    if not isinstance(images, int) or isinstance(images, bool) or images < 0:
        raise ValueError(f'{path}: images must be a whole number of at least 0, got {images!r}')
    title = content.get('title', Path(path).stem)
    degradations = _degradations(content.get('degradations', []), f'{path}: degradations')
    pristine = content.get('pristine', Plan.pristine)
    try:
        require_pristine_rule(pristine)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    return Plan(str(title), runs, sets or (TestSet(),), metrics, images, degradations, pristine)


def _data(value: Any, where: str) -> tuple[str, ...]:
    """What ``--data`` takes: one name or path, or a list of them."""
    found = [value] if isinstance(value, str) else value or []
    if not isinstance(found, list) or not all(isinstance(each, str) and each.strip() for each in found):
        raise ValueError(f'{where}: data must be names of sets or config files, got {value!r}')
    return tuple(found)


def _degradations(value: Any, where: str) -> tuple[str, ...]:
    """A preset's name, or a list of short names; the undegraded test is there anyway."""
    if isinstance(value, str):
        if value not in PRESETS:
            raise ValueError(f'{where}: there is no preset {value!r}, only {", ".join(PRESETS)}')
        value = list(PRESETS[value])
    names = [name for name in _strings(value, where) if name != NONE]
    for name in names:
        try:
            parse_degradation(name)
        except ValueError as error:
            raise ValueError(f'{where}: {error}') from error
    return tuple(names)


def _mapping(content: Any, where: str, keys: Sequence[str]) -> Mapping[str, Any]:
    """Keys and values with known keys."""
    if not isinstance(content, Mapping):
        raise ValueError(f'{where}: expected keys and values ({", ".join(keys)}), got {type(content).__name__}')
    unknown = [key for key in content if key not in keys]
    if unknown:
        raise ValueError(f'{where} has no key {unknown[0]!r}; there are {", ".join(keys)}')
    return content


def _strings(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f'{where} must be a list of words, got {value!r}')
    return value


def _runs(entries: Any, where: str, data: tuple[str, ...], shared: Sequence[str]) -> tuple[Run, ...]:
    """The models; one with ``seeds`` is trained once for each.

    Args:
        entries (Any): Of the plan.
        where (str): They stand.
        data (tuple[str, ...]): What a model is trained on that has no sets of its own.
        shared (Sequence[str]): Options of every model that is trained, before its own.
    """
    found: list[Run] = []
    keys = ('name', 'config', 'checkpoint', 'options', 'train', 'seeds', 'data')
    for here, entry in _named(entries, where, keys):
        if not isinstance(entry.get('config'), str) or not entry['config'].strip():
            raise ValueError(f'{here} needs a config')
        if entry.get('train') and entry.get('checkpoint'):
            raise ValueError(f'{here}: give a checkpoint or train: true, not both')
        if entry.get('train'):
            entry['data'] = entry.get('data') or data
            entry['options'] = (*shared, *entry['options'])
        elif entry.get('data'):
            raise ValueError(f'{here}: data is for a model with train: true; what all are tested on is in sets')
        for each in _trainings(here, entry):
            _require_earlier(here, each, found)
            found.append(each)
    return tuple(found)


def _trainings(here: str, entry: dict[str, Any]) -> list[Run]:
    """A model, or one for each of its ``seeds``."""
    seeds = entry.pop('seeds', None)
    if seeds is None:
        return [Run(**entry)]
    whole = isinstance(seeds, list) and all(isinstance(seed, int) and seed >= 0 for seed in seeds)
    if not whole or not seeds or len(set(seeds)) < len(seeds) or not entry.get('train'):
        raise ValueError(f'{here}: seeds must be different whole numbers, of a model with train: true')
    name, options = entry.pop('name'), entry.pop('options')
    return [
        Run(f'{name}, seed {seed}', options=(*options, f'randomness.seed={seed}'), **entry, model=name)
        for seed in seeds
    ]


def _require_earlier(here: str, run: Run, earlier: Sequence[Run]) -> None:
    """Refuse a name that is there, and weights of a model that is not there yet, or has none."""
    if run.name in [each.name for each in earlier]:
        raise ValueError(f'{here}: there are two of the name {run.name!r}')
    having = [each.name for each in earlier if each.train or each.checkpoint]
    for text in (run.checkpoint or '', *run.options):
        for name in re.findall(WEIGHTS_OF, text):
            if name not in having:
                raise ValueError(
                    f'{here}: {{weights of {name}}} needs a model of that name before it, with a checkpoint or '
                    f'train: true; there are {", ".join(having) or "none"}'
                )


def _sets(entries: Any, where: str) -> tuple[TestSet, ...]:
    return tuple(TestSet(**entry) for _, entry in _named(entries, where, ('name', 'data', 'options')))


def _named(entries: Any, where: str, keys: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """The entries of a list, each with a name of its own, and where each stands."""
    found: list[tuple[str, dict[str, Any]]] = []
    if entries is not None and not isinstance(entries, list):
        raise ValueError(f'{where} must be a list, got {type(entries).__name__}')
    for number, entry in enumerate(entries or [], 1):
        here = f'{where}, entry {number}'
        entry = dict(_mapping(entry, here, keys))
        entry['options'] = tuple(_strings(entry.get('options', []), f'{here}: options'))
        entry['data'] = _data(entry.get('data'), here)
        if not isinstance(entry.get('name'), str) or not entry['name'].strip():
            raise ValueError(f'{here} needs a name')
        if entry['name'] in [other['name'] for _, other in found]:
            raise ValueError(f'{here}: there are two of the name {entry["name"]!r}')
        found.append((here, entry))
    return found
