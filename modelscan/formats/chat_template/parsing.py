"""Parses a chat template as transformers would, and does no more with it.

Invariants: nothing is compiled or rendered; jinja2's parser works on text alone. It is recursive,
in pure Python, so that brackets or blocks nested too deeply end in `RecursionError`, which here is
a `ReadError` like any other broken template.

Source: `transformers.utils.chat_template_utils` (extensions, `trim_blocks`, `lstrip_blocks`, the
`generation` tag); `do` is read as well, because other engines enable it.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from modelscan.errors import ReadError


class GenerationTag(Extension):
    """`{% generation %}…{% endgeneration %}`, which marks what the assistant wrote."""

    tags = {"generation"}  # noqa: RUF012  # the base class declares it so

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """The statements inside the tag, as if it were not there."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


@cache
def _environment() -> Environment:
    return Environment(  # noqa: S701  # it never renders, so there is nothing to escape
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do", GenerationTag],
    )


def parse(text: str) -> nodes.Template:
    """The syntax tree of a template.

    Raises:
        ReadError: the template cannot be parsed.
    """
    try:
        return Parser(_environment(), text).parse()
    except TemplateSyntaxError as error:
        raise ReadError(
            f"the template cannot be parsed: line {error.lineno}: {error.message}"
        ) from None
    except RecursionError:
        raise ReadError("the template cannot be parsed: nested too deeply") from None
    except ValueError as error:  # a number with more digits than Python converts
        raise ReadError(f"the template cannot be parsed: {error}") from None
