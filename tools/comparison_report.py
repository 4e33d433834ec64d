"""The report of a comparison: one page, and what is in it as files."""

import html
from collections.abc import Iterator
from pathlib import Path

from comparing import Comparison
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from focal_mmseg.apis.run_config import parse_options, use_data
from focal_mmseg.datasets.degradations import strength_panels
from focal_mmseg.evaluation.operating import LEVEL, OperatingCurve, read_operating
from focal_mmseg.evaluation.rows import read_rows
from focal_mmseg.evaluation.summary import CURVES_FILE, HEADINGS
from focal_mmseg.reports import read_steps, write_page
from focal_mmseg.reports.page import Section, paragraph, picture, wide
from focal_mmseg.reports.pictures import Source, by_picture, sources, spread_over, write_masks, write_scatter
from focal_mmseg.reports.results import differences_table, intervals_table, operating_table, over_sets
from focal_mmseg.utils import read_config, written_whole
from focal_mmseg.visualization import write_curves, write_operating_curves, write_panels

WORST = 3
SCATTERED = 'iou'
# What each rule adds to the pictures that count.
PRISTINE = {
    'left out': '',
    'paper': ', and F1 and IoU over pristine ones too, as 1 where nothing is called forged and 0 else',
    'zero': ', and F1 and IoU over pristine ones too, as 0',
}


def write_report(comparison: Comparison) -> None:
    """Write ``report.html`` and what is in it: tables as CSV and Markdown, pictures as PNG."""
    table = comparison.table()
    table.write_csv(comparison.folder / 'table.csv')
    with written_whole(comparison.folder / 'table.md') as part:
        part.write_text(table.to_markdown(), encoding='utf-8')
    sections = [
        Section(
            'Figures',
            paragraph(
                f'F1, IoU and AUC are averages over forged pictures{PRISTINE[comparison.plan.pristine]}, false alarms '
                'the share of pixels called forged on pristine ones. Best bold, second best underlined.'
            )
            + wide(table.to_html(), 'table of figures'),
        ),
        *_operating(comparison),
        _certainty(comparison),
        *_robustness(comparison),
        *_loss_curves(comparison),
        *_pictures(comparison),
        Section('Models', wide(_listing(comparison), 'configs and weights')),
    ]
    write_page(comparison.folder / 'report.html', comparison.plan.title, sections)


def _operating(comparison: Comparison) -> Iterator[Section]:
    """What is found at each level of false alarms, of a model's first training."""
    first = {model: comparison.tested[runs[0]] for model, runs in comparison.trainings.items()}
    read = {model: {name: _curves_of(masks) for name, masks in sets.items()} for model, sets in first.items()}
    curves = {model: {name: each['all'] for name, each in sets.items() if each} for model, sets in read.items()}
    curves = {model: sets for model, sets in curves.items() if sets}
    if not curves:
        return
    table = operating_table(curves)
    table.write_csv(comparison.folder / 'operating.csv')
    text = (
        'One threshold of the score for all pictures, set so that 5 % of the pixels of pristine pictures are called '
        'forged: models compare whatever threshold each has of its own.'
    )
    body = paragraph(text) + wide(table.to_html(), 'table of figures at 5 % false alarms')
    name = next(iter(next(iter(curves.values()))))
    drawn = {model: sets[name] for model, sets in curves.items() if name in sets}
    path = comparison.folder / 'operating.png'
    write_operating_curves(
        path, {model: (each.false_alarms, each.found['iou']) for model, each in drawn.items()}, 'IoU', LEVEL
    )
    body += picture(path, f'IoU over false alarms{f" on {name}" if name else ""}; dashed: 5 %')
    yield Section('False alarms', body)


def _curves_of(masks: Path) -> dict[str, OperatingCurve]:
    """By the name of a group; none where an older test left no curves."""
    path = masks / CURVES_FILE
    return read_operating(path) if path.is_file() else {}


def _certainty(comparison: Comparison) -> Section:
    """How sure the figures are: intervals over pictures, and differences from the first model."""
    results, plan = comparison.results, comparison.plan
    shared = (results, comparison.trainings, comparison.rows)
    tables = [intervals_table(*shared, figure, plan.pristine) for figure in plan.figures]
    if len(results) > 1:
        tables += [differences_table(results, figure, plan.pristine) for figure in plan.figures]
    with written_whole(comparison.folder / 'intervals.md') as part:
        part.write_text('\n'.join(each.to_markdown() for each in tables), encoding='utf-8')
    body = ''.join(wide(each.to_html(), f'{each.title}, {each.columns[0].heading}') for each in tables)
    text = (
        'In brackets where 95 % of the averages lie if the pictures are drawn anew. A difference is taken picture by '
        'picture. The figures of a model that was trained several times are the means of its trainings.'
    )
    return Section('Intervals', paragraph(text) + body)


def _robustness(comparison: Comparison) -> Iterator[Section]:
    """The first figure of the tables over each degradation (figure 9), of a model's first training."""
    figure = comparison.plan.figures[0]

    def value_of(folder: Path) -> float:
        return over_sets(read_rows(folder / 'pictures.csv'), comparison.plan.pristine)[figure]

    degraded = comparison.degraded()
    curves = {
        model: {name: value_of(folder) for name, folder in folders.items()} for model, folders in degraded.items()
    }
    if not curves:
        return
    first = {model: value_of(folder) for model, folder in comparison.first_masks().items() if model in curves}
    write_panels(comparison.folder / 'robustness.png', strength_panels(curves), HEADINGS[figure], first)
    text = f'{HEADINGS[figure]} on degraded pictures, each set counting once; dashed: as they are'
    yield Section('Degraded pictures', paragraph(text) + picture(comparison.folder / 'robustness.png', text))


def _loss_curves(comparison: Comparison) -> Iterator[Section]:
    """The loss of each model that was trained here, of its first training (figure 4)."""
    steps = {model: read_steps(folder) for model, folder in comparison.first_trainings().items()}
    curves = {model: {step['iter']: step['loss'] for step in found} for model, found in steps.items() if found}
    if curves:
        path = comparison.folder / 'loss_curves.png'
        write_curves(path, curves, 'loss')
        text = 'loss over the steps as it was logged, with its running median; different losses have different heights'
        yield Section('Trainings', paragraph(text) + picture(path, text))


def _pictures(comparison: Comparison) -> Iterator[Section]:
    """Grids and scatter plots; of the first set where there are several, and of a model's first training."""
    folders = comparison.first_masks()
    found, lack = _sources(comparison, next(iter(folders))) if folders else ([], '')
    if lack:
        yield Section('Masks', paragraph(f'The masks are not shown: the test pictures cannot be read here. {lack}'))
    values = {model: by_picture(read_rows(folder / 'pictures.csv'), SCATTERED) for model, folder in folders.items()}
    if found and comparison.plan.pictures:
        path = comparison.folder / 'masks.png'
        write_masks(path, spread_over(found, comparison.plan.pictures), folders, values)
        text = (
            f'input, truth and the mask of each model, with the {HEADINGS[SCATTERED]} of forged pictures above; behind '
            'it, where a model gives them, how sure it is of the mask (confidence) and where it sees edges, bright = 1'
        )
        yield Section('Masks', paragraph(text) + picture(path, text))
    if len(values) > 1:
        first, *others = values
        path = comparison.folder / 'scatter.png'
        write_scatter(path, (first, values[first]), {name: values[name] for name in others}, HEADINGS[SCATTERED])
        text = f'{HEADINGS[SCATTERED]} of each forged picture, {first} against the others'
        yield Section('Picture by picture', picture(path, text))
    for model in folders if found else ():
        worst = _worst(found, values[model])
        if worst:
            path = comparison.folder_of(model) / 'worst.png'
            write_masks(path, worst, folders, values)
            text = f'forged pictures with the lowest {HEADINGS[SCATTERED]} of {model}'
            yield Section(f'Worst of {model}', picture(path, text))


def _sources(comparison: Comparison, model: str) -> tuple[list[Source], str]:
    """The pictures of the first set, as the model's config has them; or why they cannot be shown."""
    run = next(each for each in comparison.plan.runs if each.model == model)
    first = comparison.plan.sets[0]
    cfg = read_config(run.config)
    if first.data:
        use_data(cfg, first.data, ('test',))
    # Weights, of which a plan may name those of another model, have nothing to do with the pictures.
    options = [each for each in (*run.options, *first.options) if each.startswith('test_dataloader.')]
    cfg.merge_from_dict(parse_options(options))
    init_default_scope('mmseg')
    try:
        return list(sources(DATASETS.build(cfg.test_dataloader.dataset))), ''
    except (OSError, ValueError) as error:
        return [], str(error)


def _worst(found: list[Source], values: dict[tuple[str, str], float]) -> list[Source]:
    scored = [each for each in found if (each.dataset, each.picture) in values]
    return sorted(scored, key=lambda each: values[each.dataset, each.picture])[:WORST]


def _listing(comparison: Comparison) -> str:
    rows = ''
    for run in comparison.plan.runs:
        weights = 'trained' if run.train else run.checkpoint or '-'
        there = weights if run.name in comparison.tested else f'{weights}; not in this report'
        cells = (html.escape(text) for text in (run.config, there, ' '.join(run.options) or '-'))
        rows += f'<tr><th scope="row">{html.escape(run.name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    heads = ''.join(f'<th scope="col">{name}</th>' for name in ('model', 'config', 'weights', 'overrides'))
    return f'<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
