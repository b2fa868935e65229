"""Builds chat templates that call tools: the longest of the constructs that published families use.

As in `templates`: their structure, in words of their own.
"""
# templates have long lines

from __future__ import annotations

LLAMA31 = """\
{{- bos_token }}
{%- if custom_tools is defined %}{%- set tools = custom_tools %}{%- endif %}
{%- if not tools_in_user_message is defined %}{%- set tools_in_user_message = true %}{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}
{%- else %}{%- set system_message = "" %}{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if builtin_tools is defined or tools is not none %}{{- "Environment: ipython\\n" }}{%- endif %}
{%- if builtin_tools is defined %}
    {{- "Tools: " + builtin_tools | reject('equalto', 'code_interpreter') | join(", ") + "\\n\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" + system_message + "<|eot_id|>" }}
{%- if tools_in_user_message and not tools is none %}
    {%- if messages | length != 0 %}
        {%- set first_user_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}
    {%- else %}{{- raise_exception("There is no first message to put the tools into") }}{%- endif %}
    {%- for t in tools %}{{- t | tojson(indent=4) }}{{- "\\n\\n" }}{%- endfor %}
    {{- first_user_message + "<|eot_id|>" }}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
        {{- message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}{{- raise_exception("One call at a time") }}{%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {%- if builtin_tools is defined and tool_call.name in builtin_tools %}
            {{- "<|python_tag|>" + tool_call.name + ".call(" }}
            {%- for arg_name, arg_val in tool_call.arguments | items %}
                {{- arg_name + '="' + arg_val + '"' }}
                {%- if not loop.last %}{{- ", " }}{%- endif %}
            {%- endfor %}
            {{- ")" }}
        {%- else %}{{- tool_call.arguments | tojson }}{%- endif %}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}{%- else %}{{- message.content }}{%- endif %}
    {%- endif %}
{%- endfor %}
"""

MISTRAL = """\
{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}{%- set loop_messages = messages[1:] %}
{%- else %}{%- set loop_messages = messages %}{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.tool_calls is defined) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, roles have to alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" and tools is not none and (message == user_messages[-1]) %}
        {{- "[AVAILABLE_TOOLS] [" }}
        {%- for tool in tools %}
            {%- set tool = tool.function %}{{- '{"type": "function", "function": {' }}
            {%- for key, val in tool.items() if key != "return" %}
                {%- if val is string %}{{- '"' + key + '": "' + val + '"' }}
                {%- else %}{{- '"' + key + '": ' + val|tojson }}{%- endif %}
            {%- endfor %}
        {%- endfor %}
        {%- if loop.last and system_message is defined %}{{- "[INST] " + system_message }}{%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {%- for tool_call in message.tool_calls %}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}
                {{- raise_exception("Ids of tool calls have nine letters or digits, no more and no less") }}
            {%- endif %}
            {{- tool_call.function|tojson|string|replace('"', "'") }}
        {%- endfor %}
    {%- elif message["role"] == "tool_results" or message["role"] == "tool" %}
        {%- if message.content is defined and message.content.content is defined %}
            {%- set content = message.content.content %}
        {%- else %}{%- set content = message.content %}{%- endif %}
        {{- '[TOOL_RESULTS] {"content": ' + content|string + "}" }}
    {%- endif %}
{%- endfor %}
"""

SCHEMA = """\
{%- macro render_type(spec, required, depth=0) -%}
    {%- set names = {'string': 'str', 'integer': 'int', 'number': 'float', 'boolean': 'bool'} -%}
    {%- if spec.type == 'array' -%}
        {%- if spec['items'] -%}{{- "list[" + render_type(spec['items'], required, depth + 1) + "]" -}}
        {%- else -%}{{- "list" -}}{%- endif -%}
        {%- if spec.nullable -%}{{- " | null" -}}{%- endif -%}
    {%- elif spec.type is defined and spec.type is iterable and spec.type is not string and spec.type[0] -%}
        {{- spec.type | join(" | ") -}}
    {%- elif spec.oneOf -%}
        {%- for variant in spec.oneOf -%}
            {{- render_type(variant, required) -}}{%- if not loop.last -%}{{- " | " -}}{%- endif -%}
        {%- endfor -%}
    {%- elif spec.type in names -%}{{- names[spec.type] -}}
    {%- elif spec.type == 'object' -%}
        {%- for name, param in spec.properties.items() -%}
            {{- '  ' * depth + name + ('' if name in (required or []) else '?') + ': ' -}}
            {{- render_type(param, spec.required) -}}
            {%- if param.default is defined -%}{{- ' // default: ' ~ param.default|tojson -}}{%- endif -%}
            {%- if param.format -%}{{- ' // ' ~ param.format -}}{%- endif -%}
        {%- endfor -%}
    {%- else -%}{{- "any" -}}{%- endif -%}
{%- endmacro -%}
{%- macro reference(schema, root) -%}
    {%- set at = namespace(node=root) -%}
    {%- for raw in schema['$ref'][2:].split('/') -%}
        {%- set part = raw | replace('~1', '/') | replace('~0', '~') -%}
        {%- if at.node is mapping and part in at.node -%}{%- set at.node = at.node[part] -%}
        {%- elif at.node is sequence -%}{%- set at.node = at.node[part | int] -%}{%- endif -%}
    {%- endfor -%}
    {{- render_type(at.node, []) -}}
{%- endmacro -%}
{%- for tool in tools | map(attribute='function') -%}
    {{- "type " + tool.name + " = (_: {" + render_type(tool.parameters, tool.parameters.required) + "}) => any;" -}}
    {{- reference(tool.parameters, tool) if '$ref' in tool.parameters -}}
{%- endfor -%}
"""

GLM4 = """\
[gMASK]<sop>
{%- if tools is defined and tools is not none and tools|length > 0 -%}
<|system|>
You can call the functions that are listed here whenever the question asks for them.
{% for tool in tools %}{{ tool | tojson(ensure_ascii=False) }}
{% endfor %}{%- endif -%}
{%- macro visible_text(content) -%}
    {%- if content is string -%}{{- content }}
    {%- elif content is iterable and content is not mapping -%}
        {%- for item in content -%}
            {%- if item is mapping and item.type == 'text' -%}{{- item.text }}
            {%- elif item is string -%}{{- item }}{%- endif -%}
        {%- endfor -%}
    {%- else -%}{{- content }}{%- endif -%}
{%- endmacro -%}
{%- set ns = namespace(last_user_index=-1) %}
{%- for m in messages %}{%- if m.role == 'user' %}{% set ns.last_user_index = loop.index0 -%}{%- endif %}{%- endfor %}
{% for m in messages %}
{%- if m.role == 'user' -%}<|user|>
{{ visible_text(m.content) }}
{{- '/nothink' if (enable_thinking is defined and not enable_thinking
                   and not visible_text(m.content).endswith("/nothink")) else '' -}}
{%- elif m.role == 'assistant' -%}<|assistant|>
{%- for tc in m.tool_calls %}{%- if tc.function %}{%- set tc = tc.function %}{%- endif %}
{{ '\\n<tool_call>' + tc.name }}
{% set _args = tc.arguments %}
{% for k, v in _args.items() %}<arg_key>{{ k }}</arg_key>
<arg_value>{{ v | tojson(ensure_ascii=False) if v is not string else v }}</arg_value>
{% endfor %}{% endfor %}
{%- elif m.role == 'tool' -%}
{%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<|observation|>' }}{% endif %}
{%- endif -%}
{%- endfor -%}
"""

KIMI = """\
{%- macro render_content(msg) -%}
    {%- set c = msg.get('content') -%}
    {%- if c is string -%}{{ c }}
    {%- elif c is not none -%}
        {% for content in c -%}
            {% if content['type'] == 'image' or 'image' in content or 'image_url' in content -%}
                <|media_start|>image<|media_content|><|media_pad|><|media_end|>
            {% else -%}{{ content['text'] }}{%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}
{%- macro open_tag(tag, attrs=[]) -%}
    {{- '<|open|>' + tag -}}
    {%- for attr in attrs -%}{{- ' ' + attr[0] + '="' + attr[1]|string|replace('&', '&amp;') + '"' -}}{%- endfor -%}
{%- endmacro -%}
{%- set state = namespace(tool_calls=none, tool_index=0) -%}
{%- for message in messages -%}
    {%- set role_name = message.get('name') or message['role'] -%}
    {%- set attrs = [('role', role_name)] -%}
    {%- if message.get('id') -%}{%- set attrs = attrs + [('id', message.id)] -%}{%- endif -%}
    {{- open_tag('message', attrs) -}}
    {%- if message['role'] == 'assistant' and message.get('tool_calls') -%}
        {%- set state.tool_calls = message.get('tool_calls') -%}{%- set state.tool_index = 0 -%}
        {%- for tool_call in message['tool_calls'] -%}
            {%- set formatted_id = tool_call['id'] -%}
            <|tool_call_begin|>{{ formatted_id }}{{ tool_call['function']['arguments'] | tojson }}
        {%- endfor -%}
    {%- elif message['role'] == 'tool' -%}
        {%- set run = namespace(found=[]) -%}
        {%- for candidate in messages[loop.index0:] -%}
            {%- if candidate.role != 'tool' -%}{%- break -%}{%- endif -%}
            {%- set run.found = run.found + [candidate] -%}
        {%- endfor -%}
        {%- set call = state.tool_calls[state.tool_index - 1] -%}
        ## Return of {{ call.function.name if call is mapping else message.tool_call_id }}
        {%- set state.tool_index = state.tool_index + 1 -%}
    {%- endif -%}
    {{- render_content(message) }}<|im_end|>
{%- endfor -%}
"""

COMMAND_R = """\
{{ bos_token }}{%- macro document_turn(documents) -%}
<|START_ACTION|>[
{% for doc in documents %}"{{ loop.index0 }}": {{doc|tojson}}{% if not loop.last %},{% endif %}{% endfor %}
]{%- endmacro %}
{%- macro number_of(messages, tool_call_id) %}
{%- set counter = namespace(value=0) %}{%- set seen = namespace(value=false) %}
{%- for msg in messages %}{%- if msg.tool_calls %}{%- for tool_call in msg.tool_calls %}
    {%- if tool_call.id == tool_call_id and not seen.value -%}{{ counter.value }}
    {%- set seen.value = true %}{%- endif %}
    {%- set counter.value = counter.value + 1 %}
{%- endfor %}{%- endif %}{%- endfor %}
{%- endmacro %}
{%- if messages[0]['role']|lower == 'system' %}{%- set preamble = messages[0]['content'] %}{% endif %}
{%- set seen_ids = namespace(value=[]) %}
{% if documents %}<results>
{% for document in documents %}{{ "\\nDocument: " }}{{ loop.index0 }}
{% for key, value in document.items() %}{{ key }}: {{value}}
{% endfor %}{% endfor %}</results>{% endif %}
{%- for message in messages %}
    {%- if message.role|lower == 'user' %}<|USER_TOKEN|>{{ message.content }}
        {%- if documents %}{{ document_turn(documents) }}{% endif %}
    {%- elif message.role|lower == 'tool' and message.tool_call_id not in seen_ids.value %}
        {{ number_of(messages, message.tool_call_id) }}
        {%- for msg in messages[loop.index0 + 1:] %}
            {%- if msg.role|lower == 'tool' %}{%- set seen_ids.value = seen_ids.value + [msg.tool_call_id] %}
            {%- else %}{%- break %}{%- endif %}
        {%- endfor %}
    {%- endif %}
{%- endfor %}
"""
