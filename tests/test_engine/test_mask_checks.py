"""Masks that mmseg's loader would read as labels, and test sets without a forgery."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.dataset import Compose
from mmseg.registry import DATASETS

from focal_mmseg.engine.mask_checks import mask_loader, require_forged, require_masks_as_labels
from focal_mmseg.utils import ConfigError

LABELS = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
OURS = [dict(type='LoadImageFromFile'), dict(type='LoadForgeryMask'), dict(type='PackSegInputs')]
IMAGE = np.full((8, 9, 3), 90, np.uint8)


def mask(*values: int) -> np.ndarray:
    """A mask whose rows hold the values in turn."""
    return np.repeat(np.resize(np.array(values, np.uint8), 8)[:, None], 9, 1)


@pytest.fixture
def built(tmp_path: Path) -> Callable[..., object]:
    """Builds a data set of images with these masks; of None there is no file."""

    def build(masks: dict[str, np.ndarray | None], type: str = 'ForgeryDataset', **options: object) -> object:
        for name, content in masks.items():
            for folder, plane in (('images', IMAGE), ('masks', content)):
                path = tmp_path / folder / f'{name}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                if plane is not None:
                    cv2.imwrite(str(path), plane)
        prefix = dict(img_path='images', seg_map_path='masks')
        own = dict(img_suffix='.png', seg_map_suffix='.png') if type == 'BaseSegDataset' else {}
        given = dict(type=type, data_root=str(tmp_path), data_prefix=prefix, pipeline=LABELS, **own)
        return DATASETS.build({**given, **options})

    return build


@pytest.mark.parametrize('type', ['ForgeryDataset', 'BaseSegDataset'])
@pytest.mark.parametrize('wrap', [False, True])
def test_black_and_white_masks_are_not_read_as_labels(built: Callable, type: str, wrap: bool) -> None:
    dataset = built({'a': mask(0), 'b': mask(0, 255)}, type)
    if wrap:
        dataset = DATASETS.build(dict(type='RepeatDataset', times=2, dataset=dataset))
    with pytest.raises(ConfigError, match=r'train_dataloader.*LoadAnnotations.*b\.png.*LoadForgeryMask'):
        require_masks_as_labels(dataset, 'train_dataloader')


@pytest.mark.parametrize('type', ['ForgeryDataset', 'BaseSegDataset'])
@pytest.mark.parametrize('values', [(0, 1), (0, 1, 255), (0,)])
def test_masks_of_labels_are_read_as_before(built: Callable, type: str, values: tuple[int, ...]) -> None:
    require_masks_as_labels(built({'a': mask(*values), 'b': mask(0)}, type), 'train_dataloader')


@pytest.mark.parametrize(
    ('masks', 'options', 'says'),
    [
        ({'a': mask(0, 1, 77)}, {}, r'a\.png holds the value 77, which is no label'),
        ({'a': mask(0, 1)}, dict(forged_is='black'), "does not know forged_is='black'"),
        ({'a': mask(0, 1), 'b': None}, dict(pristine_without_mask=True), r'b\.png has no mask, which it cannot read'),
    ],
)
def test_what_the_loader_of_labels_does_not_know_is_refused(
    built: Callable, masks: dict, options: dict, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        require_masks_as_labels(built(masks, **options), 'train_dataloader')


@pytest.mark.parametrize('type', ['ForgeryDataset', 'BaseSegDataset'])
@pytest.mark.parametrize('pipeline', [OURS, LABELS])
def test_a_test_set_without_a_forged_pixel_is_refused(built: Callable, type: str, pipeline: list) -> None:
    dataset = built({'a': mask(0), 'b': mask(0)}, type, pipeline=pipeline)
    with pytest.raises(ConfigError, match=r'test_dataloader.*no image has a forged pixel.*pristine_set=True'):
        require_forged(dataset, 'test_dataloader')


def test_one_forged_pixel_is_enough(built: Callable) -> None:
    forged = mask(0)
    forged[3, 4] = 255
    require_forged(built({'a': mask(0), 'b': forged}, pipeline=OURS), 'test_dataloader')


def test_each_set_needs_its_own(built: Callable, tmp_path: Path) -> None:
    (tmp_path / 'index.tsv').write_text('a.png\ta.png\t\tone\nb.png\tb.png\t\ttwo\n')
    dataset = built({'a': mask(0, 255), 'b': mask(0)}, pipeline=OURS, ann_file='index.tsv')
    with pytest.raises(ConfigError, match='test_dataloader, the set two'):
        require_forged(dataset, 'test_dataloader')


@pytest.mark.parametrize('how', ['folder', 'list', 'no folder of masks', 'list without masks'])
def test_a_set_that_is_declared_pristine_is_tested(built: Callable, tmp_path: Path, how: str) -> None:
    options: dict = dict(pipeline=OURS, pristine_without_mask=True)
    name = 'pristine/a' if how == 'folder' else 'a'
    if 'list' in how:
        line = 'a.png\ta.png\tpristine\n' if how == 'list' else 'a.png\n'
        (tmp_path / 'index.tsv').write_text(line)
        options['ann_file'] = 'index.tsv'
    if how == 'no folder of masks':
        options['data_prefix'] = dict(img_path='images', seg_map_path='')
    require_forged(built({name: mask(0)}, **options), 'test_dataloader')


def test_images_without_masks_beside_a_folder_of_them_are_not_declared(built: Callable) -> None:
    (dataset := built({'a': None}, pipeline=OURS, pristine_without_mask=True)).full_init()
    with pytest.raises(ConfigError, match=r'a\.png, for one'):
        require_forged(dataset, 'test_dataloader')


def test_what_cannot_be_looked_at_is_left_to_the_run(built: Callable, tmp_path: Path) -> None:
    dataset = built({'a': mask(0)}, pipeline=[dict(type='LoadImageFromFile')])
    require_forged(dataset, 'test_dataloader')
    dataset = built({'b': mask(0)}, pipeline=OURS)
    for name in 'ab':
        (tmp_path / 'masks' / f'{name}.png').write_bytes(b'no image')
    require_forged(dataset, 'test_dataloader')


def test_the_loader_is_found_inside_other_transforms() -> None:
    views = dict(type='TestTimeAug', transforms=[[dict(type='RandomFlip', prob=0.0)], [dict(type='LoadForgeryMask')]])
    chosen = dict(type='RandomChoice', transforms=[[dict(type='RandomFlip', prob=0.0)], [dict(type='LoadAnnotations')]])
    for transform, name in ((views, 'LoadForgeryMask'), (chosen, 'LoadAnnotations')):
        assert type(mask_loader(Compose([dict(type='LoadImageFromFile'), transform]))).__name__ == name
    assert mask_loader(Compose([dict(type='LoadImageFromFile')])) is None
