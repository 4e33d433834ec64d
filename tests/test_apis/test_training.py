"""What a training changes of its config."""

from collections.abc import Callable
from pathlib import Path

import pytest

from focal_mmseg.apis.training import use_amp


def test_amp_switches_the_wrapper_and_refuses_a_third_kind(root: Path, small_config: Callable) -> None:
    cfg = small_config(root / 'configs' / 'focal_hrnet.py')
    use_amp(cfg)
    assert (cfg.optim_wrapper.type, cfg.optim_wrapper.loss_scale) == ('AmpOptimWrapper', 'dynamic')
    use_amp(cfg)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    cfg.optim_wrapper.type = 'ApexOptimWrapper'
    with pytest.raises(ValueError, match='ApexOptimWrapper'):
        use_amp(cfg)
