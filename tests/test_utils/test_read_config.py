"""Config files and options that could only surprise."""

import argparse
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from focal_mmseg.utils import ConfigError, override, read_config, require_device, run_command
from focal_mmseg.utils.arguments import device_name

ROOT = Path(__file__).parents[2]


def test_a_base_of_another_distribution_is_refused_without_installing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('mmengine.config.config.is_installed', lambda package: False)
    monkeypatch.setattr('mmengine.utils.package_utils.call_command', lambda command: pytest.fail('installs'))
    (tmp_path / 'mine.py').write_text("_base_ = 'mmseg::_base_/default_runtime.py'\n")
    with pytest.raises(ConfigError, match=r"mine\.py: a base of the form 'mmseg::\.\.\.'.*Do not install"):
        read_config(tmp_path / 'mine.py')


def test_what_a_config_imports_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / 'mine.py').write_text("name = __import__('no_such_package')\n")
    with pytest.raises(ModuleNotFoundError, match='no_such_package'):
        read_config(tmp_path / 'mine.py')


def test_our_tools_read_configs_in_no_other_way() -> None:
    for folder in ('focal_mmseg', 'tools'):
        for path in (ROOT / folder).rglob('*.py'):
            text = path.read_text(encoding='utf-8')
            if path.name != 'configs.py':
                assert 'Config.fromfile' not in text, path
            assert not any(name in text for name in ('get_config(', 'mmengine.hub', 'install_package')), path


@pytest.mark.parametrize(
    ('option', 'places'),
    [
        ('data_root', r'train_dataloader\.dataset\.data_root, .*test_dataloader\.dataset\.data_root'),
        ('norm_cfg.type', r'model\.backbone\.norm_cfg'),
        ('scale', r'train_dataloader\.dataset\.pipeline\.2\.scale'),
        ('dataset_type', r'train_dataloader\.dataset\.type'),
    ],
)
def test_a_variable_that_was_used_already_names_what_was_made_of_it(root: Path, option: str, places: str) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    with pytest.raises(ConfigError, match=rf'--cfg-options {option} would change nothing: .*{places}'):
        override(cfg, {option: 'x'})


def test_folders_below_a_variable_are_found_too(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'demo' / 'focal_hrnet-compact.py')
    with pytest.raises(ConfigError, match=r'train_dataloader\.dataset\.data_root, test_dataloader\.dataset\.data_root'):
        override(cfg, dict(data_root='elsewhere'))


def test_what_is_read_is_merged(root: Path, recwarn: pytest.WarningsRecorder) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    options = {
        'train_dataloader.dataset.data_root': 'x',
        'test_pipeline.1.scale': (512, 512),
        'tta_pipeline.1.transforms.0.0.scale': (512, 512),
        'find_unused_parameters': True,
        'default_hooks.logger.interval': 7,
        'activation_checkpointing': ['backbone'],
        'randomness.seed': 3,
    }
    override(cfg, options)
    assert cfg.train_dataloader.dataset.data_root == 'x' and cfg.default_hooks.logger.interval == 7
    assert cfg.find_unused_parameters and cfg.randomness.seed == 3 and not recwarn.list


def test_a_key_that_nothing_reads_is_told_of(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    with pytest.warns(UserWarning, match='nothing of mmengine reads train_dataloder, did you mean train_dataloader'):
        override(cfg, {'train_dataloder.batch_size': 2})


def test_devices_that_are_not_here_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert require_device('cpu') == device_name('cpu') == 'cpu'
    for name in ('gpu', *([] if torch.cuda.is_available() else ['cuda', 'cuda:1'])):
        with pytest.raises(ConfigError, match=f"torch has no device '{name}' here: give cpu"):
            require_device(name)
        with pytest.raises(argparse.ArgumentTypeError, match=f"no device '{name}'"):
            device_name(name)


def test_what_a_user_can_mend_ends_a_command_in_one_line() -> None:
    def fails() -> None:
        raise ConfigError('set it')

    with pytest.raises(SystemExit, match=r': set it$'):
        run_command(fails)
