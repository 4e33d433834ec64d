"""The networks that ship inside the package, and the configs that they belong to."""

from difflib import get_close_matches
from pathlib import Path

# What a checkpoint's name begins with that means one of this folder: focal_mmseg://focal_lite
SCHEME = 'focal_mmseg://'
DEFAULT = 'focal_lite'
FOLDER = Path(__file__).parent
# Configs of a clone, then those that an installation brings.
CONFIG_FOLDERS = (FOLDER.parents[1] / 'configs', FOLDER.parent / '.mim' / 'configs')


def shipped() -> list[str]:
    """Names of the networks that ship."""
    return sorted(path.stem for path in FOLDER.glob('*.pth'))


def resolve_checkpoint(checkpoint: str | Path) -> Path:
    """The file that a checkpoint's name means.

    Args:
        checkpoint (str | Path): A path, or ``focal_mmseg://NAME`` for a network that ships.

    Returns:
        Path: The path itself, or that inside the package.

    Raises:
        FileNotFoundError: If no network of that name ships.
    """
    if not str(checkpoint).startswith(SCHEME):
        return Path(checkpoint).expanduser()
    name = str(checkpoint).removeprefix(SCHEME)
    if name not in shipped():
        raise FileNotFoundError(f'no network {name!r} ships with focal_mmseg; there are {", ".join(shipped())}')
    return FOLDER / f'{name}.pth'


def shipped_calibration(checkpoint: str | Path | None) -> Path | None:
    """The calibration that lies beside a network that ships, as ``tools/calibrate.py`` wrote it.

    Args:
        checkpoint (str | Path, optional): A name or a path.

    Returns:
        Path | None: None of a checkpoint that does not ship, or ships without one.
    """
    if checkpoint is None:
        return None
    path = resolve_checkpoint(checkpoint).with_suffix('.json')
    return path if path.parent.resolve() == FOLDER.resolve() and path.is_file() else None


def find_config(config: str | Path) -> Path:
    """The file of a config.

    Args:
        config (str | Path): A path, or a name of one of this project's, as ``focal_lite``.

    Returns:
        Path: The file.

    Raises:
        FileNotFoundError: If there is neither.
    """
    if Path(config).is_file():
        return Path(config)
    if not Path(config).is_absolute():
        for folder in CONFIG_FOLDERS:
            found = folder / (config if Path(config).suffix == '.py' else f'{config}.py')
            if found.is_file():
                return found
    near = get_close_matches(str(config), config_names(), 1)
    meant = f', did you mean {near[0]}?' if near else '.'
    raise FileNotFoundError(
        f'the config {config} does not exist, as a file or as a name of this project{meant} "focal-mmseg list" shows '
        'the names'
    )


def config_path(config: str | Path) -> str:
    """The same as text, for a config of your own that inherits one of this project's.

    mmengine runs what stands behind ``_base_``, also in mmseg's own tools::

        _base_ = __import__('focal_mmseg').config_path('focal_vit')

    Args:
        config (str | Path): See :func:`find_config`.

    Raises:
        FileNotFoundError: See there.
    """
    return find_config(config).as_posix()


def config_folder() -> Path:
    """The folder of this project's configs: of a clone, or else of the installation.

    Raises:
        FileNotFoundError: If there is neither.
    """
    for folder in CONFIG_FOLDERS:
        if folder.is_dir():
            return folder.resolve()
    raise FileNotFoundError('this installation of focal_mmseg has no configs: install the package again')


def config_names() -> list[str]:
    """Names that :func:`find_config` knows, those of the top folder first."""
    folder = config_folder()
    found = [path.relative_to(folder) for path in folder.rglob('*.py') if '_base_' not in path.parts]
    return [path.with_suffix('').as_posix() for path in sorted(found, key=lambda path: (len(path.parts), path))]
