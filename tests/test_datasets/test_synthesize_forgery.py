"""Forgeries made at training."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner, set_random_seed
from mmseg.registry import DATASETS, TRANSFORMS

from focal_mmseg.datasets.synthesis import load_packaged


@pytest.fixture(scope='module')
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('photographs')
    for name in ('chelsea', 'coffee', 'rocket'):
        cv2.imwrite(str(folder / f'{name}.png'), load_packaged(name)[..., ::-1])
    return folder


@pytest.fixture(scope='module')
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp('recipe') / 'small.yaml'
    path.write_text(
        'base: psccnet\nsize: 128\nsource_quality: [30, 60]\n'
        'kinds: {splice: 1, copy-move: 1, removal: 1, local: 1, pristine: 1}\n'
    )
    return str(path)


def forged(transform: object, count: int) -> list[dict]:
    image = np.ascontiguousarray(load_packaged('chelsea')[..., ::-1])
    return [transform(dict(img=image.copy(), ori_shape=image.shape[:2])) for _ in range(count)]


def test_images_fit_their_masks_and_are_the_same_for_a_seed(photographs: Path, recipe: str) -> None:
    transform = TRANSFORMS.build(dict(type='SynthesizeForgery', recipe=recipe, donors=str(photographs)))
    set_random_seed(3)
    first = forged(transform, 20)
    set_random_seed(3)
    again = forged(pickle.loads(pickle.dumps(transform)), 20)
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one['img'], other['img']) and np.array_equal(one['gt_seg_map'], other['gt_seg_map'])
        assert one['img'].shape == (128, 128, 3)
        assert one['img_shape'] == one['ori_shape'] == one['gt_seg_map'].shape == (128, 128)
        assert one['seg_fields'] == ['gt_seg_map'] and one['gt_seg_map'].dtype == np.uint8
        assert set(np.unique(one['gt_seg_map'])) == ({0} if one['kind'] == 'pristine' else {0, 1})
    assert {each['kind'] for each in first} == {'splice', 'copy-move', 'removal', 'local', 'pristine'}
    assert not np.array_equal(first[0]['img'], first[1]['img'])
    # BGR in, BGR out: the cat is red.
    blue, _, red = np.mean([each['img'].mean((0, 1)) for each in first], axis=0)
    assert red > blue + 20


@pytest.mark.parametrize('shape', [(1, 1), (3, 3), (20, 20), (31, 400)])
def test_an_image_without_room_for_a_forgery_is_named(shape: tuple[int, int], recipe: str) -> None:
    transform = TRANSFORMS.build(dict(type='SynthesizeForgery', recipe=recipe, kinds={'copy-move': 1}))
    with pytest.raises(ValueError, match=r'a/small\.png has a side below 32 pixels'):
        transform(dict(img=np.zeros((*shape, 3), np.uint8), ori_shape=shape, img_path='a/small.png'))


@pytest.mark.parametrize('recipe', ['tampcoco', 'psccnet'])
def test_the_smallest_images_are_forged(recipe: str) -> None:
    kinds = {'copy-move': 1, 'removal': 1, 'local': 1}
    transform = TRANSFORMS.build(dict(type='SynthesizeForgery', recipe=recipe, kinds=kinds))
    for shape in ((32, 32), (32, 90)):
        image = cv2.resize(load_packaged('coffee'), shape[::-1])
        for seed in range(20):
            set_random_seed(seed)
            made = transform(dict(img=image, ori_shape=shape))
            assert made['gt_seg_map'].shape == made['img'].shape[:2] and made['gt_seg_map'].any()


def test_a_donor_without_room_is_left_out_with_a_warning(photographs: Path, tmp_path: Path, recipe: str) -> None:
    for size, name in ((20, 'small'), (200, 'large')):
        cv2.imwrite(str(tmp_path / f'{name}.png'), cv2.resize(load_packaged('coffee'), (size, size)))
    transform = TRANSFORMS.build(
        dict(type='SynthesizeForgery', recipe=recipe, donors=str(tmp_path), kinds={'splice': 1})
    )
    set_random_seed(0)
    with pytest.warns(UserWarning, match=r'left out as a donor: the photograph small\.png has a side below 32'):
        assert len(forged(transform, 6)) == 6


def test_a_broken_donor_is_left_out_with_a_warning(photographs: Path, tmp_path: Path, recipe: str) -> None:
    (tmp_path / 'a.jpg').write_bytes(b'no image')
    options = dict(type='SynthesizeForgery', recipe=recipe, kinds={'splice': 1})
    transform = TRANSFORMS.build(dict(donors=str(tmp_path), **options))
    with pytest.warns(UserWarning, match=r'cannot read .*a\.jpg'), pytest.raises(ValueError, match='no photograph'):
        forged(transform, 1)


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        (dict(), 'splices need a folder of donors'),
        (dict(recipe='tampcico'), "no recipe 'tampcico': there are demo, psccnet, tampcoco, world"),
        (dict(kinds={'splise': 1}), 'kinds: unknown splise'),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TRANSFORMS.build(dict(type='SynthesizeForgery', **options))


def test_a_folder_of_clean_photographs_is_enough_to_train(
    root: Path, photographs: Path, recipe: str, forged_set: Path, tmp_path: Path
) -> None:
    base = root / 'configs'
    demo = Config.fromfile(base / 'demo' / 'focal_hrnet-compact.py')
    cfg = Config.fromfile(base / 'focal_hrnet_online.py')
    cfg.model = demo.model
    cfg.model.data_preprocessor.size = (128, 128)
    cfg.work_dir = str(tmp_path)
    cfg.train_pipeline[1].update(recipe=recipe, donors=str(photographs))
    cfg.train_pipeline[2].scale = (128, 128)
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False, batch_size=2)
    cfg.train_dataloader.dataset.update(pipeline=cfg.train_pipeline)
    cfg.train_dataloader.dataset.data_prefix.img_path = str(photographs)
    cfg.merge_from_dict({'train_cfg.max_iters': 1, 'default_hooks.logger.interval': 1, 'val_dataloader': None})
    cfg.val_cfg = cfg.val_evaluator = cfg.test_cfg = cfg.test_evaluator = cfg.test_dataloader = None
    cfg.default_hooks.checkpoint.update(interval=1, save_best=None)
    assert len(DATASETS.build(cfg.train_dataloader.dataset)) == 3
    runner = Runner.from_cfg(cfg)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    runner.train()
    assert (tmp_path / 'iter_1.pth').is_file()
    after = runner.model.state_dict()
    assert any(not torch.equal(after[name], value) for name, value in before.items() if 'weight' in name)
