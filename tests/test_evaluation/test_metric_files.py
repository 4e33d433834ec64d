"""The files of a test: written, read, and refused where another version wrote them."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from focal_mmseg.evaluation.files import (
    IMAGE_COLUMNS,
    read_operating_curves,
    read_rows,
    write_operating_curves,
    write_rows,
    write_summary,
)
from focal_mmseg.evaluation.localisation import LOCALISATION_METRICS, metrics_and_counts
from focal_mmseg.evaluation.operating import operating_curve
from focal_mmseg.evaluation.pooling import COUNT_COLUMNS, count_columns, score_histogram
from focal_mmseg.evaluation.summary import MEAN_OF_SETS, SET_HEADINGS, summarise


def scored(seed: int, images: int = 9) -> list[dict]:
    """Rows of forged images, and of a third that are pristine."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(images):
        is_pristine = number % 3 == 0
        score, truth = rng.random((12, 12)), (rng.random((12, 12)) < 0.3) & ~is_pristine
        metrics, *counts = metrics_and_counts(score > 0.5, score, truth)
        names = dict(dataset='ab'[number % 2], kind='', image=str(number))
        flags = dict(is_pristine=is_pristine, called_forged=number % 2 == 0, image_score=float(score[0, 0]))
        histogram = score_histogram(score.ravel(), truth.ravel())
        rows.append(names | flags | metrics | count_columns(*counts) | dict(histogram=histogram))
    return rows


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [
        dict(dataset='a', kind='splice', image=f'splice/{number}')
        | dict(is_pristine=number > 0, called_forged=number == 0, image_score=0.25)
        | dict.fromkeys(LOCALISATION_METRICS, 1 / 3)
        | dict.fromkeys(COUNT_COLUMNS, number)
        | dict(iou=math.nan, histogram='left out')
        for number in range(2)
    ]
    write_rows(tmp_path / 'images.csv', rows)
    for found, written in zip(read_rows(tmp_path / 'images.csv'), rows, strict=True):
        assert found == pytest.approx({name: written[name] for name in IMAGE_COLUMNS}, nan_ok=True)


def test_rows_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / 'images.csv').write_text('dataset,kind,picture,is_pristine,iou\na,b,c,True,1.0\n')
    with pytest.raises(ValueError, match="no column 'image': another version wrote it, run the test again"):
        read_rows(tmp_path / 'images.csv')


def test_curves_are_written_up_to_thirty_percent_and_read(tmp_path: Path) -> None:
    curves = {'all': operating_curve(scored(0)), 'a set, named oddly': operating_curve(scored(1))}
    write_operating_curves(tmp_path / 'operating.csv', curves)
    found = read_operating_curves(tmp_path / 'operating.csv')
    assert list(found) == list(curves)
    for name, curve in curves.items():
        assert found[name].false_alarms.max() <= 0.3 and len(found[name].false_alarms) < len(curve.false_alarms)
        assert found[name].area == pytest.approx(curve.area, abs=1e-5)
        for level in (0.01, 0.05, 0.2):
            assert found[name].metrics_at(level) == pytest.approx(curve.metrics_at(level), abs=1e-5)


def test_curves_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / 'operating.csv').write_text('pictures,iou\nall,1\n')
    with pytest.raises(ValueError, match='other columns'):
        read_operating_curves(tmp_path / 'operating.csv')


def test_each_metric_is_in_the_record_of_the_images_that_it_is_of(tmp_path: Path) -> None:
    groups = summarise(scored(0), resamples=50)
    write_summary(tmp_path, groups)
    records = json.loads((tmp_path / 'summary.json').read_text())
    with (tmp_path / 'summary.csv').open(newline='') as file:
        lines = list(csv.DictReader(file))
    assert [(each['group'], each['images'], each['number']) for each in records] == [
        (name, images, number)
        for name, numbers in (('all', (6, 3, 9)), ('a', (3, 2, 5)), ('b', (3, 1, 4)), (MEAN_OF_SETS, (6, 3, 9)))
        for images, number in zip(('forged', 'pristine', 'all'), numbers, strict=True)
    ]
    by_place = {(each['group'], each['images']): each for each in records}
    for each in groups:
        forged, pristine, both = (by_place[each.label, images] for images in ('forged', 'pristine', 'all'))
        for name, value in each.values.items():
            own = pristine if name == 'false_alarm' else both if name in SET_HEADINGS else forged
            assert own[name] == (None if math.isnan(value) else value)
            assert sum(name in record for record in (forged, pristine, both)) == 1
            assert math.isnan(value) or own[f'{name}_low'] <= own[f'{name}_high']
    for record, line in zip(records, lines, strict=True):
        assert {name: value for name, value in line.items() if value} == {
            name: str(value) for name, value in record.items() if value is not None
        }


def test_the_summary_for_people_has_the_rows_and_their_intervals(tmp_path: Path) -> None:
    groups = summarise(scored(0), resamples=50)
    write_summary(tmp_path, groups)
    averages, sets = ((each.splitlines()[2:]) for each in (tmp_path / 'summary.md').read_text().split('\n\n'))
    assert [line.split('|')[2].strip() for line in averages] == ['forged', 'pristine'] * 4
    assert [line.split('|')[2].strip() for line in sets] == ['all'] * 4
    for each, line in zip(groups, sets, strict=True):
        assert line.count('[') == sum(not math.isnan(each.values[name]) for name in SET_HEADINGS)
    for each, forged, pristine in zip(groups, averages[::2], averages[1::2], strict=True):
        values = [each.values[name] for name in LOCALISATION_METRICS if name != 'false_alarm']
        assert forged.count('[') == sum(not math.isnan(value) for value in values)
        assert pristine.count('[') == 1
