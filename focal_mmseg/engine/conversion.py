"""Conversion of released weights: files in, every tensor accounted for, one checkpoint out."""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Size, Tensor

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.utils import atomic_write, read_config
from focal_mmseg.weights import find_config

from .checkpoint import read_checkpoint

WRAPPERS = ('state_dict', 'model', 'model_state_dict', 'net', 'network')
NAMES_SHOWN = 10


@dataclass(frozen=True)
class Dropped:
    """What becomes of a released tensor that the model does not have.

    Attributes:
        part (str): The part of the released file that it belongs to.
        why (str): What the part is for, or where its numbers are here.
    """

    part: str
    why: str


@dataclass(frozen=True)
class Release:
    """What one converter knows of a release.

    Attributes:
        network (str): Its name and version, for people.
        files (str): What its files are called, and where their authors publish them, for people.
        config (str): The config whose model it is, as ``configs/peers/catnet.py``.
        licence (str): Of the weights, in a sentence or two; is printed at each conversion.
        rename (Callable): From a released name to ours, to what is :class:`Dropped`, or to None if it is unknown.
        rearrange (Callable): The tensors, still by released names, as the model holds them: joined where it has one for
            several, with dimensions of length 1 where it has a convolution for a linear layer. Defaults to as they are.
        part (str): The part of the model that the release has, as ``'channel.'``. Defaults to all of it.
        next_step (str): The next command; ``{config}`` and ``{checkpoint}`` are filled in. Defaults to a test.
    """

    network: str
    files: str
    config: str
    licence: str
    rename: Callable[[str], 'str | Dropped | None']
    rearrange: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = dict
    part: str = ''
    next_step: str = 'python tools/test.py {config} {checkpoint}'


@dataclass(frozen=True)
class Converted:
    """A release in the names of its config's model.

    Attributes:
        state (dict[str, Tensor]): Its tensors as they were.
        dropped (dict[Dropped, int]): How many tensors each part had that was left out.
    """

    state: dict[str, Tensor]
    dropped: dict[Dropped, int]


def run(doc: str, identify_release: Callable[[Mapping[str, Tensor]], Release]) -> None:
    """Be a converter: ``IN... OUT`` of the command line to a checkpoint, or one message that says what is wrong.

    Args:
        doc (str): The help text.
        identify_release (Callable): Which release the tensors of all files together are. It raises ValueError if they
            are none, or if tensors that are dropped have not the values that the model takes for granted.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sources', type=Path, nargs='+', metavar='IN', help='the released files, in any order')
    parser.add_argument('target', type=Path, metavar='OUT', help='the checkpoint to write')
    args = parser.parse_args()
    if args.target.resolve() in [source.resolve() for source in args.sources]:
        raise SystemExit(f'{args.target} is a released file itself: give another OUT')
    names = ', '.join(map(str, args.sources))
    try:
        state = merge_states({source: read_state(source) for source in args.sources})
        release = identify_release(state)
        converted = convert(state, release)
    except (OSError, ValueError) as error:
        raise SystemExit(
            f'{names} cannot be converted: {error}\nGive the files that --help names, as released.'
        ) from error
    write(converted.state, args.target)
    report(converted, release, args.target)


def find_state_dict(content: Any) -> Mapping[str, Tensor]:
    """The state dict in what a file holds: all of it, or what stands under one of the usual names.

    Raises:
        ValueError: If there is none.
    """
    while isinstance(content, Mapping) and (wrapper := next((name for name in WRAPPERS if name in content), None)):
        content = content[wrapper]
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise ValueError(f'it holds no state dict, neither bare nor under one of {", ".join(WRAPPERS)}')
    return content


def read_state(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a released file, read without running code from it; what else it holds is left.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, or holds no state dict.
    """
    try:
        return find_state_dict(read_checkpoint(path))
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


def merge_states(files: Mapping[Path, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of several files.

    Raises:
        ValueError: If two files have a tensor of the same name.
    """
    found: dict[str, Tensor] = {}
    origin: dict[str, Path] = {}
    for path, state in files.items():
        if twice := next((name for name in state if name in found), None):
            raise ValueError(f'{origin[twice]} and {path} both have {twice}: give each file once')
        found |= state
        origin |= dict.fromkeys(state, path)
    return found


def model_shapes(config: str, part: str = '') -> dict[str, Size]:
    """Names and shapes of a model's tensors, without memory for them.

    Args:
        config (str): As ``configs/peers/catnet.py``, of a clone or of an installation, or the path of a file.
        part (str): What the names begin with. Defaults to all of the model.
    """
    init_default_scope('mmseg')
    model = read_config(find_config(config.removeprefix('configs/'))).model
    with torch.device('meta'):
        network = revert_sync_batchnorm(MODELS.build(model))
    return {name: value.shape for name, value in network.state_dict().items() if name.startswith(part)}


def convert(state: Mapping[str, Tensor], release: Release) -> Converted:
    """Bring a release to the names of its config's model.

    Args:
        state (Mapping[str, Tensor]): As released.
        release (Release): What it is.

    Returns:
        Converted: Each tensor is in its ``state`` or counted in its ``dropped``. A single number is reshaped between
        () and (1,), and what ``release.rearrange`` does; nothing else is changed.

    Raises:
        ValueError: If a tensor is missing, unexpected, or of another shape.
    """
    expected = model_shapes(release.config, release.part)
    found: dict[str, Tensor] = {}
    dropped: Counter[Dropped] = Counter()
    origin: dict[str, str] = {}
    problems: list[str] = []
    for name, value in release.rearrange(state).items():
        ours = release.rename(name)
        if isinstance(ours, Dropped):
            dropped[ours] += 1
            continue
        if ours is None or ours not in expected:
            problems.append(f'unexpected: {name}')
            continue
        if ours in origin:
            problems.append(f'{origin[ours]} and {name} are both {ours}')
        elif value.shape != expected[ours] and not value.numel() == expected[ours].numel() == 1:
            problems.append(f'{name}: {tuple(value.shape)} in the file, {tuple(expected[ours])} in the network')
        else:
            found[ours] = value.reshape(expected[ours])
        origin[ours] = name
    problems += [f'missing: {name}, by our name' for name in expected if name not in origin]
    if problems:
        shown = problems[:NAMES_SHOWN] + ['...'] * (len(problems) > NAMES_SHOWN)
        expects = f'{len(problems)} tensors are not those of {release.network} ({release.files}):'
        raise ValueError('\n  '.join([expects, *shown]))
    return Converted({name: found[name] for name in expected}, dict(dropped))


def write(state: Mapping[str, Tensor], target: Path) -> None:
    """Write a checkpoint as mmengine's runner does, whole or not at all."""
    with atomic_write(target) as part:
        torch.save(dict(meta=dict(dataset_meta=ForgeryDataset.METAINFO), state_dict=dict(state)), part)


def report(converted: Converted, release: Release, target: Path) -> None:
    """Tell what was converted, what was dropped, under which licence it is, and what to do with the result."""
    print(f'{release.network} ({release.files}): {len(converted.state)} tensors written to {target}')
    for dropped, tensors in converted.dropped.items():
        print(f'dropped: {dropped.part} ({tensors} tensors): {dropped.why}')
    print(f'licence: {release.licence}')
    print(release.next_step.format(config=release.config, checkpoint=target))
