"""What makes results, and when they are done."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from focal_mmseg.apis import Prediction
from focal_mmseg.apis.prediction_folder import PredictionFolder, file_state, identity


@pytest.fixture
def fusion(tmp_path: Path) -> Path:
    """A config of a fusion, whose members' files are beside it."""
    for name in 'ab':
        (tmp_path / f'{name}.py').write_text("model = dict(type='EncoderDecoder')\n")
        (tmp_path / f'{name}.pth').write_bytes(name.encode())
    members = [dict(config=str(tmp_path / f'{name}.py'), checkpoint=str(tmp_path / f'{name}.pth')) for name in 'ab']
    (tmp_path / 'fusion.py').write_text(f"model = dict(type='FOCALFusion', members={members})\n")
    return tmp_path / 'fusion.py'


def changed(fusion: Path) -> Callable[..., set[str]]:
    """Tells later which parts of the identity are others by then."""
    before = identity(fusion, None, None)

    def after(checkpoint: Path | None = None, options: dict | None = None) -> set[str]:
        found = identity(fusion, checkpoint, options)
        return {key for key in found if found[key] != before[key]}

    return after


def test_the_same_model_has_the_same_identity(fusion: Path) -> None:
    assert changed(fusion)() == set()


def test_a_members_weights_and_config_count(fusion: Path, tmp_path: Path) -> None:
    after = changed(fusion)
    (tmp_path / 'b.pth').write_bytes(b'trained on')
    assert after() == {'weights'}
    (tmp_path / 'a.py').write_text("model = dict(type='FOCALEncoderDecoder')\n")
    assert after() == {'weights', 'config'}


def test_a_member_that_an_option_names_counts(fusion: Path, tmp_path: Path) -> None:
    (tmp_path / 'c.pth').write_bytes(b'c')
    after = changed(fusion)
    assert after(options={'model.members.1.checkpoint': str(tmp_path / 'c.pth')}) == {'weights', 'options'}


def test_the_checkpoint_counts_by_its_bytes_not_its_name(fusion: Path, tmp_path: Path) -> None:
    (tmp_path / 'copy.pth').write_bytes(b'a')
    weights = [identity(fusion, tmp_path / name, None)['weights'] for name in ('a.pth', 'copy.pth', 'b.pth')]
    assert weights[0] == weights[1] != weights[2]


@pytest.fixture
def results(tmp_path: Path) -> PredictionFolder:
    """Those of one model, with one image's."""
    image_path = tmp_path / 'a.png'
    cv2.imwrite(str(image_path), np.zeros((4, 5, 3), np.uint8))
    found = PredictionFolder(tmp_path / 'out', dict(weights='w'))
    found.claim(again=False)
    found.write(
        'a.png', image_path, file_state(image_path), Prediction(np.zeros((4, 5), np.uint8), np.zeros((4, 5)), {})
    )
    return found


def test_a_result_is_one_models_of_one_file(results: PredictionFolder, tmp_path: Path) -> None:
    image_path = tmp_path / 'a.png'
    assert results.is_done('a.png', image_path)
    assert not results.is_done('b.png', image_path)
    assert not results.is_done('a.png', tmp_path / 'nowhere.png')
    assert not PredictionFolder(tmp_path / 'out', dict(weights='v')).is_done('a.png', image_path)
    image_path.write_bytes(b'of another size')
    assert not results.is_done('a.png', image_path)


@pytest.mark.parametrize('content', [b'', b'{"version"', b'[1]', b'\xff', b'[' * 100_000], ids=range(5))
def test_damaged_notes_are_no_result_and_nobodys(results: PredictionFolder, tmp_path: Path, content: bytes) -> None:
    (tmp_path / 'out' / 'a.png' / 'summary.json').write_bytes(content)
    assert not results.is_done('a.png', tmp_path / 'a.png')
    (tmp_path / 'out' / 'predictions.json').write_bytes(content)
    with pytest.raises(ValueError, match=r'predictions\.json is damaged.*--again'):
        results.claim(again=False)
    results.claim(again=True)
    results.claim(again=False)


def test_a_result_that_was_not_written_to_its_end_is_none(
    results: PredictionFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_path = tmp_path / 'a.png'
    monkeypatch.setattr(cv2, 'imencode', lambda ending, image: (False, None))
    with pytest.raises(OSError, match='cannot write'):
        results.write('a.png', image_path, file_state(image_path), Prediction(np.zeros((4, 5)), np.zeros((4, 5)), {}))
    assert not results.is_done('a.png', image_path)
