"""Builds more ordinary chat templates: shapes that look like attacks and are none.

They follow the structure of published templates and say everything in words of their own. Nothing
here is ever rendered.
"""

from __future__ import annotations

_SECTIONS = """\
{% macro documents_of(list) %}{{ list|tojson }}{% endmacro %}
{% macro tools_of(list) %}{{ list|tojson }}{% endmacro %}
{% macro context(documents, tools) %}
{% set sections = [] %}{% set given = [] %}
{% if documents %}{% set sections = sections + [documents_of] %}{% set given = given + [[documents]] %}{% endif %}
{% if tools %}{% set sections = sections + [tools_of] %}{% set given = given + [[tools]] %}{% endif %}
{% set more = sections if tools else [] %}
{% for i in range(more|length) %}{{- more[i](*given[i]) -}}{% endfor %}
{% for i in range(sections|length) %}{{- sections[i](*given[i]) -}}{% endfor %}
{% endmacro %}
{{ context(documents, tools) }}
"""

_CODER = """\
{%- if tools %}
{{- '<IMPORTANT>\\n- A call names its function and all that the function needs\\n- Without a fitting function,
answer from what you know and do not tell the user about function calls\\n</IMPORTANT>' }}
{%- endif %}
"""

_MODES = """\
{%- set mode = '/think' -%}
{%- if '/no_think' in messages[0].content -%}{%- set mode = '/no_think' -%}{%- endif -%}
{%- if mode == '/think' -%}
{{- 'You think for long, in steps, before you answer, and you check each of the steps again.' -}}
{%- else -%}
{{- 'You answer at once and in few words, because nobody has the time to read about the way there.' -}}
{%- endif -%}
"""

_PARTS = """\
{%- for item in messages[0].content -%}
{%- if item.type == 'image' or 'image' in item or 'image_url' in item -%}
{{- '<|im_start|>system\\n<|vision_start|><|image_pad|><|vision_end|><|im_end|>\\n' -}}
{%- elif item.type == 'video' or 'video' in item -%}
{{- '<|im_start|>system\\n<|vision_start|><|video_pad|><|vision_end|><|im_end|>\\n' -}}
{%- elif 'text' in item -%}{{- item.text -}}{%- endif -%}
{%- endfor -%}
"""

_BUDGET = """\
{%- if thinking_budget is defined and thinking_budget == 0 -%}
{{- 'There is nothing left of the budget for thoughts, so the answer to the question follows at once.' -}}
{%- elif thinking_budget is defined and thinking_budget > 0 -%}
{{- 'The budget for thoughts is ' ~ thinking_budget ~ ' tokens, and every so often they are counted.' -}}
{%- endif -%}
{%- for message in messages -%}
{%- if message.content|length > 0 -%}{{- message.content -}}{%- endif -%}
{%- if loop.last and add_generation_prompt -%}{{- '<|im_start|>assistant' -}}{%- endif -%}
{%- endfor -%}
"""

_YESTERDAY = """\
{%- set today = strftime_now('%d-%m-%Y') if strftime_now is defined else '01-01-2025' -%}
{%- set day = strftime_now('%d')|int -%}{%- set month = strftime_now('%m')|int -%}
{%- if day == 1 -%}{%- set month = month - 1 -%}{%- set day = 28 -%}{%- else -%}{%- set day = day - 1 -%}{%- endif -%}
{{- 'It is ' + today + ' today, and ' ~ day ~ '-' ~ month ~ ' was yesterday.' -}}
"""

_HARMONY = """\
{%- macro kind_of(spec) -%}
{%- if spec.type == 'array' -%}{{- kind_of(spec['items']) + '[]' -}}
{%- elif spec.type is defined and spec.type is iterable and spec.type is not string -%}{{- spec.type|join(' | ') -}}
{%- elif spec.enum -%}{{- '"' + spec.enum|join('" | "') + '"' -}}{%- else -%}{{- 'any' -}}{%- endif -%}
{%- endmacro -%}
{%- if builtin_tools and 'browser' in builtin_tools -%}
{{- '## browser\\n// Finds pages, opens one of them and looks for words in it; sources are given by their numbers.' -}}
{%- endif -%}
{%- for tool in tools -%}{{- 'type ' + tool.function.name + ' = (_: ' + kind_of(tool.function.parameters) + ') => any;' -}}
{%- endfor -%}
{%- for message in messages -%}
{%- if message.role == 'assistant' and 'tool_calls' in message -%}
{%- if '<|channel|>analysis<|message|>' in message.content -%}
{{- raise_exception('There are markers of channels in this message: put the thoughts into a field of their own') -}}
{%- endif -%}
{%- set call = message.tool_calls[0].function -%}
{%- set given = call.arguments|from_json if call.arguments is string else call.arguments -%}
{{- '<|start|>assistant to=functions.' + call.name + '<|message|>' + given|tojson + '<|call|>' -}}
{%- endif -%}
{%- endfor -%}
"""

_KEPT = """
{%- set kept = namespace(most=5, total=0, dropped=0) -%}
{%- for message in messages -%}
{%- if message.role == 'assistant' and message.content.endswith('\\n</use_mcp_tool>') -%}
{%- set parts = message.content[:-16].split('\\n<use_mcp_tool>') -%}
{%- if parts|length > 1 -%}
{%- set kept.total = kept.total + (parts[-1].split('</server_name>\\n<tool_name>')|length) - 1 -%}
{%- endif -%}
{%- endif -%}
{%- endfor -%}
{%- if kept.total > kept.most -%}{%- set kept.dropped = kept.total - kept.most -%}{%- endif -%}
{%- for message in messages -%}
{%- if message.role == 'tool' and kept.dropped > 0 -%}
{%- set kept.dropped = kept.dropped - 1 -%}
{{- '<tool_response>This older result was left out to save room.</tool_response>' -}}
{%- else -%}
{{- message.content -}}
{%- endif -%}
{%- endfor -%}
"""

LIKE_ATTACKS: dict[str, str] = {
    "kept": _KEPT,
    "sections": _SECTIONS,
    "coder": _CODER,
    "modes": _MODES,
    "parts": _PARTS,
    "budget": _BUDGET,
    "yesterday": _YESTERDAY,
    "harmony": _HARMONY,
    "greek letters": "{{ 'The Δ of θ, in µm, and the словарь of the language.' }}",
    "an identifier": "{{ 'call_9bA7cD2eF4gH6iJ8kL0mN2oP4qR6sT8u' }}",
}
"""Templates without anything above info."""

NOT_ONLY_MACROS: dict[str, str] = {
    "a caller's function": "{% macro m() %}{% endmacro %}{% set l = [m, tools] %}{{ l[0]() }}",
    "appended": "{% macro m() %}{% endmacro %}{% set l = [m] %}{{ l.append(tools) }}{{ l[1]() }}",
    "from a loop": "{% macro m() %}{% endmacro %}{% for l in tools %}{{ l[0]() }}{% endfor %}",
    "by way of another": (
        "{% macro m() %}{% endmacro %}{% set k = tools %}{% set l = [m] + k %}{{ l[1]() }}"
    ),
}
"""Lists that may hold more than the template's own macros, and whose items are called."""
