"""ClusteringHook in real runners: whose clusterer works, what is told of it, and that nothing of it stays behind."""

import csv
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner import Runner
from mmseg.registry import HOOKS, TASK_UTILS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from focal_mmseg.clustering import Clusterer, HDBSCANClusterer, KMeansClusterer, Localisation
from focal_mmseg.engine.hooks import ClusteringHook, clustering_hook

pytestmark = pytest.mark.filterwarnings('ignore:The shape of value will convert')

NUMBER = itertools.count()
KMEANS = dict(type='KMeansClusterer')


@TASK_UTILS.register_module()
class Fingerprint(Clusterer):
    """Finds a number of clusters and a share of noise that tell images apart, and takes 1/8 s a cluster."""

    def fit_predict(self, embeddings: Tensor) -> Tensor:
        number = int(embeddings[::7].sum() * 1e4) % 1000
        labels = torch.arange(len(embeddings)) % (number % 9 + 1)
        labels[: number // 9] = -1
        return labels

    def localise(self, embeddings: Tensor, grid: tuple[int, int] | None = None) -> Localisation:
        found = super().localise(embeddings, grid)
        return replace(found, seconds=found.num_clusters / 8)


@TASK_UTILS.register_module()
class Broken(Clusterer):
    """Fails at the second call, and else finds as many clusters as there were calls."""

    calls = 0

    def fit_predict(self, embeddings: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == 2:
            raise ArithmeticError('broken')
        return torch.arange(len(embeddings)) % self.calls


@TASK_UTILS.register_module()
class NoClusterer:
    """Something else."""


class Watch(Hook):
    """Reads what each data sample says, and which clusterer the head has when."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, float]] = {}
        self.clusterers: list[str] = []

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        self.clusterers.append(type(runner.model.decode_head.clusterer).__name__)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: object, outputs: list) -> None:
        for sample in outputs:
            self.found[sample.img_path] = (sample.num_clusters, sample.noise_share)


@pytest.fixture
def config(small_config: Callable[..., Config], root: Path, tmp_path: Path) -> Callable[..., Config]:
    """The demo's config, with the hook where its options are given."""

    def read(hook: dict | None = None, tta: bool = False, **options: object) -> Config:
        cfg = small_config(root / 'configs' / 'demo' / 'focal_hrnet-compact.py')
        cfg.default_hooks.pop('clustering', None)
        number = next(NUMBER)
        cfg.merge_from_dict(
            {
                'test_dataloader.batch_size': 3,
                'work_dir': str(tmp_path / f'work{number}'),
                'experiment_name': f'clustering{number}',
                'test_evaluator.output_dir': str(tmp_path / f'masks{number}'),
                **options,
            }
        )
        if hook is not None:
            cfg.custom_hooks.append(dict(type='ClusteringHook', **hook))
        if tta:
            cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
            cfg.model = dict(type='FOCALTTAModel', module=cfg.model)
        return cfg

    return read


def validating(cfg: Config) -> Config:
    cfg.val_dataloader = cfg.test_dataloader
    cfg.val_evaluator = dict(type='ForgeryMetric')
    cfg.val_cfg = dict(type='ValLoop')
    return cfg


def rows_of(runner: Runner, name: str = 'clustering_test.csv') -> list[dict[str, str]]:
    with (Path(runner.log_dir) / name).open(newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def log_of(runner: Runner) -> str:
    return (Path(runner.log_dir) / f'{runner.timestamp}.log').read_text(encoding='utf-8')


def images_of(forged_set: Path) -> list[str]:
    return sorted(str(path) for path in (forged_set / 'test' / 'images').rglob('*.*'))


def images_csv(cfg: Config) -> str:
    return (Path(cfg.test_evaluator.output_dir) / 'images.csv').read_text()


# --- whose clusterer works


def test_a_swapped_clusterer_gives_what_it_gives_in_the_head_and_leaves_the_head_as_it_was(config) -> None:
    own, swapped, inside = config(), config(dict(clusterer=KMEANS)), config()
    inside.model.decode_head.clusterer = KMEANS
    runners = [Runner.from_cfg(cfg) for cfg in (own, swapped, inside)]
    before = runners[1].model.decode_head.clusterer
    for runner in runners:
        runner.test()
    assert images_csv(swapped) == images_csv(inside)
    assert images_csv(swapped) != images_csv(own)
    assert isinstance(before, HDBSCANClusterer)
    assert runners[1].model.decode_head.clusterer is before
    assert {float(row['clusters']) for row in rows_of(runners[1])} == {2}


def test_without_a_clusterer_the_heads_own_is_kept_and_told_of(config, forged_set) -> None:
    plain, cfg = config(), config({})
    for each in (plain, cfg):
        each.model.decode_head.clusterer = dict(type='Fingerprint')
    watch = Watch()
    watched, runner = Runner.from_cfg(plain), Runner.from_cfg(cfg)
    watched.register_hook(watch)
    assert watched.test() == runner.test()
    rows = rows_of(runner)
    assert [row['img_path'] for row in rows] == images_of(forged_set)
    assert {row['img_path']: (float(row['clusters']), float(row['noise_share'])) for row in rows} == watch.found
    assert len(set(watch.found.values())) == 4
    assert all(float(row['seconds']) == float(row['clusters']) / 8 for row in rows)
    assert not (Path(watched.log_dir) / 'clustering_test.csv').exists()


def test_the_hook_may_stand_among_the_default_hooks_by_cfg_options(config) -> None:
    options = {'default_hooks.clustering.type': 'ClusteringHook', 'default_hooks.clustering.clusterer.type': 'Broken'}
    with pytest.raises(ArithmeticError, match='broken'):
        Runner.from_cfg(config(**options)).test()


def test_under_test_time_augmentation_a_row_has_all_views_of_its_image(config, forged_set) -> None:
    views = []
    for prob in (0.0, 1.0):
        cfg = config()
        cfg.model.decode_head.clusterer = dict(type='Fingerprint')
        flip = dict(type='RandomFlip', prob=prob, direction='horizontal')
        cfg.test_dataloader.dataset.pipeline.insert(2, flip)
        watch, runner = Watch(), Runner.from_cfg(cfg)
        runner.register_hook(watch)
        runner.test()
        views.append(watch.found)
    merged = Runner.from_cfg(config(dict(clusterer=dict(type='Fingerprint')), tta=True))
    merged.test()
    rows = rows_of(merged)
    assert [row['img_path'] for row in rows] == images_of(forged_set)
    for row in rows:
        first, second = (view[row['img_path']] for view in views)
        assert first != second
        assert float(row['clusters']) == (first[0] + second[0]) / 2
        assert float(row['seconds']) == (first[0] + second[0]) / 8
        assert float(row['noise_share']) == pytest.approx((first[1] + second[1]) / 2, abs=1e-12)
    assert isinstance(merged.model.module.decode_head.clusterer, HDBSCANClusterer)


@pytest.fixture
def process_group() -> Iterator[None]:
    torch.distributed.init_process_group('gloo', store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize('nesting', ('ddp', 'ddp(tta)', 'tta(ddp)'))
@pytest.mark.usefixtures('process_group')
def test_heads_are_found_in_a_distributed_model(config, nesting) -> None:
    runner = Runner.from_cfg(config(dict(clusterer=KMEANS), tta='tta' in nesting))
    model = runner.model
    head = (model.module if 'tta' in nesting else model).decode_head
    own = head.clusterer
    if nesting == 'tta(ddp)':
        model.module = MMDistributedDataParallel(model.module)
    else:
        runner.model = MMDistributedDataParallel(model)
    runner.test()
    assert [float(row['clusters']) for row in rows_of(runner)] == [2] * 4
    assert head.clusterer is own


def test_heads_are_found_in_a_wrapper_that_is_no_module(monkeypatch) -> None:
    class Engine:
        def __init__(self, module: nn.Module) -> None:
            self.module = module

    monkeypatch.setitem(MODEL_WRAPPERS.module_dict, 'Engine', Engine)
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    model[1].clusterer = KMeansClusterer()
    model[1].writes_clustering = True
    assert clustering_hook.clustering_heads(Engine(Engine(model))) == [model[1]]


def test_after_an_interrupted_run_the_heads_own_clusterer_is_found_and_the_rest_forgotten(config) -> None:
    broken, plain = (config(hook, tta=True) for hook in (dict(clusterer=dict(type='Broken')), {}))
    for cfg in (broken, plain):
        cfg.test_dataloader.batch_size = 1
        cfg.model.module.decode_head.clusterer = dict(type='Fingerprint')
    interrupted, runner, fresh = (Runner.from_cfg(cfg) for cfg in (broken, plain, plain))
    head = interrupted.model.module.decode_head
    own = head.clusterer
    with pytest.raises(ArithmeticError, match='broken'):
        interrupted.test()
    assert head.clusterer is not own, 'nothing was left behind, the test tests nothing'
    runner.model = interrupted.model
    assert runner.test() == fresh.test()
    assert head.clusterer is own
    # The loop by itself does not call before_run.
    interrupted.call_hook('before_test_epoch')
    interrupted.test_loop.run()
    assert head.clusterer is own
    assert [float(row['clusters']) for row in rows_of(interrupted)] == [3.5, 5.5, 7.5, 9.5]


# --- what is told


def test_the_log_has_the_means_and_a_line_every_so_many_images(config) -> None:
    runner = Runner.from_cfg(config(dict(clusterer=dict(type='Fingerprint'), interval=2)))
    runner.test()
    rows, log = rows_of(runner), log_of(runner)
    lines = [f'{row["img_path"]}: {float(row["clusters"]):g} clusters, ' for row in rows]
    assert [line in log for line in lines] == [False, True, False, True]
    means = {name: sum(float(row[name]) for row in rows) / 4 for name in ('clusters', 'noise_share', 'seconds')}
    slowest = max(float(row['seconds']) for row in rows)
    assert (
        f'Clustering of 4 images: {means["clusters"]:.2f} clusters and {means["noise_share"]:.1%} of the points noise '
        f'on average, {means["seconds"]:.3f} s an image, at most {slowest:.3f} s' in log
    )
    figures = json.loads((Path(runner.log_dir) / f'{runner.timestamp}.json').read_text())
    for name, value in means.items():
        assert figures[f'clustering/{name}'] == pytest.approx(value)
    assert 'forgery/iou' in figures


def test_without_an_interval_no_image_has_a_line(config, forged_set) -> None:
    runner = Runner.from_cfg(config({}))
    runner.test()
    log = log_of(runner)
    assert 'Clustering of 4 images' in log
    assert not any(f'{path}:' in log for path in images_of(forged_set))


def test_images_that_the_sampler_deals_out_twice_count_once(config, forged_set, monkeypatch) -> None:
    processes = []

    def gather(rows: list) -> list[list]:
        processes.extend((rows[0::3], rows[1::3], [*rows[2::3], rows[0]._replace(seconds=1e9)]))
        return processes

    monkeypatch.setattr(clustering_hook, 'all_gather_object', gather)
    runner = Runner.from_cfg(config({}))
    runner.test()
    assert [len(rows) for rows in processes] == [2, 1, 2]
    assert [row['img_path'] for row in rows_of(runner)] == images_of(forged_set)
    assert 'Clustering of 4 images' in log_of(runner)
    assert runner.message_hub.get_scalar('test/clustering/seconds').current() < 1e3


def test_only_the_first_process_writes(config, monkeypatch) -> None:
    runner = Runner.from_cfg(config({}))
    monkeypatch.setattr(runner, '_rank', 1)
    runner.test()
    assert not (Path(runner.log_dir) / 'clustering_test.csv').exists()
    assert runner.message_hub.get_scalar('test/clustering/clusters').current() >= 1


def test_the_validations_of_a_training(config) -> None:
    cfg = config(
        dict(clusterer=dict(type='Fingerprint')),
        **{
            'train_cfg.max_iters': 2,
            'train_cfg.val_interval': 1,
            'default_hooks.checkpoint.interval': 2,
        },
    )
    watch, runner = Watch(), Runner.from_cfg(validating(cfg))
    runner.register_hook(watch)
    runner.train()
    assert watch.clusterers == ['HDBSCANClusterer'] * 2
    assert isinstance(runner.model.decode_head.clusterer, HDBSCANClusterer)
    means = []
    for iteration in (1, 2):
        rows = rows_of(runner, f'clustering_val_{iteration}.csv')
        assert len({row['img_path'] for row in rows}) == len(rows) == 4
        means.append(sum(float(row['clusters']) for row in rows) / 4)
        assert f'clustering/clusters: {means[-1]:.4f}' in log_of(runner)
    assert means[0] != means[1]
    assert runner.message_hub.get_scalar('val/clustering/clusters').data[0].tolist() == means
    checkpoint = torch.load(Path(cfg.work_dir) / 'iter_2.pth', weights_only=False)
    assert not any('clusterer' in name for name in checkpoint['state_dict'])
    saved = Config.fromstring(checkpoint['meta']['cfg'], '.py')
    assert saved.model.decode_head.clusterer == dict(type='HDBSCANClusterer')


def test_a_validation_alone_builds_no_training(config) -> None:
    runner = Runner.from_cfg(validating(config({})))
    runner.val()
    assert len(rows_of(runner, 'clustering_val_0.csv')) == 4
    assert isinstance(runner._train_loop, dict)


# --- what is refused


@pytest.mark.parametrize('train', (True, False))
def test_a_model_without_a_focal_head_is_refused_at_the_start(runner, toy, train) -> None:
    run = runner(toy(), train=train)
    run.register_hook(ClusteringHook())
    with pytest.raises(ValueError, match=r'Toy has no head with a clusterer: .* FOCALHead, take it out'):
        run.train() if train else run.test()


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    (
        (dict(clusterer=dict(type='KMeanClusterer')), KeyError, 'KMeanClusterer is not in the'),
        (dict(clusterer=dict(type='NoClusterer')), TypeError, 'such as KMeansClusterer, got NoClusterer'),
        (dict(clusterer=dict(type='KMeansClusterer', n_clusters=0)), ValueError, 'n_clusters'),
        (dict(interval=0), ValueError, 'interval must be None or at least 1, got 0'),
    ),
)
def test_wrong_options_are_refused_when_the_hook_is_built(options, error, message) -> None:
    with pytest.raises(error, match=message):
        HOOKS.build(dict(type='ClusteringHook', **options))


def test_a_second_hook_is_refused(config) -> None:
    cfg = config(dict(clusterer=KMEANS))
    cfg.default_hooks.clustering = dict(type='ClusteringHook')
    with pytest.raises(ValueError, match='2 ClusteringHooks'):
        Runner.from_cfg(cfg).test()


def test_a_model_that_keeps_to_itself_what_it_finds_is_refused_at_the_start(config) -> None:
    cfg = config(dict(clusterer=KMEANS))
    cfg.model.type = 'EncoderDecoder'
    with pytest.raises(ValueError, match=r"EncoderDecoder writes nothing .* needs model\.type='FOCALEncoderDecoder'"):
        Runner.from_cfg(cfg).test()


def test_a_sample_without_its_clusters_is_refused(runner, toy) -> None:
    class Sloppy(toy):
        clusterer = KMeansClusterer()
        writes_clustering = True

        def test_step(self, data: dict) -> list:
            return [SegDataSample(metainfo=dict(img_path='a.png'))]

    run = runner(Sloppy())
    run.register_hook(ClusteringHook())
    with pytest.raises(ValueError, match=r'does not say how many clusters a\.png has'):
        run.test()


def test_images_without_a_path_are_refused(runner, toy) -> None:
    class Nameless(toy):
        clusterer = KMeansClusterer()
        writes_clustering = True

        def test_step(self, data: dict) -> list:
            return [SegDataSample()]

    run = runner(Nameless())
    run.register_hook(ClusteringHook())
    with pytest.raises(ValueError, match=r"'img_path': add it to PackSegInputs' meta_keys"):
        run.test()
