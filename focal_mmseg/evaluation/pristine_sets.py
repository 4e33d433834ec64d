"""Test sets without a forged pixel: of those nobody declared so, the metrics would say nothing."""

from collections.abc import Sequence

from focal_mmseg.utils import ConfigError

DECLARED = 'pristine'


def no_forged_pixel_message(where: str, example: str) -> str:
    """What to say of a test set without a forged pixel.

    Args:
        where (str): Which set.
        example (str): One of its images or masks.
    """
    return (
        f'{where}: no image has a forged pixel ({example}, for one), so that every metric would be of pristine images. '
        'If there are forgeries, check that the pipeline has LoadForgeryMask, and seg_map_suffix, forged_is and '
        'mask_threshold of the data set. If all are pristine, say so: by the kind pristine (a folder of that name, or '
        "the third column of the list file), by data_prefix.seg_map_path='' with pristine_without_mask=True, or by "
        'pristine_set=True of ForgeryMetric'
    )


def require_forged_images(rows: Sequence[dict]) -> None:
    """Refuse test sets in which no image has a forged pixel, unless each image is declared pristine.

    Args:
        rows (Sequence[dict]): An image each: ``dataset``, ``image``, ``is_pristine`` and ``is_declared``.

    Raises:
        ConfigError: If there is such a set.
    """
    sets: dict[str, list[dict]] = {}
    for row in rows:
        sets.setdefault(row['dataset'], []).append(row)
    for name, members in sets.items():
        undeclared = [row for row in members if not row['is_declared']]
        if undeclared and all(row['is_pristine'] for row in members):
            where = f'the test set {name}' if name else 'the test set'
            raise ConfigError(no_forged_pixel_message(where, undeclared[0]['image']))
