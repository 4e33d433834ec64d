"""The scripts that a clone has in tools/, and an installation inside the package."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# An installation's first: beside it another package's tools may lie.
TOOL_FOLDERS = (PACKAGE / '.mim' / 'tools', PACKAGE.parent / 'tools')


def find_tool(name: str) -> Path:
    """The file of a tool.

    Args:
        name (str): As ``'train.py'``.

    Returns:
        Path: In an installation, or else in a clone.

    Raises:
        FileNotFoundError: If there is none.
    """
    for folder in TOOL_FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f'tools/{name} is neither in a clone nor in this installation of focal_mmseg')
