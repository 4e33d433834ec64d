"""A training through DeepSpeed: two processes without a GPU, a bfloat16 network, the optimizer's state shared out."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config

from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.engine.deepspeed import prepare_deepspeed
from focal_mmseg.engine.latest_checkpoint import latest_checkpoint


@pytest.fixture
def config(root: Path, small_config: Callable[..., Config], tmp_path: Path) -> Path:
    """The config of ViT-H with a small network in place of it, four steps and a validation after two."""
    cfg = small_config(root / 'configs' / 'backbones' / 'focal_vit-h_deepspeed.py')
    small = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64, global_attn_indexes=[1])
    cfg.model.backbone.update(arch=small, img_size=128, window_size=4, drop_path_rate=0.3)
    cfg.model.neck.update(in_channels=32, out_channels=16)
    cfg.model.decode_head.update(in_channels=16, channels=16)
    cfg.model.decode_head.loss_decode.max_pixels = 50
    cfg.strategy.recomputed = cfg.strategy.recomputed[:2]
    cfg.train_dataloader.batch_size = 1
    cfg.train_cfg.update(max_iters=4, val_interval=2)
    cfg.default_hooks.checkpoint.interval = 2
    cfg.dump(tmp_path / 'config.py')
    return tmp_path / 'config.py'


def run(*command: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, env=os.environ | dict(OMP_NUM_THREADS='1')
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_a_training_goes_on_as_if_not_interrupted_and_its_weights_can_be_tested(
    root: Path, config: Path, tmp_path: Path
) -> None:
    pytest.importorskip('deepspeed', reason="pip install '.[deepspeed]'")

    def train(*arguments: str) -> str:
        launch = ('-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2')
        options = ('--work-dir', tmp_path / 'work', '--launcher', 'pytorch', *arguments)
        return run(*launch, root / 'tools' / 'train.py', config, *options)

    def weights(name: str) -> dict[str, torch.Tensor]:
        run(tmp_path / 'work' / 'zero_to_fp32.py', tmp_path / 'work', tmp_path / name, '-t', 'iter_4.pth')
        return load_weights(tmp_path / name / 'pytorch_model.bin')

    train()
    expected = weights('uninterrupted')
    # As if it had been killed while it wrote: one process's part is there without its end, the other's not at all.
    folder = tmp_path / 'work' / 'iter_4.pth'
    shutil.move(folder, tmp_path / 'aside')
    folder.mkdir()
    (folder / 'bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt').write_bytes(b'PK')
    log = train('--resume')
    assert '- Iter(train) [2/4]' not in log and '- Iter(train) [3/4]' in log
    found = weights('resumed')
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], value) for name, value in expected.items())

    run(root / 'tools' / 'test.py', config, tmp_path / 'resumed' / 'pytorch_model.bin', '--out', tmp_path / 'masks')
    assert np.isfinite(np.genfromtxt(tmp_path / 'masks' / 'images.csv', delimiter=',', names=True)['macro_f1']).all()


def test_without_a_launcher_or_without_deepspeed_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ModuleNotFoundError, match='pip install'):
        prepare_deepspeed(SimpleNamespace(launcher='pytorch'))
    monkeypatch.setattr('importlib.util.find_spec', lambda name: name)
    with pytest.raises(ValueError, match='torchrun'):
        prepare_deepspeed(SimpleNamespace(launcher='none'))


def test_a_folder_without_each_process_s_part_is_passed_over(tmp_path: Path) -> None:
    for step, ranks in ((2, 2), (4, 1), (6, 2)):
        folder = tmp_path / f'iter_{step}.pth'
        folder.mkdir()
        for name in ('mp_rank_00_model_states', *(f'zero_pp_rank_{r}_mp_rank_00_optim_states' for r in range(ranks))):
            torch.save({}, folder / f'{name}.pt')
    whole = (folder / 'mp_rank_00_model_states.pt').read_bytes()
    (folder / 'mp_rank_00_model_states.pt').write_bytes(whole[:-40])
    found, lacks = latest_checkpoint(tmp_path, processes=2)
    assert found == tmp_path / 'iter_2.pth'
    assert 'mp_rank_00_model_states.pt cannot be read' in lacks[0].reason
    assert 'no optimizer state of process 1' in lacks[1].reason and all(lack.is_lost for lack in lacks)
