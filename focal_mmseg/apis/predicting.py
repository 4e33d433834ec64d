"""A folder of images localised, as tools/predict.py does it."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focal_mmseg.utils import IMAGE_SUFFIXES, ConfigError, search_images
from focal_mmseg.utils.progress import track

from .inferencer import FOCALInferencer, model_source
from .prediction_folder import PredictionFolder, file_state, identity
from .prediction_overview import require_own_overview, write_overview


@dataclass(frozen=True)
class Predicted:
    """What :func:`predict` wrote.

    Attributes:
        folder (Path): Where.
        summaries (dict[str, dict]): What is in ``summary.json`` of each image that was asked for, by the name of its
            folder; the page shows those of earlier calls too.
        failures (dict[str, str]): Why images have no result, by name.
        num_new (int): How many of the results were written by this call; the others were there.
    """

    folder: Path
    summaries: dict[str, dict[str, Any]]
    failures: dict[str, str]
    num_new: int


def predict(
    source: str | Path,
    out: str | Path,
    *,
    config: str | Path | None = None,
    checkpoint: str | Path | None = None,
    calibration: str | Path | None = None,
    clusters: bool = False,
    again: bool = False,
    device: str | None = None,
    cfg_options: dict[str, Any] | None = None,
) -> Predicted:
    """Localise forged regions in one's own images, and write what was found.

    Started again, it goes on with the images that have no result of this model yet, or have changed since. One that
    fails is reported on standard error, and the others go on.

    Args:
        source (str | Path): An image, or a folder that is searched for images with its sub-folders.
        out (str | Path): Folder to write into; each image has one of its name in it.
        config (str | Path, optional): Of the model. Defaults to the network that ships.
        checkpoint (str | Path, optional): Its weights. Defaults to those that the config names.
        calibration (str | Path, optional): Of ``tools/calibrate.py``: its threshold decides what is forged; see
            :class:`FOCALInferencer`.
        clusters (bool): Write the clusters of each image too. Defaults to False.
        again (bool): Replace results that are there, of another model too. Defaults to False.
        device (str, optional): As torch names it. Defaults to a GPU where there is one.
        cfg_options (dict, optional): Overrides of the config.

    Returns:
        Predicted: Each image is among its summaries or its failures.

    Raises:
        ConfigError: If something that the arguments name cannot be used, or the folder is another model's.
        FileNotFoundError: If a file or folder is missing, or there is no image.
    """
    try:
        found = find_sources(Path(source), Path(out))
        config, checkpoint = model_source(config, checkpoint)
        focal = FOCALInferencer(config, checkpoint, device, cfg_options, calibration)
        made_by = identity(config, checkpoint, cfg_options, focal.calibration)
        made_by |= dict(clusters=True) if clusters else {}
        results = PredictionFolder(Path(out), made_by)
        require_own_overview(Path(out))
        _claim(results, again)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigError(str(error)) from error
    waiting = {name: path for name, path in found.items() if again or not results.is_done(name, path)}
    failures = {}
    for name, path in track(waiting.items(), 'images'):
        try:
            state = file_state(path)
            results.write(name, path, state, focal(path))
        except Exception as error:  # whatever is wrong with one image, the others go on
            failures[name] = reason(error)
            print(f'failed: {path}: {failures[name]}', file=sys.stderr)
    everything = write_overview(results, found, failures, focal.color_type)
    summaries = {name: everything[name] for name in found if name in everything}
    return Predicted(Path(out), summaries, failures, len(waiting) - len(failures))


def _claim(results: PredictionFolder, again: bool) -> None:
    """Take the folder, or say why it cannot be."""
    try:
        results.claim(again)
    except FileExistsError:
        raise
    except OSError as error:
        raise ConfigError(
            f'cannot write into {results.folder}: {error.strerror}. Give another folder by --out'
        ) from error


def find_sources(source: Path, out: Path) -> dict[str, Path]:
    """Images by their name in the results; earlier results, where they lie in the same folder, are none.

    What else is in the folder is counted in a line of its own.

    Raises:
        FileNotFoundError: If there is nothing there, or no image in the folder.
    """
    if source.is_file():
        return {source.name: source}
    if not source.is_dir():
        raise FileNotFoundError(f'{source} does not exist')
    found = search_images(source, apart=out)
    if found.left_out:
        print(found.describe_left_out(), file=sys.stderr)
    if not found.paths:
        raise FileNotFoundError(f'{source} holds no image ({", ".join(IMAGE_SUFFIXES)})')
    return {path.relative_to(source).as_posix(): path for path in found.paths}


def reason(error: Exception) -> str:
    """Why an image failed, in one line; of what is no complaint about the image its kind too."""
    message = ' '.join(str(error).split())
    return message if isinstance(error, OSError | ValueError) else f'{type(error).__name__}: {message}'
