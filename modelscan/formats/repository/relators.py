"""The table of relators. Each sees what the readers stated, and none sees another's facts."""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.formats.repository.attachments import AttachmentRelator
from modelscan.formats.repository.base import BaseRelator
from modelscan.formats.repository.called_code import CalledCodeRelator
from modelscan.formats.repository.card import CardRelator
from modelscan.formats.repository.gguf_parts import GgufPartsRelator
from modelscan.formats.repository.graph_files import GraphFileRelator
from modelscan.formats.repository.index import IndexRelator
from modelscan.formats.repository.licence import LicenceRelator
from modelscan.formats.repository.likeness import LikenessRelator
from modelscan.formats.repository.relator import Facts, Relator, RepositoryView
from modelscan.formats.repository.remote_code import RemoteCodeRelator
from modelscan.formats.repository.shape import ShapeRelator
from modelscan.formats.repository.templates import TemplateRelator
from modelscan.formats.repository.tokenizer import TokenizerRelator
from modelscan.formats.repository.torch_packages import PackageRelator
from modelscan.formats.repository.torch_parts import PartRelator
from modelscan.formats.repository.torch_storages import StorageRelator
from modelscan.formats.repository.twins import TwinRelator
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.lists import NameLists

RELATORS: tuple[Relator, ...] = (
    IndexRelator(),
    GgufPartsRelator(),
    GraphFileRelator(),
    TwinRelator(),
    StorageRelator(),
    PackageRelator(),
    PartRelator(),
    RemoteCodeRelator(),
    CalledCodeRelator(),
    CardRelator(),
    BaseRelator(),
    TokenizerRelator(),
    AttachmentRelator(),
    ShapeRelator(),
)

NO_LISTS = NameLists()


def relate(view: RepositoryView, facts: Iterable[Fact], lists: NameLists = NO_LISTS) -> list[Fact]:
    """What holds between the files of a model, with the lists that relators look names up in."""
    stated = Facts(facts)
    named = (
        LicenceRelator(lists.licences),
        LikenessRelator(lists.publishers),
        TemplateRelator(lists.chat_templates),
    )
    relators: tuple[Relator, ...] = (*RELATORS, *named)
    return [fact for relator in relators for fact in relator.relate(view, stated)]
