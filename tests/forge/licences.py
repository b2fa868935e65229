"""Openings of licences, as files of models have them: titles, and the sentences around them.

Not the licences themselves: a few words of each, in the layout of the file that models carry.
"""

from __future__ import annotations

APACHE = """
                                 Apache License
                           Version 2.0, January 2004
                        http://www.apache.org/licenses/

   TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION
""".replace("http:", "https:")
MIT = """MIT License

Copyright (c) 2025 The authors

Permission is hereby granted, free of charge, to any person, to deal in it without restriction.
THE SOFTWARE IS PROVIDED "AS IS".
"""
BSD = """Redistribution and use in source and binary forms are permitted.
Redistributions in binary form must reproduce this notice. """
ISC = """Permission to use, copy, modify, and/or distribute this software for any purpose is granted,
provided that the above copyright notice is kept. THE SOFTWARE IS PROVIDED "AS IS"."""
UNLICENSE = """This is free and unencumbered software released into the public domain.
Anyone is free to copy it, commercial or non-commercial."""
MINIMAX = """NON-COMMERCIAL LICENSE
Copyright (c) 2026 MiniMax
Permission is hereby granted, free of charge, to any person, to deal in it without restriction
for non-commercial purposes. THE SOFTWARE IS PROVIDED "AS IS"."""
TEXTS: list[tuple[str, str]] = [
    (APACHE, "Apache-2.0"),
    (MIT, "MIT"),
    (MIT.removeprefix("MIT License"), "MIT"),
    (BSD + "Neither the name of the authors ... THIS SOFTWARE IS PROVIDED BY", "BSD-3-Clause"),
    (BSD + "THIS SOFTWARE IS PROVIDED BY", "BSD-2-Clause"),
    ("GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007", "GPL-3.0-only"),
    ("GNU AFFERO GENERAL PUBLIC LICENSE\n   Version 3 ... the GNU General Public License",
     "AGPL-3.0-only"),
    ("Creative Commons\nAttribution 4.0 International", "CC-BY-4.0"),
    ("Creative Commons Attribution-NonCommercial 4.0 International Public License",
     "CC-BY-NC-4.0"),
    ("Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International",
     "CC-BY-NC-SA-4.0"),
    ("Creative Commons Attribution-NonCommercial-NoDerivatives 4.0 International",
     "CC-BY-NC-ND-4.0"),
    ("LLAMA 2 COMMUNITY LICENSE AGREEMENT\nLlama 2 Version Release Date", "llama2"),
    ("META LLAMA 3 COMMUNITY LICENSE AGREEMENT\n", "llama3"),
    ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date", "llama3.1"),
    ("LLAMA 3.2 COMMUNITY LICENSE AGREEMENT", "llama3.2"),
    ("LLAMA 3.3 COMMUNITY LICENSE AGREEMENT", "llama3.3"),
    ("LLAMA 4 COMMUNITY LICENSE AGREEMENT", "llama4"),
    ("Gemma Terms of Use\n\nLast modified", "gemma"),
    ("CreativeML Open RAIL-M\ndated August 22, 2022", "creativeml-openrail-m"),
    ("CreativeML Open RAIL++-M License dated July 26, 2023", "openrail++"),
    ("BigScience RAIL License v1.0 ... BLOOM", "bigscience-bloom-rail-1.0"),
    ("BigScience Open RAIL-M License", "bigscience-openrail-m"),
    ("BigCode Open RAIL-M v1 License Agreement", "bigcode-openrail-m"),
    ("Tongyi Qianwen LICENSE AGREEMENT\n\nTongyi Qianwen Release Date", "tongyi-qianwen"),
    ("Tongyi Qianwen RESEARCH LICENSE AGREEMENT", "tongyi-qianwen-research"),
    ("Qwen LICENSE AGREEMENT\n\nQwen LICENSE AGREEMENT Release Date", "qwen"),
    ("Qwen RESEARCH LICENSE AGREEMENT", "qwen-research"),
    ("# Mistral AI Research License", "mrl"),
    ("# Mistral AI Non-Production License", "mnpl"),
    ("DEEPSEEK LICENSE AGREEMENT\n\nVersion 1.0, 23 October 2023", "deepseek"),
    ("Falcon 180B TII License Version 1.0", "falcon-180b"),
    ("TII Falcon-LLM License Version 2.0", "falcon-llm"),
    ("Yi Series Models Community License Agreement\nVersion: 2.1", "yi"),
    ("STABILITY AI COMMUNITY LICENSE AGREEMENT ... annual revenue", "stability-community"),
    ("STABILITY AI NON-COMMERCIAL RESEARCH COMMUNITY LICENSE AGREEMENT",
     "stability-non-commercial"),
    ("NVIDIA Open Model License Agreement", "nvidia-open-model-license"),
    ("FLUX.1 [dev] Non-Commercial License", "flux-1-dev-non-commercial"),
    ("TENCENT HUNYUAN COMMUNITY LICENSE AGREEMENT ... monthly active users",
     "tencent-hunyuan-community"),
    (ISC, "ISC"),
    ("GNU LIBRARY GENERAL PUBLIC LICENSE Version 2, June 1991", "LGPL-2.0-only"),
    ("Licensed under the Apache License, Version 2.0 (the License)", "Apache-2.0"),
    (UNLICENSE, "Unlicense"),
    (MINIMAX, "minimax-non-commercial"),
    ("The ChatGLM3-6B License\n\n1. Definitions", "chatglm"),
    ("Copyright (c) 2022 Stability AI\n\nCreativeML Open RAIL++-M License", "openrail++"),
    ("Modified MIT License\n" + MIT + "more than 100 million monthly active users",
     "modified-mit-kimi"),
]  # fmt: skip
"""Texts, and what each of them is."""
