"""What a long command shows of how far it is."""

import sys
from collections.abc import Iterator
from io import StringIO

import pytest

from focal_mmseg.utils import progress
from focal_mmseg.utils.progress import Bars, track


class Clock:
    """A time that goes on when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_log_has_a_line_each_half_minute(capsys: pytest.CaptureFixture) -> None:
    clock = Clock()
    with Bars(clock) as bars:
        bar = bars.add('images', 100)
        for _ in range(100):
            clock.now += 1
            bars.advance(bar)
    out, err = capsys.readouterr()
    assert not out and err.splitlines() == [
        'images: 30 of 100, 0:01:10 left',
        'images: 60 of 100, 0:00:40 left',
        'images: 90 of 100, 0:00:10 left',
    ]


@pytest.mark.parametrize('slow', [0.0, 20.0, 100.0])
@pytest.mark.parametrize('seconds', [0.05, 2.0, 45.0])
def test_the_time_left_is_right_within_a_factor_of_two(
    seconds: float, slow: float, capsys: pytest.CaptureFixture
) -> None:
    """Of steps of any length, the first of which takes longer: models are loaded then."""
    clock, number = Clock(), 400
    told = []
    with Bars(clock) as bars:
        bar = bars.add('images', number)
        for done in range(1, number + 1):
            clock.now += seconds + (slow if done == 1 else 0)
            bars.advance(bar)
            if lines := capsys.readouterr().err.splitlines():
                told.append((lines[-1].rpartition(', ')[2], (number - done) * seconds))
    assert told or seconds < 1
    for words, truth in told:
        if truth > 5 and words.endswith(' left'):
            hours, minutes, rest = map(int, words.removesuffix(' left').split(':'))
            assert truth / 2 < 3600 * hours + 60 * minutes + rest < truth * 2


def test_several_bars_stand_in_one_line(capsys: pytest.CaptureFixture) -> None:
    clock = Clock()
    with Bars(clock) as bars:
        whole = bars.add('')
        parts = [bars.add(name) for name in ('one', 'two')]
        bars.update(whole, name='0 of 2 done')
        bars.update(parts[0], 5, 10)
        clock.now = progress.IN_LOG
        bars.show()
        bars.remove(parts[0])
        clock.now *= 2
        bars.show()
    assert capsys.readouterr().err.splitlines() == ['0 of 2 done; one: 5 of 10; two', '0 of 2 done; two']


def test_a_terminal_has_bars_and_a_file_what_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, 'stderr', screen)
    monkeypatch.setenv('TERM', 'xterm')
    for item in track([1, 2, 3], '[b]images'):
        print(item)
    assert capsys.readouterr().out == '1\n2\n3\n'
    assert '[b]images' in screen.getvalue() and '3 of 3' in screen.getvalue() and '\x1b[' in screen.getvalue()


def test_items_of_unknown_number_are_counted(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, 'IN_LOG', -1.0)

    def items() -> Iterator[int]:
        yield from range(2)

    assert list(track(items(), 'images')) == [0, 1]
    assert capsys.readouterr().err.splitlines() == ['images: 1', 'images: 2']
    assert list(track({}.items(), 'images')) == []


def test_an_error_inside_goes_out_and_the_bars_end() -> None:
    with pytest.raises(KeyError):
        for _ in track([1], 'images'):
            raise KeyError
