"""ForgeryMetric: every figure against scikit-learn's, the averages, and the files it writes."""

import csv
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample
from sklearn.metrics import f1_score, jaccard_score, roc_auc_score

from focal_mmseg.evaluation import ForgeryMetric, read_operating_curves, read_rows
from focal_mmseg.evaluation.localisation import LOCALISATION_METRICS

SCORES = ('macro_f1', 'forged_f1', 'iou', 'auc', 'false_alarm')


def of_scikit_learn(forged: np.ndarray, score: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The reference."""
    truth, forged, score = truth.ravel(), forged.ravel(), score.ravel()
    return dict(
        macro_f1=f1_score(truth, forged, average='macro'),
        forged_f1=f1_score(truth, forged, zero_division=1.0),
        iou=jaccard_score(truth, forged, zero_division=1.0),
        auc=roc_auc_score(truth, score) if len(np.unique(truth)) == 2 else np.nan,
        false_alarm=np.nan if truth.any() else forged.mean(),
    )


def drawn(seed: int, shape: tuple[int, int] = (12, 17), forged_share: float = 0.3) -> tuple[np.ndarray, ...]:
    """A random predicted mask, score and truth."""
    rng = np.random.default_rng(seed)
    truth = rng.random(shape) < forged_share
    score = np.clip(0.3 * truth + 0.7 * rng.random(shape), 0.01, 0.99).astype(np.float32)
    return score > 0.5, score, truth


def sample(
    forged: np.ndarray, score: np.ndarray, truth: np.ndarray | None, img_path: str = 'folder/1.jpg', **meta: str
) -> SegDataSample:
    """What a tested model and the pipeline give for one image."""
    score = torch.from_numpy(np.asarray(score, np.float32))
    found = SegDataSample(
        metainfo=dict(img_path=img_path, **meta),
        pred_sem_seg=PixelData(data=torch.from_numpy(forged.astype(np.int64))[None]),
        seg_logits=PixelData(data=torch.stack([1 - score, score]).log()),
    )
    if truth is not None:
        found.gt_sem_seg = PixelData(data=torch.from_numpy(truth.astype(np.int64))[None])
    return found


def evaluated(samples: list[SegDataSample], **options: object) -> dict[str, float]:
    """The figures of a metric that is built and run as a runner does; they may all be of pristine images."""
    evaluator = Evaluator([dict(dict(type='ForgeryMetric', pristine_set=True), **options)])
    for one in samples:
        evaluator.process([one])
    return evaluator.evaluate(len(samples))


def figures(metrics: dict[str, float], group: str = 'forgery') -> dict[str, float]:
    """The figures of one group, NaN where one is left out."""
    return {name: metrics.get(f'{group}/{name}', np.nan) for name in SCORES}


def assert_equal(found: dict[str, float], expected: dict[str, float]) -> None:
    assert found == pytest.approx(expected, abs=1e-6, nan_ok=True)


# --- the metric


@pytest.mark.parametrize('shape', ((12, 17), (1, 1), (1, 9), (9, 1)), ids=str)
def test_the_figures_of_one_image_are_its_scores(shape) -> None:
    forged, score, truth = drawn(0, shape)
    assert_equal(
        figures(evaluated([sample(forged, score, truth)], pristine='paper')), of_scikit_learn(forged, score, truth)
    )


def test_figures_are_averaged_over_images_not_over_pixels() -> None:
    images = [drawn(seed, (5 + seed, 20), forged_share=0.1 + 0.2 * seed) for seed in range(4)]
    expected = [of_scikit_learn(*image) for image in images]
    found = figures(evaluated([sample(*image) for image in images]))
    assert_equal(found, {**{k: np.mean([e[k] for e in expected]) for k in SCORES}, 'false_alarm': np.nan})


@pytest.mark.parametrize('rule', ('paper', 'zero', 'exclude'))
def test_pristine_images_count_by_the_papers_rule_as_zero_or_not_at_all(rule) -> None:
    forged, score, truth = drawn(0)
    nothing = np.zeros_like(truth)
    tenth = nothing.copy()
    tenth.flat[: truth.size // 4] = True
    images = [(forged, score, truth), (nothing, score, nothing), (tenth, score, nothing)]
    found = figures(evaluated([sample(*p) for p in images], pristine=rule))
    each = [of_scikit_learn(*image) for image in images]
    assert [e['iou'] for e in each[1:]] == [1, 0]
    zeros = [dict.fromkeys(SCORES, 0.0)] * 2
    counted = {'paper': each, 'zero': each[:1] + zeros, 'exclude': each[:1]}[rule]
    expected = {name: np.mean([e[name] for e in counted]) for name in ('macro_f1', 'forged_f1', 'iou')}
    assert_equal(found, dict(**expected, auc=each[0]['auc'], false_alarm=np.mean([e['false_alarm'] for e in each[1:]])))


def test_pristine_images_change_no_mean_of_forged_ones() -> None:
    forged, score, truth = drawn(0)
    pristine = sample(forged, score, np.zeros_like(truth))
    alone, beside = (evaluated([sample(forged, score, truth), *others]) for others in ([], [pristine] * 3))
    assert {name: beside[f'forgery/{name}'] for name in SCORES[:4]} == {
        name: alone[f'forgery/{name}'] for name in SCORES[:4]
    }
    assert beside['forgery/false_alarm'] == pytest.approx(forged.mean())


def test_figures_that_no_image_defines_are_left_out() -> None:
    forged, score, truth = drawn(0)
    assert 'forgery/false_alarm' not in evaluated([sample(forged, score, truth)])
    pristine = sample(forged, score, np.zeros_like(truth))
    found = evaluated([pristine])
    assert {name for name in found if 'pooled' not in name} == {'forgery/false_alarm', 'forgery/image_false_alarm'}


def test_images_are_grouped_by_data_set_and_kind() -> None:
    places = [('casia', 'splice'), ('casia', 'copy-move'), ('casia', 'splice'), ('nist', ''), ('nist', '')]
    images = [drawn(seed) for seed in range(5)]
    found = evaluated(
        [sample(*p, dataset_name=name, kind=kind) for p, (name, kind) in zip(images, places, strict=True)]
    )
    iou = [of_scikit_learn(*image)['iou'] for image in images]
    expected = {
        'forgery/iou': np.mean(iou),
        'forgery/casia/iou': np.mean(iou[:3]),
        'forgery/casia/copy-move/iou': iou[1],
        'forgery/casia/splice/iou': np.mean([iou[0], iou[2]]),
        'forgery/nist/iou': np.mean(iou[3:]),
        'forgery/mean of sets/iou': (np.mean(iou[:3]) + np.mean(iou[3:])) / 2,
    }
    assert {name: value for name, value in found.items() if name.endswith('/iou')} == pytest.approx(expected)


def test_images_without_a_kind_are_a_group_of_their_own_beside_others() -> None:
    found = evaluated([sample(*drawn(0), dataset_name='a', kind='splice'), sample(*drawn(1), dataset_name='a')])
    assert {name for name in found if name.endswith('/iou')} == {
        'forgery/iou',
        'forgery/a/other/iou',
        'forgery/a/splice/iou',
    }


def test_a_group_that_repeats_its_parent_is_left_out() -> None:
    found = evaluated([sample(*drawn(seed), dataset_name='a', kind='splice') for seed in range(2)])
    assert all(name.count('/') == 1 for name in found)


def test_the_prefix_may_be_another() -> None:
    assert 'mine/iou' in evaluated([sample(*drawn(0))], prefix='mine')


def test_ignored_pixels_are_left_out() -> None:
    forged, score, truth = drawn(0)
    ignored = np.random.default_rng(1).random(truth.shape) < 0.4
    for ignore_index in (255, 7):
        labels = np.where(ignored, ignore_index, truth)
        found = figures(evaluated([sample(forged, score, labels)], ignore_index=ignore_index))
        assert_equal(found, of_scikit_learn(forged[~ignored], score[~ignored], truth[~ignored]))


def test_an_image_of_ignored_pixels_alone_counts_in_no_figure() -> None:
    forged, score, truth = drawn(0)
    found = evaluated([sample(forged, score, truth), sample(forged, score, np.full(truth.shape, 255))])
    assert_equal(figures(found), of_scikit_learn(forged, score, truth))


@pytest.mark.parametrize(('resolution', 'size'), ((8, (8, 8)), ((6, 10), (6, 10)), ([40, 30], (40, 30))), ids=str)
def test_at_another_resolution_masks_are_resized_and_cut_at_one_half(resolution, size) -> None:
    forged, score, truth = drawn(0, (24, 32))
    forged, truth = (cv2.blur(plane.astype(np.float32), (7, 7)) > 0.4 for plane in (forged, truth))
    small = [cv2.resize(plane.astype(np.float32), size[::-1]) for plane in (forged, score, truth)]
    found = figures(evaluated([sample(forged, score, truth)], resolution=resolution))
    expected = of_scikit_learn(small[0] >= 0.5, small[1], small[2] >= 0.5)
    assert_equal(found, expected)
    assert found != pytest.approx(of_scikit_learn(forged, score, truth), nan_ok=True)


def test_ignored_pixels_are_left_out_at_another_resolution_too() -> None:
    forged, score, truth = drawn(0, (24, 32))
    labels = truth.astype(int)
    labels[:, 16:] = 255
    found = figures(evaluated([sample(forged, score, labels)], resolution=(12, 16)))
    assert_equal(found, figures(evaluated([sample(forged[:, :16], score[:, :16], truth[:, :16])], resolution=(12, 8))))


@pytest.mark.parametrize('resolution', (0, -1, (0, 4), (4,), (1, 2, 3)), ids=str)
def test_a_resolution_without_pixels_is_refused(resolution) -> None:
    with pytest.raises(ValueError, match='resolution must be None, a side, or'):
        ForgeryMetric(resolution=resolution)


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        (dict(pristine='one'), r"pristine must be one of .*'zero'.*got 'one'"),
        (dict(image_score='median'), r"image_score must be one of .*'max'.*got 'median'"),
        (dict(image_threshold=1.0), r'image_threshold must be None or in \[0, 1\), got 1\.0'),
        (dict(resamples=-1), 'resamples must be at least 0, got -1'),
    ],
    ids=str,
)
def test_bad_options_are_refused(options, says) -> None:
    with pytest.raises(ValueError, match=says):
        ForgeryMetric(**options)


def test_pooled_figures_are_of_all_pixels_together() -> None:
    images = [drawn(seed, (5 + 9 * seed, 20), forged_share=0.1 + 0.2 * seed) for seed in range(4)]
    found = evaluated([sample(*image) for image in images])
    expected = of_scikit_learn(*(np.concatenate([p[part].ravel() for p in images]) for part in range(3)))
    for name in ('macro_f1', 'forged_f1', 'iou'):
        assert found[f'forgery/pooled_{name}'] == pytest.approx(expected[name])
    assert found['forgery/pooled_auc'] == pytest.approx(expected['auc'], abs=2e-3)


def test_the_models_own_image_score_ranks_images_unless_another_is_asked_for() -> None:
    _, score, truth = drawn(0)
    samples = [sample(score > 0.5, score, truth), sample(score > 0.5, 0.9 * score, np.zeros_like(truth))]
    assert evaluated(samples)['forgery/image_auc'] == 1.0
    for one, own in zip(samples, (0.2, 0.7), strict=True):
        one.set_field(own, 'image_score')
    assert evaluated(samples)['forgery/image_auc'] == 0.0
    assert evaluated(samples, image_score='top10')['forgery/image_auc'] == 1.0


def test_an_image_is_called_forged_if_a_pixel_is_and_ranked_by_its_score() -> None:
    _, score, truth = drawn(0)
    nothing = np.zeros_like(truth)
    quiet = 0.4 * score
    images = [(score, truth), (quiet, truth), (quiet, nothing), (0.3 * score, nothing), (score, nothing)]
    found = evaluated([sample(s > 0.5, s, t) for s, t in images], image_score='max')
    images = {name.removeprefix('forgery/image_'): value for name, value in found.items() if '/image_' in name}
    # One forged image of two is found, and one pristine one of three is called forged; two of the six pairs are tied.
    assert images == pytest.approx(
        dict(
            auc=(2 + 2 + 0.5 + 0.5 - 1) / 6,
            f1=0.5,
            accuracy=0.6,
            balanced_accuracy=7 / 12,
            sensitivity=1 / 2,
            false_alarm=1 / 3,
        )
    )


def test_with_a_threshold_an_image_is_called_forged_by_its_image_score() -> None:
    _, score, truth = drawn(0)
    nothing = np.zeros_like(truth)
    samples = [sample(nothing, score, truth), sample(score > 0.5, score, nothing), sample(nothing, score, nothing)]
    for one, own in zip(samples, (0.9, 0.3, 0.4), strict=True):
        one.set_field(own, 'image_score')
    assert evaluated(samples)['forgery/image_accuracy'] == pytest.approx(1 / 3)
    assert evaluated(samples, image_threshold=0.5)['forgery/image_accuracy'] == 1
    found = evaluated(samples, image_threshold=0.35)
    assert found['forgery/image_f1'] == pytest.approx(2 / 3)
    assert found['forgery/image_balanced_accuracy'] == pytest.approx(0.75)


@pytest.mark.parametrize('found', ['the forgery', 'nothing', 'elsewhere'])
def test_a_forgery_that_is_lost_at_a_low_resolution_stays_a_forged_image(found: str) -> None:
    truth = np.zeros((512, 512), bool)
    truth[253:258, 253:258] = True
    elsewhere = np.zeros_like(truth)
    elsewhere[:128] = True
    masks = {'the forgery': truth, 'nothing': np.zeros_like(truth), 'elsewhere': elsewhere}
    forged = masks[found]
    images = [sample(forged, 0.1 + 0.8 * forged, truth, image_name='forged')]
    nothing = np.zeros_like(truth)
    images.append(sample(nothing, np.full(truth.shape, 0.1), nothing, image_name='pristine'))
    metric = ForgeryMetric(resolution=64)
    metric.process(None, [each.to_dict() for each in images])
    lost, pristine = metric.results
    assert (lost['is_pristine'], pristine['is_pristine']) == (False, True)
    # No empty mask that is right, no false alarms, nothing found or missed that is there.
    assert all(np.isnan(lost[name]) for name in LOCALISATION_METRICS)
    for rule, iou in (('paper', 1.0), ('zero', 0.0)):
        metric.pristine = rule
        metric.results = [lost, pristine]
        figures = metric.evaluate(2)
        assert (figures['forgery/iou'], figures['forgery/false_alarm']) == (iou, 0.0)
        called = float(found != 'nothing')
        assert figures['forgery/image_f1'] == called
        assert figures['forgery/image_balanced_accuracy'] == (1 + called) / 2
        assert figures['forgery/image_auc'] == {'the forgery': 0.5, 'nothing': 0.5, 'elsewhere': 1.0}[found]


def test_an_image_keeps_no_pixels() -> None:
    metric = ForgeryMetric()
    sizes = []
    for side in (10, 200):
        metric.process(None, [sample(*drawn(0, (side, side))).to_dict()])
        sizes.append(len(pickle.dumps(metric.results[-1])))
    assert abs(sizes[1] - sizes[0]) < 100


def test_a_score_of_half_precision_is_taken() -> None:
    forged, score, truth = drawn(0)
    one = sample(forged, score, truth)
    one.seg_logits.data = one.seg_logits.data.half()
    assert figures(evaluated([one]))['auc'] == pytest.approx(of_scikit_learn(forged, score, truth)['auc'], abs=1e-2)


def test_a_predicted_mask_without_its_channel_is_taken() -> None:
    forged, score, truth = drawn(0)
    as_dict = sample(forged, score, truth).to_dict()
    as_dict['pred_sem_seg']['data'] = as_dict['pred_sem_seg']['data'][0]
    metric = ForgeryMetric()
    metric.process(None, [as_dict])
    assert_equal(figures(metric.evaluate(1)), of_scikit_learn(forged, score, truth))


# --- bad input


def test_an_image_without_its_truth_is_named() -> None:
    forged, score, _ = drawn(0)
    with pytest.raises(ValueError, match=r'folder/1\.jpg has no mask to compare with: add LoadForgeryMask'):
        evaluated([sample(forged, score, None)])


@pytest.mark.parametrize('shape', ((24, 17), (17, 12)), ids=('larger', 'turned'))
def test_a_truth_of_another_size_is_named_with_the_order_of_the_pipeline(shape) -> None:
    forged, score, _ = drawn(0)
    with pytest.raises(ValueError, match=r'folder/1\.jpg: .*predicted one \(12, 17\).*LoadForgeryMask behind Resize'):
        evaluated([sample(forged, score, np.zeros(shape, bool))])


def test_a_model_of_one_channel_is_refused_with_the_option() -> None:
    one = sample(*drawn(0))
    one.seg_logits = PixelData(data=one.seg_logits.data[:1])
    with pytest.raises(ValueError, match=r'folder/1\.jpg: seg_logits has 1 channels: set out_channels=2'):
        evaluated([one])


@pytest.mark.parametrize('with_output', (True, False))
def test_an_evaluation_of_no_image_is_refused(tmp_path, with_output) -> None:
    metric = METRICS.build(dict(type='ForgeryMetric', output_dir=str(tmp_path / 'out') if with_output else None))
    with pytest.raises(ValueError, match='ForgeryMetric got no image: is the data set'):
        metric.evaluate(0)
    assert not list(tmp_path.iterdir())


# --- mmengine


def test_images_that_only_fill_the_last_batch_are_dropped_and_the_next_run_starts_anew() -> None:
    metric = ForgeryMetric()
    first, second = drawn(0), drawn(1)
    metric.process(None, [sample(*image).to_dict() for image in (first, second, second)])
    found = metric.evaluate(2)
    assert found['forgery/iou'] == pytest.approx(np.mean([of_scikit_learn(*p)['iou'] for p in (first, second)]))
    metric.process(None, [sample(*first).to_dict()])
    assert metric.evaluate(1)['forgery/iou'] == pytest.approx(of_scikit_learn(*first)['iou'])


# --- the files


FILES = {'operating.csv', 'images.csv', 'summary.csv', 'summary.json', 'summary.md'}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob('*') if path.is_file()}


def test_each_mask_and_a_row_of_figures_are_written(tmp_path) -> None:
    out = tmp_path / 'new' / 'out'
    names = [('casia', 'splice/1'), ('casia', 'copy-move/1'), ('nist', '1'), ('nist', 'ü 1')]
    images = [drawn(seed, (6 + seed, 9)) for seed in range(3)] + [drawn(3, (4, 5), forged_share=0)]
    evaluated(
        [
            sample(*p, img_path=f'{name}.jpg', dataset_name=dataset, image_name=name, kind='kind')
            for p, (dataset, name) in zip(images, names, strict=True)
        ],
        output_dir=str(out),
        keep_results=True,
    )
    assert files(out) == {f'{dataset}/{name}.png' for dataset, name in names} | FILES
    with (out / 'images.csv').open(encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    for (dataset, name), image, row in zip(names, images, rows, strict=True):
        mask = cv2.imread(str(out / dataset / f'{name}.png'), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, image[0] * np.uint8(255))
        assert (row['dataset'], row['image'], row['kind']) == (dataset, name, 'kind')
        assert row['is_pristine'] == str(not image[2].any())
        assert_equal({figure: float(row[figure]) for figure in SCORES}, of_scikit_learn(*image))


def test_the_written_mask_has_the_images_size_whatever_the_resolution(tmp_path) -> None:
    image = drawn(0)
    evaluated([sample(*image, image_name='1')], output_dir=str(tmp_path), resolution=4)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / '1.png'), cv2.IMREAD_GRAYSCALE) == 255, image[0])


def test_rows_are_on_disk_while_the_test_runs_and_nothing_of_an_earlier_one(tmp_path) -> None:
    for name in (*FILES, 'images.partial.csv', 'images.partial3.csv', 'images.partial-mine.csv'):
        (tmp_path / name).write_text('of an earlier test')
    metric = ForgeryMetric(output_dir=str(tmp_path))
    assert metric.partial is None
    for number in range(2):
        metric.process(None, [sample(*drawn(number), image_name=str(number)).to_dict()])
        assert files(tmp_path) - {'0.png', '1.png'} == {'images.partial.csv', 'images.partial-mine.csv'}
        assert [row['image'] for row in read_rows(metric.partial)] == ['0', '1'][: number + 1]
    metric.evaluate(2)
    assert files(tmp_path) == FILES | {'0.png', '1.png', 'images.partial-mine.csv'}


def test_a_second_evaluation_replaces_the_files(tmp_path) -> None:
    evaluator = Evaluator([dict(type='ForgeryMetric', output_dir=str(tmp_path))])
    for seed in range(2):
        image = drawn(seed)
        evaluator.process([sample(*image)])
        evaluator.evaluate(1)
        mask = cv2.imread(str(tmp_path / '1.png'), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask == 255, image[0])
    assert files(tmp_path) == {'1.png'} | FILES


def test_two_images_that_would_share_a_file_are_refused(tmp_path) -> None:
    samples = [sample(*drawn(seed), img_path=f'{folder}/1.jpg') for seed, folder in enumerate('ab')]
    with pytest.raises(ValueError, match=r"a/1\.jpg and b/1\.jpg would both be .*1\.png.*meta_keys 'dataset_name'"):
        evaluated(samples, output_dir=str(tmp_path))


def test_the_maps_of_a_model_are_written_and_those_of_an_earlier_test_go(tmp_path: Path) -> None:
    image = drawn(0)
    confidence = np.random.default_rng(1).random(image[0].shape, np.float32)
    given = sample(*image, image_name='splice/1', dataset_name='small')
    given.confidence = PixelData(data=torch.from_numpy(confidence)[None])
    evaluated([given], output_dir=str(tmp_path))
    path = tmp_path / 'confidence' / 'small' / 'splice' / '1.png'
    levels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert levels.dtype == np.uint16
    np.testing.assert_allclose(levels / 65535, confidence, atol=1e-5)
    assert not (tmp_path / 'edge').exists()
    evaluated([sample(*image, image_name='splice/1', dataset_name='small')], output_dir=str(tmp_path))
    assert not path.exists() and (tmp_path / 'small' / 'splice' / '1.png').is_file()


def test_a_map_has_a_file_that_is_nobodys_mask(tmp_path: Path) -> None:
    given = sample(*drawn(0), image_name='1', dataset_name='small')
    given.edge = PixelData(data=torch.zeros(1, *drawn(0)[0].shape))
    with pytest.raises(ValueError, match='would both be'):
        evaluated(
            [given, sample(*drawn(1), 'b.jpg', image_name='1', dataset_name='edge/small')], output_dir=str(tmp_path)
        )


@pytest.mark.parametrize(
    'names',
    (
        dict(image_name='../escaped'),
        dict(image_name='a/../../escaped'),
        dict(dataset_name='..', image_name='escaped'),
        dict(dataset_name='../sibling', image_name='escaped'),
    ),
    ids=str,
)
def test_no_name_leads_out_of_the_folder(tmp_path, names) -> None:
    with pytest.raises(ValueError, match=r'the mask of folder/1\.jpg would lie outside output_dir'):
        evaluated([sample(*drawn(0), **names)], output_dir=str(tmp_path / 'out'))
    assert not files(tmp_path)


def test_no_absolute_name_leads_out_of_the_folder(tmp_path) -> None:
    with pytest.raises(ValueError, match='would lie outside output_dir'):
        evaluated([sample(*drawn(0), image_name=str(tmp_path / 'escaped'))], output_dir=str(tmp_path / 'out'))
    assert not files(tmp_path)


# --- sets without a forged pixel


def of_sets(*sets: tuple[str, str, bool, object], **options: object) -> dict[str, float]:
    """The figures of images by set, kind, whether they are forged, and the mask's file."""
    forged, score, truth = drawn(0)
    images = [
        sample(
            forged,
            score,
            truth if is_forged else np.zeros_like(truth),
            f'{number}.jpg',
            dataset_name=name,
            kind=kind,
            **({} if mask == 'not told' else dict(seg_map_path=mask)),
        )
        for number, (name, kind, is_forged, mask) in enumerate(sets)
    ]
    evaluator = Evaluator([dict(type='ForgeryMetric', **options)])
    evaluator.process(images)
    return evaluator.evaluate(len(images))


@pytest.mark.parametrize(
    'sets',
    [
        [('a', '', False, 'mask.png')],
        [('a', 'splice', False, 'not told'), ('a', 'pristine', False, None)],
        [('a', 'splice', True, 'mask.png'), ('b', 'splice', False, 'mask.png')],
    ],
)
def test_a_set_without_a_forged_pixel_is_an_error_unless_it_is_declared_pristine(sets: list) -> None:
    with pytest.raises(ValueError, match=r'the test set (a|b): no image has a forged pixel.*pristine_set=True'):
        of_sets(*sets)
    assert 'forgery/false_alarm' in of_sets(*sets, pristine_set=True)


@pytest.mark.parametrize(
    'sets',
    [
        [('a', 'pristine', False, 'mask.png'), ('a', 'pristine', False, 'not told')],
        [('a', '', False, None)],
        [('a', '', True, 'mask.png'), ('a', '', False, 'mask.png')],
    ],
)
def test_sets_that_are_declared_pristine_or_hold_a_forgery_have_figures(sets: list) -> None:
    assert 'forgery/false_alarm' in of_sets(*sets)


def test_labels_that_are_no_truth_are_refused() -> None:
    forged, score, truth = drawn(0)
    with pytest.raises(ValueError, match=r'folder/1\.jpg: the mask to compare with holds 254 .*LoadForgeryMask'):
        evaluated([sample(forged, score, np.where(truth, 254, 0))])


def test_the_names_of_all_figures_are_known_before() -> None:
    places = [('casia', 'splice'), ('casia', 'pristine'), ('nist', '')]
    images = [drawn(seed) for seed in range(3)]
    truths = [images[0][2], np.zeros_like(images[1][2]), images[2][2]]
    found = evaluated(
        [
            sample(forged, score, truth, dataset_name=name, kind=kind)
            for (forged, score, _), truth, (name, kind) in zip(images, truths, places, strict=True)
        ]
    )
    assert set(found) <= {f'forgery/{name}' for name in ForgeryMetric.names(places)}
    assert 'mean of sets/iou' in ForgeryMetric.names(places)


def test_the_operating_curve_is_written_and_its_figures_are_told(tmp_path) -> None:
    forged, score, truth = drawn(0)
    nothing = np.zeros_like(truth)
    images = [sample(forged, score, truth, image_name='a'), sample(nothing, 0.1 * score, nothing, image_name='b')]
    found = evaluated(images, output_dir=str(tmp_path))
    curve = read_operating_curves(tmp_path / 'operating.csv')['all']
    assert found['forgery/operating_iou'] == pytest.approx(curve.metrics_at(0.05)['iou'], abs=1e-5)
    assert found['forgery/operating_area'] == pytest.approx(curve.area, abs=1e-5)
    assert 'IoU at 5 % false alarms' in (tmp_path / 'summary.md').read_text()
