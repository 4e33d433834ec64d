"""The command ``focal-mmseg``: the tools of this project without a clone of it."""

import runpy
import sys
from collections.abc import Sequence
from difflib import get_close_matches

import click

from focal_mmseg.utils import find_tool, run_command
from focal_mmseg.utils.arguments import CALLED_AS
from focal_mmseg.version import __version__
from focal_mmseg.weights import FOLDER, config_folder, config_names, shipped

# Subcommands that are tools, with what each does.
TOOLS = {
    'predict': 'Find forged regions in your images.',
    'train': 'Train a model from a config.',
    'test': 'Test a model on images whose forged regions are known.',
    'compare': 'Compare models on the same images, by a plan.',
    'calibrate': 'Set the level of false alarms on your own pristine images.',
    'synthesize': 'Make forgeries out of photographs.',
    'prepare-data': 'Bring a public data set into the form that the configs read.',
    'check-data': 'Check the images and masks of a data set.',
    'convert-list': 'Read and write the image lists of other projects.',
    'serve': 'Serve a page to drop images on.',
}
# Those that are modules of the package instead of scripts.
MODULES = {'serve': 'focal_mmseg.app.__main__'}


class Commands(click.Group):
    """The tools, and the commands that are here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Tools first."""
        return [*TOOLS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command of a name.

        Raises:
            click.UsageError: If there is none; names the nearest.
        """
        found = _tool_command(cmd_name) if cmd_name in TOOLS else super().get_command(ctx, cmd_name)
        if found is None:
            near = get_close_matches(cmd_name, self.list_commands(ctx), 1)
            ctx.fail(f'no command {cmd_name!r}{f", did you mean {near[0]}?" if near else ""}')
        return found


def _tool_command(name: str) -> click.Command:
    """A command that hands its arguments to a tool, which has its own help."""
    return click.Command(
        name,
        callback=lambda arguments: run_tool(name, arguments),
        params=[click.Argument(['arguments'], nargs=-1, type=click.UNPROCESSED)],
        help=TOOLS[name],
        add_help_option=False,
        context_settings=dict(ignore_unknown_options=True, allow_interspersed_args=False),
    )


def run_tool(name: str, arguments: Sequence[str]) -> None:
    """Run a tool in this process, as the script that it is.

    Args:
        name (str): A key of ``TOOLS``.
        arguments (Sequence[str]): Of its command line.

    Raises:
        FileNotFoundError: If this installation has no such tool.
        SystemExit: With the tool's exit code.
    """
    sys.argv[1:] = arguments
    called = CALLED_AS.set(f'focal-mmseg {name}')
    try:
        if name in MODULES:
            runpy.run_module(MODULES[name], run_name='__main__')
        else:
            runpy.run_path(str(find_tool(f'{name.replace("-", "_")}.py')), run_name='__main__')
    finally:
        CALLED_AS.reset(called)


@click.group(cls=Commands, context_settings=dict(help_option_names=['-h', '--help']))
@click.version_option(__version__, prog_name='focal_mmseg')
def main() -> None:
    """Find forged regions in photographs with FOCAL, and train and compare such models.

    Each command has its own --help, with examples. "focal-mmseg predict photo.jpg" needs nothing else: a trained
    network comes with the package.
    """


@main.command('list')
@click.option('--folder', is_flag=True, help='Print the folder of the configs alone.')
def list_configs(folder: bool) -> None:
    """List the networks that come with the package, and the configs that you can name."""
    run_command(lambda: click.echo(config_folder()) if folder else _print_names())


def _print_names() -> None:
    click.echo(f'Networks with weights, in {FOLDER}:')
    for name in shipped():
        click.echo(f'  {name}')
    click.echo(f'\nConfigs, in {config_folder()}:')
    for name in config_names():
        click.echo(f'  {name}')


if __name__ == '__main__':
    main()
