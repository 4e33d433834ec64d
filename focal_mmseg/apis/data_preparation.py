"""A public data set brought into the form that the configs read, as tools/prepare_data.py does it."""

from pathlib import Path

from focal_mmseg.datasets.converters import SETS, DataSet, Report, convert
from focal_mmseg.datasets.converters.conversion import LeftOutError
from focal_mmseg.utils import ConfigError
from focal_mmseg.utils.tables import text_table

from .run_config import CONVERTED, SETS_FOLDER

LISTED = 20
# Single damaged files are so many; more says that a rule does not fit the download.
MOST_LEFT_OUT = 0.01


def prepare_data(
    name: str,
    source: str | Path,
    out: str | Path | None = None,
    *,
    copy: bool = False,
    most_left_out: float = MOST_LEFT_OUT,
) -> list[str]:
    """Convert a download, and say what was found.

    Args:
        name (str): Of the set, one of ``SETS``.
        source (str | Path): The folder it was unpacked into; is only read.
        out (str | Path, optional): Folder to write into. Defaults to ``data/<name>``.
        copy (bool): Copy the images in place of linking them. Defaults to False.
        most_left_out (float): The share of the forged or the pristine images, in 0..1, that may be left out. Defaults
            to ``MOST_LEFT_OUT``.

    Returns:
        list[str]: Images that were left out although the release should have them whole, a line each.

    Raises:
        ConfigError: If too much is left out, or the download is not this set's.
        FileNotFoundError: If there is no such folder.
    """
    dataset = SETS[name]
    out = Path(out or SETS_FOLDER / dataset.name)
    try:
        report = convert(dataset, Path(source), out, copy, most_left_out)
    except LeftOutError as error:
        show(dataset, error.report)
        raise ConfigError(str(error)) from error
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigError(str(error)) from error
    show(dataset, report)
    print(f'written to {out}: use data_root={out}, ann_file={CONVERTED["ann_file"]}')
    return report.dropped


def show(dataset: DataSet, report: Report) -> None:
    """Counts against the release, and what is unlike it."""
    kinds = sorted({*report.counts, *dataset.counts})
    rows = [(kind, report.counts[kind], dataset.counts.get(kind, 0)) for kind in kinds]
    print(text_table(('kind', 'converted', 'in the release'), rows))
    unused = [f'{number} in {folder}' for folder, number in report.unused.items()]
    for title, lines in (
        ('note', report.notes),
        ('mended', report.mended),
        ('paired by a corrected name', report.renamed),
        ('left out, as is known of the release', report.known),
        ('left out', report.dropped),
        ('images that no rule of this set takes', unused),
    ):
        for line in lines[:LISTED]:
            print(f'{title}: {line}')
        if len(lines) > LISTED:
            print(f'{title}: and {len(lines) - LISTED} more, see report.json')
