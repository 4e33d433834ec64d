"""What is on the page, and what it does."""

import traceback
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from focal_mmseg.utils import image_header

from .models import Models
from .results import COLOURS, DEFAULT_POINT, Result, Results

MOST_AT_ONCE = 16
# Of one image. A larger one would fill the memory of a small machine.
MOST_PIXELS = 60_000_000
# Those who wait for the model; more are told to come back.
MOST_WAITING = 16
OPACITY = 45

CSS = """
:root { --focal-opacity: .45; }
.gradio-container { max-width: 1500px !important; }
#head h1 { font-size: 1.5rem; margin: 0; } #head p { margin: .2rem 0 0; color: var(--body-text-color-subdued); }
.views { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1rem; }
.views figure { margin: 0; border: 1px solid var(--border-color-primary); border-radius: .6rem; overflow: hidden;
  background: var(--background-fill-primary); }
.views .frame { position: relative; line-height: 0; background: #1c1c22; }
.views img { width: 100%; height: auto; }
.views .layer { position: absolute; inset: 0; opacity: var(--focal-opacity); }
.views figcaption { padding: .5rem .75rem; font-size: .9rem; line-height: 1.35; }
.views figcaption small { color: var(--body-text-color-subdued); display: block; }
.scale { display: inline-block; width: 6rem; height: .6rem; border-radius: .3rem; vertical-align: middle;
  background: linear-gradient(90deg, #000004, #420a68, #932667, #dd513a, #fca50a, #fcffa4); }
.chip { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; vertical-align: -.05rem; }
.empty { border: 2px dashed var(--border-color-primary); border-radius: .6rem; padding: 5rem 1rem; text-align: center;
  color: var(--body-text-color-subdued); }
.verdict { font-size: .95rem; line-height: 1.45; } .verdict .figure { font-size: 1.7rem; font-weight: 650; }
.verdict .bar { height: .6rem; border-radius: .3rem; background: var(--border-color-primary); margin: .25rem 0 .4rem; }
.verdict .bar i { display: block; height: 100%; border-radius: .3rem; background: #d5373a; }
.verdict small { color: var(--body-text-color-subdued); }
.links a { display: inline-block; margin: .6rem .4rem 0 0; padding: .35rem .8rem; border-radius: .4rem;
  border: 1px solid var(--border-color-primary); text-decoration: none; color: var(--body-text-color); }
.links a:hover { background: var(--border-color-primary); }
.failed { border-left: .25rem solid #d5373a; padding: .4rem .75rem; margin: .2rem 0; overflow-wrap: anywhere; }
"""
# Images that are pasted go where files are dropped.
HEAD = """<script>
document.addEventListener('paste', event => {
  const input = document.querySelector('#drop input[type=file]');
  if (!input || !event.clipboardData.files.length) return;
  const files = new DataTransfer();
  for (const file of event.clipboardData.files) files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
});
</script>"""
SET_OPACITY = "value => { document.documentElement.style.setProperty('--focal-opacity', value / 100); }"
EMPTY = '<div class="empty">Drop an image on the left, or paste one.</div>'
TITLE = (
    '<h1>focal_mmseg</h1><p>Where was this image forged? Parts of one image whose traces differ from the rest are '
    'marked. The page tells what a network finds, and proves nothing.</p>'
)


def theme() -> gr.themes.Base:
    """Of the fonts that are on the reader's machine."""
    return gr.themes.Soft(
        primary_hue='red',
        neutral_hue='slate',
        font=['system-ui', 'sans-serif'],
        font_mono=['ui-monospace', 'monospace'],
    )


def build_page(models: Models, results: Results, local: bool) -> gr.Blocks:
    """The page.

    Args:
        models (Models): That can be chosen.
        results (Results): Keeps what was found.
        local (bool): Whether users may name a config and a checkpoint of this machine.
    """
    with gr.Blocks(title='focal_mmseg', analytics_enabled=False, delete_cache=(60, 120), fill_width=True) as page:
        gr.HTML(TITLE, elem_id='head')
        with gr.Row():
            with gr.Column(scale=1, min_width=320):
                drop = gr.File(file_count='multiple', label='Images: drop, choose or paste', elem_id='drop', height=170)
                said = gr.HTML(elem_id='said')
                model = gr.Dropdown(models.names, value=models.names[0], label='Model', elem_id='model')
                if local:
                    _add_own_model(models, model)
                chosen = gr.Radio([], label='Image', elem_id='chosen', visible=False)
                point = gr.Slider(
                    0.01, 0.99, DEFAULT_POINT, step=0.01, label='Operating point', elem_id='point',
                    info='Pixels of a higher score are called forged. Lower finds more, and more that is none.',
                )  # fmt: skip
                opacity = gr.Slider(0, 100, OPACITY, step=1, label='Overlay opacity, %', elem_id='opacity')
                verdict = gr.HTML(elem_id='verdict')
            with gr.Column(scale=3, min_width=320):
                views = gr.HTML(EMPTY, elem_id='views')
        names = gr.State([])

        def analyse(
            files: list[str], which: str, shown: list, request: gr.Request, progress: Any = gr.Progress()
        ) -> tuple:
            shown, failed = _analyse(models, results, files, which, shown, request.session_hash, progress)
            update = gr.Radio(shown, value=shown[-1][1] if shown else None, visible=len(shown) > 1)
            return None, failed, shown, update

        def show(name: str | None, at: float) -> tuple[str, str]:
            result = results.get(name)
            if name is None or result is None:
                return EMPTY, '' if name is None else '<p class="failed">This result is gone: drop the image again.</p>'
            return show_views(name, result, at), show_verdict(name, result, at)

        drop.upload(
            analyse, [drop, model, names], [drop, said, names, chosen], concurrency_limit=1, api_visibility='private',
            show_progress_on=views,
        )  # fmt: skip
        chosen.change(show, [chosen, point], [views, verdict], show_progress='hidden', api_visibility='private')
        point.change(
            show, [chosen, point], [views, verdict], queue=False, trigger_mode='always_last', show_progress='hidden',
            api_visibility='private',
        )  # fmt: skip
        opacity.change(None, opacity, None, js=SET_OPACITY)

        def leave(request: gr.Request) -> None:
            results.forget(request.session_hash)

        page.unload(leave)
    page.queue(max_size=MOST_WAITING, default_concurrency_limit=4)
    return page


def _add_own_model(models: Models, model: gr.Dropdown) -> None:
    """Fields for a config and a checkpoint."""
    with gr.Accordion('A checkpoint of your own', open=False, elem_id='own'):
        config = gr.Textbox(label='Config', placeholder='configs/focal_hrnet.py')
        checkpoint = gr.Textbox(label='Checkpoint', placeholder='hrnet.pth')
        button = gr.Button('Load', size='sm')
        answer = gr.HTML()

    def load(named: str, weights: str) -> tuple[Any, str]:
        if not named.strip():
            return gr.skip(), _failed('Name the config that the checkpoint was trained with.')
        try:
            name = models.add(named.strip(), weights.strip() or None)
        except Exception as error:  # a config is code, and fails in any way
            return gr.skip(), _failed(str(error))
        return gr.Dropdown(models.names, value=name), f'{escape(name)} is ready.'

    button.click(load, [config, checkpoint], [model, answer], concurrency_limit=1, api_visibility='private')


def _analyse(
    models: Models, results: Results, files: list[str], which: str, shown: list, page: str | None, progress: Any
) -> tuple[list, str]:
    """Predict the files; gives the results of the page, as (name, key), and what failed."""
    failed = []
    for number, path in enumerate(map(Path, files or [])):
        content = path.read_bytes()
        # Nothing that was dropped stays on the disk.
        path.unlink()
        if number >= MOST_AT_ONCE:
            failed.append(f'{path.name}: left out, for {MOST_AT_ONCE} images are taken at once')
            continue
        progress((number, len(files)), desc=f'{path.name} ({number + 1} of {len(files)})', unit='images')
        try:
            _require_size(content)
            prediction, threshold = models.predict(which, content)
            key = results.add(page, Result(path.name, which, prediction, threshold))
            shown = [*shown, (path.name, key)]
        except (OSError, ValueError) as error:
            failed.append(f'{path.name}: {error}')
        except Exception as error:  # whatever is wrong with one image, the others go on
            traceback.print_exc()
            failed.append(f'{path.name}: {type(error).__name__}: {error}')
    kept = [each for each in shown if results.get(each[1]) is not None]
    return kept, ''.join(map(_failed, failed))


def _require_size(content: bytes) -> None:
    with image_header(BytesIO(content), 'the image') as image:
        width, height = image.size
    if width * height > MOST_PIXELS:
        raise ValueError(f'it has {width}x{height} pixels, more than the {MOST_PIXELS:,} that this page takes')


def _failed(text: str) -> str:
    return f'<div class="failed">{escape(text)}</div>'


def show_views(name: str, result: Result, point: float) -> str:
    """The image, the score map, the overlay and the clusters, as HTML.

    Args:
        name (str): Of the result, in :class:`Results`.
        result (Result): The result.
        point (float): Operating point, in [0, 1].
    """

    def image_tag(kind: str, label: str, css: str = '') -> str:
        return f'<img src="{_address(name, kind, point)}" alt="{label}" class="{css}">'

    image = image_tag('image.jpg', 'the image')
    figures = [
        (image, f'{escape(result.name)}<small>{_size(result)}</small>'),
        (
            image_tag('score.jpg', 'score map'),
            'Score <small>0 <span class="scale"></span> 1, more likely forged</small>',
        ),
        (
            image + image_tag('layer.png', 'the mask', 'layer'),
            'Overlay<small>red: above the operating point</small>',
        ),
    ]
    if result.prediction.labels is not None:
        figures.append((image_tag('clusters.jpg', 'clusters'), f'Sources <small>{_sources(result)}</small>'))
    cells = (
        f'<figure><div class="frame">{shown}</div><figcaption>{said}</figcaption></figure>' for shown, said in figures
    )
    return f'<div class="views">{"".join(cells)}</div>'


def show_verdict(name: str, result: Result, point: float) -> str:
    """The numbers in words, and links to the files, as HTML."""
    share = result.share(point)
    evidence = result.evidence(point)
    gate = '' if evidence is None else f'The operating point stands for a gate threshold of {evidence:.3g}.'
    level = result.prediction.summary.get('calibration')
    calibrated = f' At {DEFAULT_POINT:g} false alarms are calibrated for {escape(level)}.' if level else ''
    text = (
        f'<span class="figure">{share:.1%}</span> of the pixels are called forged.<br><small>{gate}{calibrated}</small>'
    )
    score = result.prediction.image_score
    if score is not None:
        text += (
            f'<br>Image score <b>{score:.2f}</b><div class="bar"><i style="width:{score:.1%}"></i></div><small>How '
            'surely something in the image is forged, from 0 to 1. It ranks images, and does not move with the '
            'operating point. An untouched image may have a high one too.</small>'
        )
    links = [('mask.png', 'Mask'), ('overlay.png', 'Overlay'), ('result.json', 'JSON')]
    stem = quote(Path(result.name).stem)
    anchors = ''.join(
        f'<a href="{_address(name, kind, point)}" download="{stem}_{kind}">{label}</a>' for kind, label in links
    )
    return f'<div class="verdict">{text}<div class="links">{anchors}</div></div>'


def _address(name: str, kind: str, point: float) -> str:
    return f'results/{name}/{kind}?point={point:g}'


def _size(result: Result) -> str:
    height, width = result.prediction.mask.shape
    return f'{width} x {height}, {result.prediction.summary["seconds"]:.1f} s, {escape(result.model)}'


def _sources(result: Result) -> str:
    number = int(result.sources.max())
    if number == 1:
        return 'one colour: the forged parts are of one cluster'
    chips = ''.join(
        f'<span class="chip" style="background:rgb({red},{green},{blue})"></span> {each + 1} '
        for each, (blue, green, red) in enumerate(COLOURS[:number].tolist())
    )
    return f'{chips} a colour a cluster'
