"""Chat templates: parse → variables → checks. jinja2 parses; nothing is compiled or rendered."""
