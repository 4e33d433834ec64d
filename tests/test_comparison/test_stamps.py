"""What counts as a change since a tool was run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from focal_mmseg.comparison import stamps


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A fusion of one member with a data config, and what they name."""
    made = {
        name: tmp_path / name
        for name in ('base.py', 'config.py', 'data.py', 'member.py', 'member.pth', 'masks/a.png', 'images/x/a.png')
    }
    for path in made.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('a = 1\n')
    made['config.py'].write_text(
        "_base_ = './base.py'\n"
        f'model = dict(members=[dict(config={str(made["member.py"])!r}, checkpoint={str(made["member.pth"])!r})],\n'
        f'    other=dict(folder={str(tmp_path / "masks")!r}))\n'
        'test_pipeline = []\n'
        'test_dataloader = dict(dataset=dict())\n'
    )
    made['data.py'].write_text(
        "inner = dict(type='ForgeryDataset', data_prefix=dict(img_path='x'), "
        f'data_root={str(tmp_path / "images")!r})\n'
        "test_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=[inner]))\n"
    )
    return made


@pytest.fixture
def stamp(files: dict[str, Path]) -> Callable[..., dict]:
    """The stamp of a test as another process would take it."""

    def take(**changed: object) -> dict:
        stamps._listing.cache_clear()
        given = dict(tool='test.py', config=str(files['config.py']), data=[str(files['data.py'])]) | changed
        return stamps.make_stamp(**given)

    return take


def test_nothing_changed(stamp: Callable) -> None:
    assert stamps.is_same(stamp(), stamp())


@pytest.mark.parametrize(
    'name', ['base.py', 'data.py', 'member.py', 'member.pth', 'masks/a.png', 'images/x/a.png', 'images/x/b.png']
)
def test_what_a_config_names_changes_it(stamp: Callable, files: dict[str, Path], tmp_path: Path, name: str) -> None:
    before, path = stamp(), tmp_path / name
    line = "inner['mask_threshold'] = 9\n" if name == 'data.py' else 'b = 2\n'
    path.write_text((path.read_text() if path.exists() else '') + line)
    assert not stamps.is_same(before, stamp())


def test_links_are_followed_and_may_lead_upwards(stamp: Callable, files: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / 'masks' / 'linked').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'masks' / 'upwards').symlink_to(tmp_path / 'masks')
    (tmp_path / 'masks' / 'broken').symlink_to(tmp_path / 'nowhere')
    before = stamp()
    assert stamps.is_same(before, stamp())
    (tmp_path / 'elsewhere' / 'b.png').write_text('new')
    assert not stamps.is_same(before, stamp())


@pytest.mark.parametrize('changed', [dict(options=['a=2']), dict(arguments=['--tta']), dict(checkpoint='base.py')])
def test_other_arguments_change_it(
    stamp: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not stamps.is_same(stamp(), stamp(**changed))


@pytest.mark.parametrize('name', ['member.pth', 'masks/a.png', 'images/x/a.png'])
def test_what_is_gone_has_not_changed(stamp: Callable, files: dict[str, Path], tmp_path: Path, name: str) -> None:
    before = stamp()
    files[name].unlink()
    if name != 'member.pth':
        files[name].parent.rmdir()
    assert stamps.is_same(before, stamp())


@pytest.mark.parametrize('text', ['a = (', 'a = nothing', 'raise SystemError'])
def test_a_config_that_cannot_be_read_is_named(stamp: Callable, files: dict[str, Path], text: str) -> None:
    files['config.py'].write_text(text)
    with pytest.raises(ValueError, match=r'config\.py cannot be read: '):
        stamp()


@pytest.mark.parametrize('text', ['', '{', '{}', '[1]'])
def test_a_broken_stamp_is_none(stamp: Callable, tmp_path: Path, text: str) -> None:
    (tmp_path / 'done.json').write_text(text)
    assert not stamps.is_same(stamps.read_stamp(tmp_path / 'done.json'), stamp())
