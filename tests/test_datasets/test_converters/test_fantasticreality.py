"""A miniature of FantasticReality."""

from pathlib import Path

import numpy as np
from miniatures import converted, write_image

from focal_mmseg.datasets.converters import SETS, convert


def test_masks_are_arrays_and_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    source = tmp_path / 'FantasticReality_v1' / 'dataset'
    for name in ('1', 'flat', 'none', 'text'):
        write_image(source / 'ColorFakeImages' / f'{name}.jpg')
    write_image(source / 'ColorRealImages' / '1.jpg', seed=1)
    masks = source / 'SegmentationFake'
    masks.mkdir()
    classes = np.zeros((24, 32), np.int64)
    classes[3:9, 5:20], classes[12:14] = 1, 7
    np.savez_compressed(masks / '1.npz', classes)
    np.savez_compressed(masks / 'flat.npz', np.zeros(24 * 32))
    (masks / 'text.npz').write_bytes(b'no array')
    report = convert(SETS['fantasticreality'], tmp_path / 'FantasticReality_v1', tmp_path / 'out')
    assert report.counts == {'splice': 1, 'pristine': 1}
    assert np.array_equal(converted(tmp_path / 'out', 'splice/1'), classes > 0)
    assert not converted(tmp_path / 'out', 'pristine/1').any()
    said = sorted(line.split(': ', 1)[1] for line in report.dropped)
    assert len(said) == 3
    assert said[1] == 'its mask flat.npz holds float64 of shape (768,), where one map is wanted'
    assert said[0].startswith('its mask cannot be used: ') and 'text.npz cannot be read' in said[0]
    assert said[2] == 'its mask none.npz does not exist'
