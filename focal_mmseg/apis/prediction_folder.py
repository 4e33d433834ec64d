"""The folder that tools/predict.py writes: which model made it, and which images have their result."""

import json
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from focal_mmseg import __version__
from focal_mmseg.engine.checkpoint import digest
from focal_mmseg.utils import atomic_write, read_config

from .calibration import Calibration
from .prediction import Prediction

STAMP, SUMMARY = 'predictions.json', 'summary.json'


def identity(
    config: str | Path,
    checkpoint: str | Path | None,
    options: dict[str, Any] | None,
    calibration: Calibration | None = None,
) -> dict[str, Any]:
    """What makes a model's results: two models of one identity give the same.

    Args:
        config (str | Path): Config file.
        checkpoint (str | Path, optional): Its weights.
        options (dict, optional): Overrides of the config.
        calibration (Calibration, optional): Of its predictions. Defaults to None.

    Returns:
        dict[str, Any]: ``version``, ``config``, ``weights``, ``options`` and, with one, ``calibration``, as JSON has
            them; the configs and the weights' hashes of a fusion's members too.
    """
    cfg = read_config(config)
    given = cfg.pretty_text
    cfg.merge_from_dict(options or {})
    # The images' masks of another tool, that ExternalMasks reads, do not count: they are no part of a model.
    members = [(read_config(each.config).pretty_text, each.checkpoint) for each in cfg.model.get('members', [])]
    found = dict(
        version=__version__,
        config=[given, *(text for text, _ in members)],
        weights=[None if path is None else digest(path) for path in (checkpoint, *(path for _, path in members))],
        options=options or {},
    )
    if calibration is not None:
        found['calibration'] = asdict(calibration)
    return json.loads(json.dumps(found))


def file_state(path: Path) -> dict[str, int]:
    """What changes with a file's content: its size, and when it was written.

    Raises:
        OSError: If there is no such file.
    """
    found = path.stat()
    return dict(bytes=found.st_size, written_ns=found.st_mtime_ns)


class PredictionFolder:
    """Results of one model, a folder an image.

    Args:
        folder (Path): Is made.
        made_by (dict[str, Any]): Of :func:`identity`; with a key ``clusters`` that is True, ``clusters.png`` and what
            is known of each cluster are written too.
    """

    def __init__(self, folder: Path, made_by: dict[str, Any]) -> None:
        self.folder = folder
        self._made_by = made_by
        self._hash = sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest()

    def claim(self, again: bool) -> None:
        """Say in the folder what makes its results.

        Args:
            again (bool): Whether results of another model may be replaced.

        Raises:
            FileExistsError: If they may not, and another model made those that are there.
            ValueError: If they may not, and it cannot be told which made them.
        """
        stamp = self.folder / STAMP
        if stamp.is_file() and not again:
            before = _read(stamp)
            if before is None:
                raise ValueError(
                    f'{stamp} is damaged, so that nobody knows which model made the results beside it: give another '
                    'folder, or --again to replace them'
                )
            keys = [*self._made_by, *(key for key in before if key not in self._made_by)]
            other = [key for key in keys if before.get(key) != self._made_by.get(key)]
            if other:
                raise FileExistsError(
                    f'{self.folder} holds results of other {" and ".join(other)}: give another folder, or --again to '
                    'replace them'
                )
        with atomic_write(stamp) as part:
            part.write_text(json.dumps(self._made_by, indent=2) + '\n', encoding='utf-8')

    def is_done(self, name: str, path: Path) -> bool:
        """Whether this model's result of an image, as the file is now, is there: the summary is written last."""
        summary = self._summary(name)
        try:
            before = _read(summary) if summary.is_file() else None
            return before is not None and before.get('origin') == self._origin(file_state(path))
        except OSError:
            return False

    def collect(self) -> tuple[dict[str, dict[str, Any]], int]:
        """What is in the summary of each image that has a result, of any call; damaged ones are none.

        Returns:
            tuple[dict[str, dict], int]: By the name of the image's folder, in the order of names; and how many others
            are another model's.
        """
        found, others = {}, 0
        for path in sorted(self.folder.rglob(SUMMARY)):
            summary = _read(path)
            if summary is None or not {'image', 'forged_share', 'origin'} <= set(summary):
                continue
            if summary['origin'].get('model') == self._hash:
                found[path.parent.relative_to(self.folder).as_posix()] = summary
            else:
                others += 1
        return found, others

    def write(self, name: str, path: Path, state: dict[str, int], prediction: Prediction) -> None:
        """Write the files of an image, the summary last: where it is, the others are.

        Args:
            name (str): Of the image's folder.
            path (Path): Its file.
            state (dict[str, int]): :func:`file_state` of it before it was read.
            prediction (Prediction): Of it.

        Raises:
            OSError: If something cannot be written.
            ValueError: If clusters are wanted of a model that has none.
        """
        prediction = replace(prediction, source=path)
        if not self._made_by.get('clusters'):
            prediction = replace(prediction, clusters=None)
        elif prediction.clusters is None:
            raise ValueError('this model has no clusters of the image as a whole: leave --clusters out')
        prediction.save(self.folder / name, self._origin(state))

    def _summary(self, name: str) -> Path:
        return self.folder / name / SUMMARY

    def _origin(self, state: dict[str, int]) -> dict[str, Any]:
        """What a summary says of its origin."""
        return dict(model=self._hash, **state)


def _read(path: Path) -> dict[str, Any] | None:
    """What a file of JSON holds; None where it is damaged."""
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
