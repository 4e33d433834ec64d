"""Every benchmark, on as little as it can take."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def run(root: Path, run_tool: Callable, tmp_path: Path) -> Callable[..., object]:
    """Runs a benchmark; what it wrote."""

    def call(tool: str, *arguments: str) -> object:
        out = tmp_path / 'out.json'
        run_tool(root / 'tools' / 'benchmarks' / tool, *arguments, '--out', out)
        return json.loads(out.read_text())

    return call


def test_clustering_agrees_with_its_peers(run: Callable) -> None:
    options = ('--points', '400', '600', '--dim', '8', '--peers', 'hdbscan', 'sklearn', '--repeats', '1')
    rows = run('clustering.py', *options, '--peer-points', '400')
    assert [row['points'] for row in rows] == [400, 600]
    assert rows[0]['hdbscan']['rand'] == rows[0]['sklearn']['rand'] == 1
    assert 'hdbscan' not in rows[1]
    assert all(row['seconds'] > 0 and row['product'] > 0 for row in rows)


def test_clustering_with_and_without_a_sieve_finds_the_same(run: Callable) -> None:
    (row,) = run('clustering.py', '--points', '400', '--dim', '8', '--kind', 'low rank', '--repeats', '1', '--plain')
    assert row['plain_rand'] == 1
    assert row['plain'] > 0 and row['plain_of_product'] > 0


@pytest.mark.parametrize('width', [32, 256])
def test_clustering_of_what_the_network_makes_of_an_image(run: Callable, tmp_path: Path, width: int) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / 'image.png')
    image = ('--image', str(tmp_path / 'image.png'), '--dim', str(width))
    (row,) = run('clustering.py', *image, '--points', '64', '--repeats', '1')
    assert (row['points'], row['dim']) == (64, width)


@pytest.mark.parametrize(
    'wrong',
    [
        ('--image', 'image.png', '--dim', '8'),
        ('--image', 'image.png', '--points', '60'),
        ('--cpu-time', '--device', 'cuda'),
    ],
)
def test_clustering_refuses_what_it_cannot_measure(run: Callable, wrong: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stop:
        run('clustering.py', *wrong)
    assert stop.value.code == 2


def test_parity_finds_none_wrong(run: Callable, trained: tuple[Path, Path], tmp_path: Path) -> None:
    network = ('--config', str(trained[0]), '--checkpoint', str(trained[1]), '--images', '1')
    with pytest.raises(SystemExit) as stop:
        run('clustering_parity.py', '--points', '200', '--kinds', 'two groups', '--dim', '8', *network)
    rows = json.loads((tmp_path / 'out.json').read_text())
    assert stop.value.code == 0
    assert {row['name'] for row in rows} >= {'two groups'} and len(rows) == 4
    assert all(row['weights'] < 1e-5 for row in rows)


def test_clusterers_of_made_embeddings(run: Callable) -> None:
    rows = run('clusterers.py', '--made', '--side', '16', '--dim', '8')
    assert {'K-means', 'HDBSCAN', 'BIRCH', 'Hierarchical', 'Bisecting K-means'} <= set(rows)
    assert all(0 <= row['iou'] <= 1 and 0 <= row['false_alarm'] <= 1 for row in rows.values())


@pytest.mark.parametrize('arguments', [(), ('--made', 'config.py'), ('config.py',), ('--made', '--side', '0')])
def test_clusterers_without_a_clear_source_is_refused(run: Callable, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stop:
        run('clusterers.py', *arguments)
    assert stop.value.code == 2


def test_losses_equal_their_dense_form(run: Callable) -> None:
    rows = run('losses.py', '--losses', 'all', '--points', '300', '--dim', '8', '--repeats', '1')
    assert len(rows) == 8
    for row in rows:
        assert row['seconds'] > 0 and row['sampled_seconds'] > 0
        if not row['loss'].startswith('Soft'):
            assert row['difference'] < 1e-5 and row['dense_seconds'] > 0


def test_loading_is_measured_transform_by_transform(root: Path, run: Callable) -> None:
    config = str(root / 'configs' / 'demo' / 'focal_hrnet-compact.py')
    found = run('dataloading.py', config, '--size', '192', '192', '--num', '6', '--workers', '0', '1')
    expected = ['LoadImageFromFile', 'LoadForgeryMask', 'RandomFlip', 'NoiseResidual', 'PackSegInputs']
    assert list(found['milliseconds']) == expected and all(spent > 0 for spent in found['milliseconds'].values())
    assert list(found['rates']) == ['0', '1'] and all(rate > 0 for rate in found['rates'].values())


def test_synthesis_is_measured_against_its_floor(run: Callable) -> None:
    rows = run('synthesis.py', '--recipes', 'psccnet', '--num', '8', '--size', '96')
    assert [row['kind'] for row in rows] == ['splice', 'copy-move', 'removal', 'pristine', 'all']
    assert all(row['images_per_second'] > 0 and row['floor_milliseconds'] > 0 for row in rows)


def test_synthesis_is_measured_on_photographs_of_ones_own(run: Callable, forged_set: Path, tmp_path: Path) -> None:
    folder = str(forged_set / 'train' / 'images')
    rows = run('synthesis.py', '--recipes', 'world', '--num', '10', '--size', '64', '--photographs', folder)
    assert rows[-1]['kind'] == 'all' and rows[-1]['images_per_second'] > 0
    with pytest.raises(ValueError, match='holds no photograph'):
        run('synthesis.py', '--photographs', str(tmp_path / 'nowhere'))


def test_planted_noise_is_found_and_the_released_fallback_finds_less(root: Path, run_tool: Callable, capsys) -> None:
    run_tool(root / 'tools' / 'benchmarks' / 'noise_levels.py', '--photographs', 'chelsea')
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in capsys.readouterr().out.splitlines()]
    levels = {row[0]: float(row[4]) for row in rows if len(row) == 6 and row[1] == 'chelsea'}
    assert levels == {'kurtosis': pytest.approx(10, rel=0.1), 'principal components': pytest.approx(10, rel=0.1)}
    overlaps = {row[0]: float(row[2].split()[0]) for row in rows if len(row) == 5 and 'IoU' not in row[0]}
    assert len(overlaps) == 4 and overlaps['kurtosis'] > overlaps['kurtosis, fallback as released']


@pytest.mark.skipif(not Path('/proc/self/status').exists(), reason='reads the memory of a process as Linux tells it')
def test_a_long_run_tells_what_memory_each_thousand_images_take(
    run: Callable, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    arguments = (*map(str, trained), '--num', '60', '--every', '0.1', '--most-slope')
    found = run('long_run.py', *arguments, '1000000')
    assert found['images'] == 60 and 0 < found['after_a_tenth_mib'] <= found['peak_mib']
    assert [begun for begun, _ in found['readings']] == sorted(begun for begun, _ in found['readings'])
    # Two files are damaged.
    assert found['readings'][-1][0] <= 58
    assert (tmp_path / 'out.png').is_file()


@pytest.fixture
def long_run(load_tool: Callable) -> ModuleType:
    """The tool as a module."""
    return load_tool('benchmarks/long_run.py')


@pytest.mark.parametrize('readings', [[], [(5, 100.0)], [(5, 100.0), (50, 100.0)], [(50, 100.0), (50, 101.0)]])
def test_a_run_with_too_few_readings_is_refused(long_run: ModuleType, readings: list[tuple[int, float]]) -> None:
    with pytest.raises(RuntimeError, match='take more images, or a smaller --every'):
        long_run.summarise(readings, 100)


@pytest.mark.parametrize(('growth', 'fails'), [(4, False), (6, True)])
def test_a_long_run_fails_above_the_stated_slope(
    long_run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, growth: int, fails: bool
) -> None:
    readings = [(number, 100 + growth * number / 1000) for number in range(0, 1001, 100)]
    monkeypatch.setattr(long_run, 'measure', lambda args: (readings, 1.0))
    out = tmp_path / 'out.json'
    monkeypatch.setattr(sys, 'argv', ['long_run.py', 'config.py', 'a.pth', '--num', '1000', '--out', str(out)])
    if fails:
        with pytest.raises(SystemExit, match='grows by more than 5 MiB a thousand images'):
            long_run.main()
    else:
        long_run.main()
    assert json.loads(out.read_text())['mib_per_thousand'] == pytest.approx(growth)
