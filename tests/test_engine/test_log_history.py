"""The log's history on its way through a checkpoint."""

import io

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, MessageHub

from focal_mmseg.engine.log_history import as_log, as_plain_log


def test_the_history_comes_back_from_a_file_of_weights_alone() -> None:
    hub = MessageHub('history')
    for value in (1.0, 0.5, 0.25):
        hub.update_scalar('train/loss', value, count=2)
    hub.update_info('best_score', np.float32(0.5))
    hub.update_info('keep_ckpt_ids', [1, 2])
    file = io.BytesIO()
    torch.save(as_plain_log(hub.state_dict()), file)
    file.seek(0)
    found = MessageHub('found')
    found.load_state_dict(as_log(torch.load(file, weights_only=True)))
    for one, other in zip(found.get_scalar('train/loss').data, hub.get_scalar('train/loss').data, strict=True):
        np.testing.assert_array_equal(one, other)
    assert found.get_info('best_score') == 0.5 and found.get_info('keep_ckpt_ids') == [1, 2]


def test_what_mmengine_wrote_stays_as_it_is() -> None:
    history = HistoryBuffer([1.0], [1])
    state = dict(log_scalars=dict(loss=history), runtime_info={}, resumed_keys={})
    assert as_log(state)['log_scalars']['loss'] is history
