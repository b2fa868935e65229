"""Tokenizers: `tokenizer.json`, sentencepiece models, tiktoken tables and bare vocabularies."""
