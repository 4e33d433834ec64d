"""Plans of comparisons."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmseg.registry import MODELS, TASK_UTILS

from focal_mmseg.apis.run_config import parse_options
from focal_mmseg.comparison import Run, TestSet, read_plan
from focal_mmseg.datasets.converters import SETS

SIX = ('configs/_base_/datasets/forgery_test.py',)
GOOD = """
title: Two networks
runs:
  - {name: A, config: a.py, checkpoint: a.pth, options: [model.x=1]}
  - {name: B, config: b.py, train: true}
sets:
  - name: casia1
  - {name: nist16, options: [test_dataloader.dataset.data_root=data/nist16]}
  - {name: six, data: configs/_base_/datasets/forgery_test.py}
degradations: [none, jpeg:70]
metrics: [iou, auc]
images: 4
pristine: paper
"""


def test_a_plan_is_read(tmp_path: Path) -> None:
    (tmp_path / 'plan.yaml').write_text(GOOD)
    plan = read_plan(tmp_path / 'plan.yaml')
    assert (plan.title, plan.metrics, plan.images) == ('Two networks', ('iou', 'auc'), 4)
    assert (plan.degradations, plan.pristine) == (('jpeg:70',), 'paper')
    assert plan.runs == (Run('A', 'a.py', 'a.pth', ('model.x=1',)), Run('B', 'b.py', train=True))
    assert plan.sets == (
        TestSet('casia1'),
        TestSet('nist16', options=('test_dataloader.dataset.data_root=data/nist16',)),
        TestSet('six', ('configs/_base_/datasets/forgery_test.py',)),
    )


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    (tmp_path / 'mine.yaml').write_text('runs: [{name: A, config: a.py}]')
    plan = read_plan(tmp_path / 'mine.yaml')
    assert (plan.title, plan.sets, plan.images) == ('mine', (TestSet(),), 6)
    assert plan.metrics == ('macro_f1', 'iou', 'auc', 'false_alarm') and plan.pristine == 'exclude'


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('a: [', 'is no YAML'),
        ('- a', r'expected keys and values \(title, runs'),
        ('runs: []', 'runs needs at least one model'),
        ('model: A', "has no key 'model'; there are title, runs"),
        ('runs: {name: A}', 'runs must be a list, got dict'),
        ('runs: [{name: A}]', 'runs, entry 1 needs a config'),
        ('runs: [{config: a.py}]', 'runs, entry 1 needs a name'),
        ('runs: [{name: A, config: a.py, weights: b}]', "runs, entry 1 has no key 'weights'"),
        ('runs: [{name: A, config: a.py}, {name: A, config: b.py}]', "entry 2: there are two of the name 'A'"),
        ('runs: [{name: A, config: a.py, checkpoint: b, train: true}]', 'give a checkpoint or train: true, not both'),
        ('runs: [{name: A, config: a.py, options: x=1}]', 'options must be a list of words'),
        ('runs: [{name: A, config: a.py, seeds: [0]}]', 'seeds must be .* of a model with train: true'),
        ('runs: [{name: A, config: a.py, train: true, seeds: [1, 1]}]', 'entry 1: seeds must be different'),
        ('runs: [{name: A, config: a.py, train: true, seeds: 3}]', 'entry 1: seeds must be'),
        ('runs: [{name: A, config: a.py}]\nmetrics: [f1]', r"metrics has \['f1'\]; there are macro_f1"),
        ('runs: [{name: A, config: a.py}]\nmetrics: []', 'metrics has nothing'),
        ('runs: [{name: A, config: a.py}]\ndegradations: fokal', "there is no preset 'fokal', only focal"),
        ('runs: [{name: A, config: a.py}]\ndegradations: [jpg:3]', "degradations: unknown degradation 'jpg'"),
        ('runs: [{name: A, config: a.py}]\nimages: -1', 'images must be a whole number'),
        ('runs: [{name: A, config: a.py}]\nsets: [{options: []}]', 'sets, entry 1 needs a name'),
        (
            'runs: [{name: A, config: a.py}]\nsets: [{name: B, data: 1}]',
            'sets, entry 1: data must be names',
        ),
        ('runs: [{name: A, config: a.py}]\ndata: [1]', 'data must be names of sets or config files, got'),
        ('runs: [{name: A, config: a.py, data: b.py}]', 'entry 1: data is for a model with train: true'),
        ('runs: [{name: A, config: a.py}]\npristine: out', "pristine must be one of .*, got 'out'"),
        (
            "runs: [{name: A, config: a.py}, {name: B, config: b.py, checkpoint: '{weights of A}'}]",
            r'entry 2: {weights of A} needs a model .* there are none',
        ),
        (
            "runs: [{name: 'A, seed 0', config: a.py}, {name: A, config: a.py, train: true, seeds: [0]}]",
            "entry 2: there are two of the name 'A, seed 0'",
        ),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / 'plan.yaml').write_text(text)
    with pytest.raises(ValueError, match=rf'plan\.yaml.*{says}'):
        read_plan(tmp_path / 'plan.yaml')


def test_a_model_with_seeds_is_trained_once_for_each(tmp_path: Path) -> None:
    (tmp_path / 'plan.yaml').write_text(
        'runs: [{name: A, config: a.py, train: true, seeds: [0, 7], options: [x=1]}, {name: B, config: b.py}]'
    )
    first, second, other = read_plan(tmp_path / 'plan.yaml').runs
    assert first == Run('A, seed 0', 'a.py', options=('x=1', 'randomness.seed=0'), train=True, model='A')
    assert second == Run('A, seed 7', 'a.py', options=('x=1', 'randomness.seed=7'), train=True, model='A')
    assert other.model == other.name == 'B'


def test_the_data_of_a_plan_are_those_of_the_trainings_without_their_own(tmp_path: Path) -> None:
    (tmp_path / 'plan.yaml').write_text(
        'data: d.py\nruns: [{name: A, config: a.py, train: true, seeds: [0]},'
        '{name: B, config: a.py, train: true, data: e.py}, {name: C, config: a.py}]'
    )
    assert [run.data for run in read_plan(tmp_path / 'plan.yaml').runs] == [('d.py',), ('e.py',), ()]


def test_options_of_a_plan_are_those_of_every_training(tmp_path: Path) -> None:
    (tmp_path / 'plan.yaml').write_text(
        'train_options: [a=1]\nruns: [{name: A, config: a.py, train: true, options: [b=2]}, {name: B, config: a.py}]'
    )
    assert [run.options for run in read_plan(tmp_path / 'plan.yaml').runs] == [('a=1', 'b=2'), ()]


def test_each_loss_of_the_demo_replaces_the_configs_as_a_whole(root: Path) -> None:
    runs = read_plan(root / 'configs' / 'plans' / 'demo_losses.yaml').runs
    found = {}
    for run in runs:
        cfg = Config.fromfile(root / run.config)
        # Parameters of one loss are not those of another.
        cfg.merge_from_dict({'model.decode_head.loss_decode.loss_weight': 2.0})
        cfg.merge_from_dict(parse_options(run.options))
        found[run.name] = cfg.model.decode_head.loss_decode
        assert 'loss_weight' not in found[run.name] and cfg.log_processor.window_size == 1
        MODELS.build(found[run.name])
    assert len({str(each) for each in found.values()}) == len(runs) == 13
    curves = read_plan(root / 'configs' / 'plans' / 'demo_loss_curves.yaml').runs
    assert curves == tuple(run for name in ('InfoNCE++', 'InfoNCE++ (Batch)') for run in runs if run.name == name)


def test_a_member_of_the_fusion_is_alone_where_the_others_have_no_weight(root: Path) -> None:
    found = {}
    for run in read_plan(root / 'configs' / 'plans' / 'demo_fusion.yaml').runs:
        cfg = Config.fromfile(root / run.config)
        cfg.merge_from_dict(parse_options(run.options))
        found[run.name] = (cfg.model.mode, [each.get('weight') for each in cfg.model.members])
    own = [each.get('weight') for each in Config.fromfile(root / run.config).model.members]
    assert found == {
        'HRNet': ('features', [1, 0]),
        'MiT': ('features', [0, 1]),
        'fused embeddings': ('features', own),
        'union': ('union', [1, 1]),
        'intersection': ('intersection', [1, 1]),
    }


def test_code_in_a_plan_does_not_run(tmp_path: Path) -> None:
    (tmp_path / 'plan.yaml').write_text(f'title: !!python/object/apply:os.mkdir [{tmp_path / "trace"}]')
    with pytest.raises(ValueError, match='is no YAML'):
        read_plan(tmp_path / 'plan.yaml')
    assert not (tmp_path / 'trace').exists()


def test_the_plans_of_the_repository_are_read_and_their_configs_exist(root: Path) -> None:
    plans = sorted((root / 'configs' / 'plans').glob('*.yaml'))
    assert len(plans) > 10
    for path in plans:
        plan = read_plan(path)
        for name in {name for each in (*plan.runs, *plan.sets) for name in each.data}:
            assert (root / name).is_file() if name.endswith('.py') else name in SETS, path
        assert all((root / run.config).is_file() for run in plan.runs), path


def test_tables_are_made_of_what_the_paper_has(root: Path) -> None:
    for path in (root / 'configs' / 'plans').glob('table*.yaml'):
        plan = read_plan(path)
        (data,) = [each.data for each in plan.sets]
        assert data == (SIX if path.stem == 'table1' else ('casia1', 'misd', 'nist16', 'ffpp')), path
        for run in plan.runs:
            assert run.data == (('configs/_base_/datasets/forgery_train.py',) if run.train else ())
            # Nothing that another plan, or nobody, has made.
            assert 'work_dirs' not in f'{run.checkpoint} {run.options}'


def test_every_baseline_and_own_backbone_stands_in_a_plan(root: Path) -> None:
    plans = (root / 'configs' / 'plans').glob('*.yaml')
    found = {run.config for path in plans for run in read_plan(path).runs}
    baselines = {path.name for path in (root / 'configs' / 'baselines').glob('*.py')} - {'external_masks.py'}
    assert {f'configs/baselines/{name}' for name in baselines} <= found
    names = ('hrnet', 'vit', 'mit', 'convnext', 'efficientnet', 'dinov2', 'dinov3', 'fusion')
    assert {f'configs/focal_{name}.py' for name in names} <= found


@pytest.mark.parametrize(
    ('plan', 'part', 'registry', 'types'),
    [
        (
            'table3_losses',
            'loss_decode',
            MODELS,
            ['TripletLoss', 'DCLLoss', 'CircleLoss', 'InfoNCELoss', 'InfoNCEPlusPlusLoss', 'InfoNCEPlusPlusLoss'],
        ),
        (
            'table4_clusterings',
            'clusterer',
            TASK_UTILS,
            ['HDBSCAN', 'BIRCH', 'Hierarchical', 'KMeans', 'BisectingKMeans'],
        ),
    ],
)
def test_ablations_change_one_part(root: Path, plan: str, part: str, registry: object, types: list[str]) -> None:
    found = []
    for run in read_plan(root / 'configs' / 'plans' / f'{plan}.yaml').runs:
        cfg = Config.fromfile(root / run.config)
        cfg.merge_from_dict(parse_options(run.options))
        found.append(registry.build(cfg.model.decode_head[part]))
    assert [type(each).__name__.removesuffix('Clusterer') for each in found] == types
    if part == 'loss_decode':
        assert [each.scope for each in found[-2:]] == ['batch', 'image']
