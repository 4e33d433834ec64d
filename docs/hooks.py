"""Shows Sphinx's roles of the docstrings, as :class:`ForgeryMetric`, as code."""

import re


def on_page_content(html: str, **_: object) -> str:
    """Take away the names of roles, which Markdown does not know."""
    return re.sub(r':(?:attr|class|data|func|math|meth|mod):(?=<code>)', '', html)
