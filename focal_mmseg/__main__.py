"""``python -m focal_mmseg``: the same as the command ``focal-mmseg``."""

from focal_mmseg.cli import main

main(prog_name='focal-mmseg')
