"""Builds chat templates: the constructs that published families use.

They follow the structure of the families that they are named after and say everything in words of
their own. Nothing here is ever rendered.
"""
# ruff: noqa: RUF001  # templates have long lines and letters of many scripts

from __future__ import annotations

from tests.forge import tool_templates

_CHATML = """\
{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""

_LLAMA2 = """\
{% if messages[0]['role'] == 'system' %}
{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}
{% elif USE_DEFAULT_PROMPT == true and not '<<SYS>>' in messages[0]['content'] %}
{% set loop_messages = messages %}
{% set system_message = 'Answer briefly and say so when you are not sure about something.' %}
{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}
{% for message in loop_messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('User and assistant have to take turns in this conversation, one after another') }}
{% endif %}
{% if loop.index0 == 0 and system_message != false %}
{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}
{% else %}{% set content = message['content'] %}{% endif %}
{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
{% elif message['role'] == 'assistant' %}{{ ' ' + content | trim + ' ' + eos_token }}{% endif %}
{% endfor %}
"""

_QWEN3 = """\
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string
        and not(message.content.startswith('<tool_response>')
                and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}{%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}{%- set content = message.content %}
    {%- else %}{%- set content = '' %}{%- endif %}
    {%- if message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1] %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or reasoning_content) %}
            {{- '<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- '<tool_call>\\n{"name": "' + tool_call.name + '", "arguments": ' }}
            {{- tool_call.arguments if tool_call.arguments is string else tool_call.arguments | tojson }}
        {%- endfor %}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<tool_response>\\n' + content + '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
"""

_GEMMA3 = """\
{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}{%- set first_user_prefix = messages[0]['content'][0]['text'] + '\\n\\n' -%}{%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}{%- set first_user_prefix = "" -%}{%- set loop_messages = messages -%}{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'assistant') -%}{%- set role = "model" -%}
    {%- else -%}{%- set role = message['role'] -%}{%- endif -%}
    {{ '<start_of_turn>' + role + '\\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is iterable and message['content'] is not string -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}{{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}{{ item['text'] | trim }}{%- endif -%}
        {%- endfor -%}
    {%- else -%}{{ message['content'] | trim }}{%- endif -%}
{%- endfor -%}
"""

_DEEPSEEK = """\
{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}
{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='') %}
{%- for message in messages %}
    {%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}
{%- endfor %}
{{bos_token}}{{ns.system_prompt}}
{%- for message in messages %}
    {%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<｜User｜>' + message['content']}}
    {%- elif message['role'] == 'assistant' and message['content'] is none %}
        {%- set ns.is_tool = false -%}
        {%- for tool in message['tool_calls']%}
            {{- '<｜tool▁call▁begin｜>' + tool['type'] + '<｜tool▁sep｜>' + tool['function']['name'] + '\\n'
                + '```json' + '\\n' + tool['function']['arguments'] + '\\n' + '```' }}
        {%- endfor %}
    {%- elif message['role'] == 'assistant' and message['content'] is not none %}
        {% set content = message['content'] %}
        {% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}
        {{'<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>'}}
    {%- endif %}
{%- endfor -%}
"""

_NEMOTRON = """\
{%- set ns = namespace(enable_thinking=true) -%}
{%- for message in messages -%}
    {%- set content = message['content'] -%}
    {%- if message['role'] == 'user' or message['role'] == 'system' -%}
        {%- if '/think' in content -%}{%- set ns.enable_thinking = true -%}
        {%- elif '/no_think' in content -%}{%- set ns.enable_thinking = false -%}{%- endif -%}
    {%- endif -%}
{%- endfor -%}
{%- set ns.system = (messages[0]['content'] | default('', true)).replace('/think', '').strip() -%}
{%- if 'detailed thinking off' in ns.system -%}{{- 'detailed thinking off' -}}{%- endif -%}
{%- set messages = messages[1:] if messages[0]['role'] == 'system' else messages -%}
{%- if messages[-1]['role'] == 'assistant' -%}
    {%- set ns.last = (messages[-1]['content'] | default('', true)).strip() -%}
    {%- set messages = messages[:-1] -%}
{%- endif -%}
{%- for message in messages -%}
    {{- (content | default('', true)).strip() if content is not none else '' -}}
    {{- ', ' if not loop.last and (messages[loop.index0 + 1].role == 'tool') else '' -}}
{%- endfor -%}
"""

_GRANITE = """\
{%- set system_prefix = 'Knowledge ends in April 2024.\\nToday is ' + strftime_now('%B %d, %Y') + '.' %}
{%- set extra = system_prefix -%}
{%- if tools and documents %}
    {%- set extra = extra + ' There are tools, and documents to answer from; name what you used.' %}
{%- elif 'citations' in controls %}
    {%- set extra = extra + ' Put the number of the document behind each fact that it states.' %}
{%- endif %}
{%- for document in documents %}
    {{- '<|start_of_role|>document {"document_id": "' + document['doc_id'] | string + '"}<|end_of_role|>\\n' }}
{%- endfor %}
{%- for message in messages %}
    {{- '<|start_of_role|>' + message['role'] + '<|end_of_role|>' + message['content'] + eos_token }}
    {%- if loop.last and add_generation_prompt %}
        {{- '<|start_of_role|>assistant' }}
        {%- if controls %}{{- ' ' + controls | tojson() }}{%- endif %}
        {{- '<|end_of_role|>' }}
    {%- endif %}
{%- endfor %}
"""

_SETS = """\
{%- set instructions -%}
Every function is described between the tags below; answer with one JSON object for each call.
{% for tool in tools %}{{ tool|string }}
{% endfor %}
{%- endset -%}
{%- set found = messages | selectattr('role', 'equalto', 'system') | list | first -%}
{%- set others = messages | rejectattr('role', 'equalto', 'system') | list -%}
{%- set last = others | map(attribute='content') | join('\\n') | default('') | upper -%}
{%- set levels = {0: 0, 512: 128, 1024: 256} -%}
{%- for k, v in levels | dictsort -%}{%- if budget <= k -%}{{ levels[1024] ~ v }}{%- endif -%}{%- endfor -%}
{%- filter trim -%}{{ found.content }} {{ instructions }}{%- endfilter -%}
{%- for item in others|reverse if item.content -%}
    {%- if loop.previtem is defined and loop.previtem.role == item.role -%}{%- continue -%}{%- endif -%}
    {%- set parts = item.content.split('\\n') -%}
    {%- for part in parts[1:] -%}{{ part.strip() if part.strip() else loop.cycle('-', '+') }}{%- endfor -%}
    {%- for key in item -%}{%- if key not in ['role', 'content'] -%}{{ key ~ '=' ~ item[key] }}{%- endif -%}{%- endfor -%}
    {{ item['content_' ~ language] if language is defined }}
{%- endfor -%}
{%- if found.content.find('<tools>') >= 0 and found.content|length > 3 -%}{{ last }}{%- endif -%}
"""

_GENERATION = """\
{%- for message in messages -%}
{%- if message.role == 'assistant' -%}
<|assistant|>{% generation %}{{ message.content }}{{ eos_token }}{% endgeneration %}
{%- else -%}<|{{ message.role }}|>{{ message.content.replace('<|end|>', '') }}<|end|>{%- endif -%}
{%- endfor -%}
"""

_ZEPHYR = """\
{% for message in messages %}
{% if message['role'] == 'user' %}{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}{{ '<|assistant|>\\n'  + message['content'] + eos_token }}{% endif %}
{% if loop.last and add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}
{% endfor %}
"""

_ALPACA = """\
{{ (messages|selectattr('role', 'equalto', 'system')|list|last).content|trim
   if (messages|selectattr('role', 'equalto', 'system')|list) else '' }}
{% for message in messages %}
{{ '### Instruction:\\n' if message['role'] == 'user' else '### Response:\\n' }}{{ message['content']|trim }}
{% if not loop.last %}{{ '\\n\\n' }}{% endif %}
{% endfor %}
"""

_VICUNA = """\
{% if messages[0]['role'] == 'system' %}{% set prompt = messages[0]['content'] + ' ' %}
{% else %}{% set prompt = 'Somebody asks, and a patient helper answers as well as it can. ' %}{% endif %}
{{ prompt }}
{% for message in messages %}
{% if message['role'] == 'user' %}{{ 'USER: ' + message['content'].strip() + ' ' }}
{% elif message['role'] == 'assistant' %}{{ 'ASSISTANT: ' + message['content'].strip() + eos_token }}{% endif %}
{% endfor %}
"""

_PHI = """\
{% for message in messages %}
{% if message['role'] == 'system' and 'tools' in message and message['tools'] is not none %}
{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + message['tools'] + '<|/tool|>' }}
{% else %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}
{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}
"""

ORDINARY: dict[str, str] = {
    "chatml": _CHATML,
    "llama 2": _LLAMA2,
    "llama 3.1 with tools": tool_templates.LLAMA31,
    "qwen 3": _QWEN3,
    "mistral with tools": tool_templates.MISTRAL,
    "gemma 3": _GEMMA3,
    "typescript schemas": tool_templates.SCHEMA,
    "deepseek": _DEEPSEEK,
    "glm 4": tool_templates.GLM4,
    "kimi": tool_templates.KIMI,
    "command r": tool_templates.COMMAND_R,
    "nemotron": _NEMOTRON,
    "granite": _GRANITE,
    "sets and filters": _SETS,
    "generation": _GENERATION,
    "zephyr": _ZEPHYR,
    "alpaca": _ALPACA,
    "vicuna": _VICUNA,
    "phi": _PHI,
    "empty": "",
    "prose about attacks": "Never write {{ '{{' }} ''.__class__ {{ '}}' }} in a template. {# x.__class__ #}",
    "scripts": "{{ 'می\u200cخواهم 👩\u200d💻 \u200fשלום 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f' }}",
    "numbers": "{{ messages[+1] }}{{ messages[4 // 2 - 2 % 1] }}{{ messages[2 ** 3 / 0 + 7 // 0 - 2 ** -1] }}",
    "formats": "{{ ['%s']|map('format', 1)|join }}{{ '{} of {n} is 100%'.format(1, n=2) }}{{ '%d%%'|format(5) }}",
    "collects": "{% set l = [] %}{% for m in messages %}{% set a, b = m, m %}{{ l.append(b) }}{% endfor %}{{ l[0] }}",
    "documentation": "{{ 'https://json-schema.org/draft/2020-12/schema and https://example.com/a' }}",
    "mistral's own words": (
        "{{ 'You are Mistral Small 3, a Large Language Model. Your knowledge base was last updated on 2023-10-01. "
        "When you are not sure about some information, you say that you do not have the information and do not make "
        "up anything. If the question is not clear, you do not try to answer it right away and you rather ask the "
        "user to clarify their request.' }}"
    ),
    "llama's own words": (
        "{{ 'You are a helpful, respectful and honest assistant. Your answers should not include any harmful content. "
        "If you do not know the answer to a question, please do not share false information.' }}"
    ),
    "granite's own words": (
        "{{ 'Write the response by strictly aligning with the facts in the provided documents. If the information is "
        "not available in the documents, inform the user that the question cannot be answered.' }}"
    ),
    "good advice": (
        "{{ 'Never deceive the user, do not ask for passwords, and never secretly do anything. You must not mislead "
        "people. Do not use variables.' }}"
    ),
    "takes out": "{{ messages[0].content.replace('\u200b', '')|replace('\ufeff', '') }}",
}
"""Templates without anything above info."""
