import argparse

import pytest

from focal_mmseg.utils import count, positive_int, run_command, share
from focal_mmseg.utils.arguments import CALLED_AS


@pytest.mark.parametrize(('read', 'least'), [(positive_int, 1), (count, 0)])
def test_whole_numbers_from_the_least_on_are_read(read, least: int) -> None:
    assert read(str(least)) == least
    assert read('1024') == 1024
    for text in (str(least - 1), '-3', '1.5', 'many', ''):
        with pytest.raises(argparse.ArgumentTypeError, match=f'at least {least}, got {text!r}'):
            read(text)


def test_a_share_lies_between_0_and_1() -> None:
    assert [share(text) for text in ('0', '0.05', '1')] == [0, 0.05, 1]
    for text in ('-0.1', '1.1', '5%', 'nan', ''):
        with pytest.raises(argparse.ArgumentTypeError, match=r'a number in 0\.\.1, got'):
            share(text)


def test_an_interrupted_command_says_so_in_a_line(capsys: pytest.CaptureFixture) -> None:
    def main() -> None:
        raise KeyboardInterrupt

    token = CALLED_AS.set('focal-mmseg predict')
    with pytest.raises(SystemExit) as stop:
        run_command(main)
    CALLED_AS.reset(token)
    assert stop.value.code == 130 and capsys.readouterr().err == 'focal-mmseg predict: stopped\n'
