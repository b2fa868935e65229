"""What real libraries save: fitted results, language pipelines.

As `harvest_objects.py`, which lists these functions among its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

Objects = Iterator[tuple[str, Any]]


def text() -> Objects:
    """gensim, spaCy, nltk."""
    with contextlib.suppress(ImportError):
        models, corpora = import_module("gensim.models"), import_module("gensim.corpora")
        lines = [["a", "good", "model"], ["another", "good", "one"]] * 5
        dictionary = corpora.Dictionary(lines)
        bags = [dictionary.doc2bow(line) for line in lines]
        tagged = models.doc2vec.TaggedDocument
        word2vec = models.Word2Vec(lines, vector_size=4, min_count=1)
        yield "gensim", [
            dictionary, word2vec, word2vec.wv, models.TfidfModel(bags), models.Phrases(lines),
            models.FastText(lines, vector_size=4, min_count=1),
            models.LdaModel(bags, 2, id2word=dictionary), models.LsiModel(bags, id2word=dictionary),
            models.Doc2Vec([tagged(line, [0]) for line in lines], vector_size=4, min_count=1),
        ]  # fmt: skip
    with contextlib.suppress(ImportError):
        spacy = import_module("spacy")
        language = spacy.blank("en")
        language.add_pipe("sentencizer")
        yield "spacy_doc", language("A good model.")
        yield "spacy_vocab", language.vocab
        yield "spacy_language", language
        for name in ("tagger", "parser", "ner", "textcat", "senter", "lemmatizer", "entity_ruler"):
            with contextlib.suppress(Exception):
                whole = spacy.blank("en")
                part = whole.add_pipe(name)
                for label in ("A", "B") if hasattr(part, "add_label") else ():
                    part.add_label(label)
                whole.initialize()
                yield f"spacy_{name}", whole


def statsmodels() -> Objects:
    """Fitted results."""
    np, sm = import_module("numpy"), import_module("statsmodels.api")
    table = sm.add_constant(np.random.default_rng(1).random((30, 2)))
    target = table @ [1, 2, 3]
    yield "ols", sm.OLS(target, table).fit()
    yield "glm", sm.GLM((target > target.mean()).astype(float), table, sm.families.Binomial()).fit()
    yield "logit", sm.Logit(np.arange(30) % 2, table).fit(disp=False)
    yield "arima", sm.tsa.ARIMA(target, order=(1, 0, 0)).fit()
    yield "holt", sm.tsa.ExponentialSmoothing(target).fit()
    frame = import_module("pandas").DataFrame({"y": target, "x": table[:, 1], "g": ["a", "b"] * 15})
    formula = import_module("statsmodels.formula.api")
    yield "formula", formula.ols("y ~ x + C(g)", frame).fit()
    yield "mixed", formula.mixedlm("y ~ x", frame, groups=frame.g).fit()
    yield "quantiles", formula.quantreg("y ~ x", frame).fit()
    yield "robust", sm.RLM(target, table).fit()
    yield "sarimax", sm.tsa.SARIMAX(target, order=(1, 0, 0)).fit(disp=False)
