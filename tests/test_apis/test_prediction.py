"""Every kind of input gives the same, and a prediction shows and saves itself."""

import json
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from focal_mmseg.apis import FOCALInferencer, Prediction
from focal_mmseg.apis.prediction_folder import PredictionFolder, file_state
from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.utils import write_image


@pytest.fixture(scope='module')
def focal(trained: tuple[Path, Path]) -> FOCALInferencer:
    return FOCALInferencer(*trained, device='cpu')


@pytest.fixture(scope='module')
def lite() -> FOCALInferencer:
    return FOCALInferencer(device='cpu')


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """A JPEG file whose sides are no multiples of a block."""
    path = tmp_path / 'a photograph.jpg'
    write_image(path, cv2.resize(load_packaged('chelsea')[..., ::-1], (150, 90)))
    return path


def test_path_bytes_pil_image_and_array_give_the_same(focal: FOCALInferencer, image_path: Path) -> None:
    wanted = focal(image_path)
    image = cv2.imread(str(image_path))
    for given in (
        str(image_path),
        image_path.read_bytes(),
        Image.open(image_path),
        image,
        Image.fromarray(image[..., ::-1]),
    ):
        found = focal(given)
        np.testing.assert_array_equal(found.score, wanted.score)
        np.testing.assert_array_equal(found.overlay(), wanted.overlay())


def test_bytes_of_a_jpeg_keep_its_traces_and_pixels_do_not(lite: FOCALInferencer, photograph: Path) -> None:
    wanted = lite(photograph)
    np.testing.assert_array_equal(lite(photograph.read_bytes()).score, wanted.score)
    assert np.abs(lite(cv2.imread(str(photograph))).score - wanted.score).max() > 1e-3


def test_a_pil_image_is_turned_as_its_file_is(focal: FOCALInferencer, tmp_path: Path) -> None:
    path = tmp_path / 'turned.jpg'
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(load_packaged('chelsea')[:90, :150]).save(path, exif=exif, quality=100)
    by_file, by_image = focal(path), focal(Image.open(path))
    assert by_file.mask.shape == by_image.mask.shape == (150, 90)
    assert (by_file.mask == by_image.mask).mean() > 0.95


@pytest.mark.parametrize('batch_size', [None, 1, 3])
def test_a_list_gives_each_its_own_in_order(focal: FOCALInferencer, image_path: Path, batch_size: int | None) -> None:
    image = cv2.imread(str(image_path))
    images = [image_path, image[:, ::-1].copy(), image[:60].copy(), image_path.read_bytes()]
    found = focal(images, batch_size=batch_size)
    assert len(found) == 4
    for each, one in zip(images, found, strict=True):
        alone = focal(each)
        np.testing.assert_allclose(one.score, alone.score, atol=1e-4)
        assert one.image_score == pytest.approx(alone.image_score, abs=1e-4)
    assert focal([]) == []


def test_images_of_several_sizes_are_batched_apart(lite: FOCALInferencer, photograph: Path) -> None:
    image = cv2.imread(str(photograph))
    found = lite([image, image[:64, :80].copy(), image], batch_size=3)
    assert [each.mask.shape for each in found] == [(90, 150), (64, 80), (90, 150)]
    np.testing.assert_array_equal(found[0].score, found[2].score)


def test_labels_and_embeddings_lie_on_one_grid(focal: FOCALInferencer, image_path: Path) -> None:
    found = focal(image_path)
    assert found.labels.shape == found.embeddings.shape[1:]
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=0), 1, atol=1e-4)
    sizes = np.bincount(found.labels[found.labels >= 0])
    assert (np.diff(sizes) <= 0).all() and len(sizes) == found.summary['clusters']
    assert 0 <= found.image_score <= 1 and found.image_score == found.summary['image_score']


def test_embeddings_are_left_out_on_request(trained: tuple[Path, Path], image_path: Path) -> None:
    found = FOCALInferencer(*trained, device='cpu', keep_embeddings=False)(image_path)
    assert found.embeddings is None and found.labels is not None


def test_a_classifier_has_no_labels(classifier: tuple[Path, Path], image_path: Path) -> None:
    found = FOCALInferencer(*classifier, device='cpu')(image_path)
    assert (found.labels, found.embeddings, found.clusters, found.image_score) == (None,) * 4
    assert found._repr_png_().startswith(b'\x89PNG')


def test_a_notebook_shows_image_score_and_overlay() -> None:
    image = np.full((40, 60, 3), (10, 200, 30), np.uint8)
    score = np.zeros((40, 60), np.float32)
    score[:20] = 1
    found = Prediction((score > 0.5).astype(np.uint8) * 255, score, {}, source=image)
    shown = np.asarray(Image.open(BytesIO(found._repr_png_())))
    assert shown.shape == (320, 1440, 3)
    left, middle, right = np.split(shown, 3, axis=1)
    assert left[200, 240].tolist() == [30, 200, 10]
    assert middle[:140].mean() > 150 and middle[180:].mean() < 10
    # Forged pixels are redder, pristine ones as they were.
    assert right[60, 240, 0] > 100 and right[300, 240].tolist() == [30, 200, 10]


def test_save_writes_what_predict_writes(focal: FOCALInferencer, image_path: Path, tmp_path: Path) -> None:
    found = focal(image_path)
    folder = found.save(tmp_path / 'new' / 'folder')
    names = {path.name for path in folder.iterdir()}
    assert names == {'mask.png', 'score.png', 'overlay.png', 'clusters.png', 'summary.json'}
    np.testing.assert_array_equal(cv2.imread(str(folder / 'mask.png'), -1), found.mask)
    np.testing.assert_allclose(cv2.imread(str(folder / 'score.png'), -1) / 65535, found.score, atol=1e-5)
    summary = json.loads((folder / 'summary.json').read_text())
    assert summary['image'] == str(image_path) and summary['image_score'] == found.image_score
    results = PredictionFolder(tmp_path / 'out', dict(clusters=True))
    results.write('a', image_path, file_state(image_path), found)
    assert {path.name for path in (tmp_path / 'out' / 'a').iterdir()} == names
    for name in names - {'summary.json'}:
        assert (tmp_path / 'out' / 'a' / name).read_bytes() == (folder / name).read_bytes()
    other = json.loads((tmp_path / 'out' / 'a' / 'summary.json').read_text())
    assert other.pop('origin')['bytes'] == image_path.stat().st_size and other == summary


def test_a_file_that_changed_since_is_refused(focal: FOCALInferencer, image_path: Path) -> None:
    found = focal(image_path)
    write_image(image_path, np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(ValueError, match='the image changed since'):
        found.overlay()


def test_bad_input_is_named(focal: FOCALInferencer, image_path: Path) -> None:
    with pytest.raises(TypeError, match='expected a path, bytes, a PIL image or an array, got int'):
        focal(7)
    with pytest.raises(ValueError, match=r'^image 0 cannot be read') as error:
        focal(image_path.read_bytes()[:20])
    assert 'tmp' not in str(error.value)
    with pytest.raises(ValueError, match='batch_size must be at least 1'):
        focal([image_path], batch_size=0)
    with pytest.raises(ValueError, match='without its image'):
        Prediction(np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.float32), {}).overlay()


def test_a_prediction_is_a_line_of_text() -> None:
    found = Prediction(np.eye(10, 20, dtype=np.uint8) * 255, np.zeros((10, 20), np.float32), dict(image_score=0.25))
    assert repr(found) == 'Prediction(20x10, 5.0% forged, image score 0.25)'
    assert repr(Prediction(found.mask, found.score, {})) == 'Prediction(20x10, 5.0% forged)'
