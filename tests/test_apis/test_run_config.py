"""The data sets of one config for the network of another."""

import copy
from pathlib import Path

import pytest
from mmengine.config import Config
from mmseg.registry import DATA_SAMPLERS, DATASETS

from focal_mmseg.apis.run_config import CONVERTED, _use_plain_norms, parse_options, use_data
from focal_mmseg.datasets.converters import SETS, DataSet, convert
from focal_mmseg.datasets.tested_images import sources
from focal_mmseg.datasets.wrapped import iter_dataset_configs
from focal_mmseg.utils import ConfigError, read_config

TEST_SETS = ('columbia', 'coverage', 'casia1', 'misd', 'nist16', 'ffpp')
TIMES = {'tampcoco-sp': 1, 'tampcoco-cm': 1, 'tampcoco-bcm': 1, 'tampcoco-bcmc': 1, 'casia2': 40, 'imd2020': 20}


@pytest.fixture
def all_sets(forged_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every set in ``data/<name>``, as prepare_data writes it, with two small images each."""
    from focal_mmseg.datasets.converters.base import ReleasedImage

    train = forged_set / 'train'
    images = [
        ReleasedImage(
            train / 'images' / 'splice' / f'0000{n}.jpg', (train / 'masks' / 'splice' / f'0000{n}.png',), 'splice'
        )
        for n in range(2)
    ]
    for name in SETS:
        made = DataSet(name, name, '', {}, lambda *_: images)
        convert(made, forged_set, tmp_path / 'data' / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_six_test_sets_are_a_row_each_and_keep_the_networks_pipeline(root: Path, all_sets: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'demo' / 'focal_hrnet-compact.py')
    use_data(cfg, root / 'configs' / '_base_' / 'datasets' / 'forgery_test.py', ('test',))
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    found = list(sources(dataset))
    assert [each.dataset for each in found[::2]] == list(TEST_SETS) and len(found) == 12
    assert [type(step).__name__ for step in dataset.datasets[3].pipeline.transforms] == [
        step.type for step in cfg.test_pipeline
    ]
    assert 'NoiseResidual' in [step.type for step in cfg.test_pipeline]
    assert cfg.train_dataloader.dataset.data_root == 'work_dirs/demo/data/train'


def test_training_sets_are_repeated_as_released_and_nothing_is_validated(root: Path, all_sets: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    use_data(cfg, root / 'configs' / '_base_' / 'datasets' / 'forgery_train.py', ('train', 'val'))
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(dataset) == 2 * sum(TIMES.values())
    assert [(each.times, each.dataset.dataset_name) for each in dataset.datasets] == [
        (times, name) for name, times in TIMES.items()
    ]
    assert cfg.val_dataloader is None and cfg.val_evaluator is None
    assert cfg.default_hooks.checkpoint.save_best is None


@pytest.mark.parametrize('part', ['train', 'test'])
def test_each_set_is_taken_by_its_name(root: Path, all_sets: Path, part: str) -> None:
    network = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    for name in SETS:
        cfg = copy.deepcopy(network)
        use_data(cfg, name, (part,))
        dataset = cfg[f'{part}_dataloader'].dataset
        assert dataset.data_root == f'data/{name}' and dataset.get('test_mode', False) == (part == 'test')
        assert [each.dataset for each in sources(DATASETS.build(dataset))] == [name] * 2


def test_several_names_and_configs_are_put_together(root: Path, all_sets: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'demo' / 'focal_hrnet-compact.py')
    use_data(cfg, ['casia1', root / 'configs' / '_base_' / 'datasets' / 'demo.py', 'misd'], ('test',))
    sets = list(iter_dataset_configs(cfg.test_dataloader.dataset))
    assert [each.data_root for each in sets] == ['data/casia1', 'work_dirs/demo/data/test', 'data/misd']
    assert all(each.pipeline == cfg.test_pipeline for each in sets)
    assert cfg.train_dataloader.dataset.data_root == 'work_dirs/demo/data/train'


def test_a_set_of_ones_own_in_the_same_form_has_a_name_too(root: Path, all_sets: Path) -> None:
    (all_sets / 'data' / 'casia1').rename(all_sets / 'data' / 'mine')
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    use_data(cfg, ['mine'], ('test',))
    assert len(DATASETS.build(cfg.test_dataloader.dataset)) == 2


@pytest.mark.parametrize(('name', 'near'), [('casai1', ', did you mean casia1'), ('data/casia1', ''), ('../x', '')])
def test_an_unknown_name_lists_the_known_ones_and_the_nearest(root: Path, name: str, near: str) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    with pytest.raises(ConfigError, match=rf"no data set '{name}'{near}.*autosplice, casia1, casia1plus,.*columbia"):
        use_data(cfg, [name], ('test',))


def test_a_named_set_that_is_not_converted_yet_names_its_folder(root: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    use_data(cfg, 'casia1', ('test',))
    with pytest.raises(FileNotFoundError, match='data/casia1'):
        DATASETS.build(cfg.test_dataloader.dataset)


def test_names_mean_the_form_that_the_configs_of_sets_have(root: Path) -> None:
    assert read_config(root / 'configs' / '_base_' / 'datasets' / 'converted.py').converted == CONVERTED


def test_a_named_training_set_validates_nothing_and_test_sets_train_nothing(root: Path) -> None:
    folder = root / 'configs' / '_base_' / 'datasets'
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    use_data(cfg, 'casia2', ('train', 'val'))
    assert cfg.train_dataloader.dataset.data_root == 'data/casia2' and cfg.val_dataloader is None
    with pytest.raises(ValueError, match=r'forgery_test\.py has no data sets for train or val'):
        use_data(cfg, folder / 'forgery_test.py', ('train', 'val'))


def test_the_mixture_and_the_six_hold_their_own_sets_alone(root: Path) -> None:
    folder = root / 'configs' / '_base_' / 'datasets'
    test, train = (Config.fromfile(folder / f'forgery_{part}.py') for part in ('test', 'train'))
    assert test.train_dataloader is None and test.val_dataloader is train.val_dataloader is None
    for cfg in (test, train):
        held = [each.data_root for each in iter_dataset_configs(cfg.test_dataloader.dataset)]
        assert held == [f'data/{name}' for name in TEST_SETS]
    mixed = list(iter_dataset_configs(train.train_dataloader.dataset))
    assert [each.data_root for each in mixed] == [f'data/{name}' for name in TIMES]
    assert all(each.forged_only for each in mixed)


def test_cat_nets_lists_are_for_the_balanced_sampler(root: Path, all_sets: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'pscc_retrained.py')
    use_data(cfg, root / 'configs' / '_base_' / 'datasets' / 'catnet_lists.py', ('train', 'val'))
    held = list(iter_dataset_configs(cfg.train_dataloader.dataset))
    assert [each.data_root for each in held] == ['data/fantasticreality', 'data/casia2', 'data/imd2020']
    assert [each.get('forged_only', False) for each in held] == [False, False, True]
    assert cfg.val_dataloader is None
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    sampler = DATA_SAMPLERS.build(dict(cfg.train_dataloader.sampler, dataset=dataset, seed=0))
    # These miniatures have no pristine image; those of the releases make five lists.
    assert [len(each) for each in sampler.lists] == [2, 2, 2]


def test_a_training_runs_on_the_training_sets(root: Path, run_tool, trained, all_sets: Path) -> None:
    data = root / 'configs' / '_base_' / 'datasets' / 'forgery_train.py'
    run_tool(root / 'tools' / 'train.py', trained[0], '--work-dir', all_sets / 'work', '--data', data)
    assert (all_sets / 'work' / 'iter_1.pth').is_file()


def test_views_are_averaged_on_several_sets(root: Path, run_tool, trained, all_sets: Path) -> None:
    data = root / 'configs' / '_base_' / 'datasets' / 'forgery_test.py'
    out = all_sets / 'out'
    run_tool(root / 'tools' / 'test.py', *trained, '--work-dir', out, '--out', out, '--data', data, '--tta')
    assert sorted(path.name for path in out.iterdir() if (path / 'splice').is_dir()) == sorted(TEST_SETS)
    assert '| mean of sets' in (out / 'summary.md').read_text()


def test_a_config_without_the_data_is_refused(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    with pytest.raises(ValueError, match=r'adam_40k\.py has no data sets for test'):
        use_data(cfg, root / 'configs' / '_base_' / 'schedules' / 'adam_40k.py', ('test',))


def test_options_are_parsed_as_on_the_command_line() -> None:
    assert parse_options(['a.b=1', 'c=[x,y]', 'd=512,512', 'e=None']) == {
        'a.b': 1,
        'c': ['x', 'y'],
        'd': [512, 512],
        'e': None,
    }
    with pytest.raises(ValueError, match="expected KEY=VALUE, got 'a'"):
        parse_options(['a'])


def test_without_gpus_no_norm_waits_for_other_processes(root: Path) -> None:
    model = Config.fromfile(root / 'configs' / 'focal_hrnet.py').model
    assert 'SyncBN' in str(model)
    _use_plain_norms(model)
    assert 'SyncBN' not in str(model) and "'type': 'BN'" in str(model)
