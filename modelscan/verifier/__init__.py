"""Floor 3: digests, published releases and signatures become evidence.

Equality of a strong digest proves equal bytes and nothing else; who states the digest is a second
axis, never merged into the first. Names, folder names and shortened digests prove nothing.
"""
