"""Bills of materials, read by other people's implementations; `make interop` runs this.

The implementations come from the package indexes into environments of their own, each in one
release; where an index cannot be reached, the tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from modelscan.report.writer import Output
from modelscan.report.writers import BY_NAME
from tests.forge import reports, schemas

pytestmark = pytest.mark.interop

PYTHON = ("cyclonedx-python-lib==11.12.0", "spdx-python-model==0.0.6", "pyshacl==0.40.1")
NODE = ("@cyclonedx/cyclonedx-library@10.3.0", "ajv@8.20.0", "ajv-formats@3.0.1",
        "ajv-formats-draft2019@1.6.1")  # fmt: skip
READERS = ("@cdxgen/cdx-proto@2.2.0", "packageurl-js@2.0.1")
"""The only library from npm that reads a bill of materials into objects of its own; the official
one validates and writes alone."""
REPORTS = ("bad", "told", "merge", "hub", "waived")

CYCLONEDX = """
import json, sys
from urllib.parse import unquote
from cyclonedx.model.bom import Bom
bom = Bom.from_json(json.load(open(sys.argv[1], encoding="utf-8")))
print(json.dumps({
    "models": sorted(
        [one.name, one.type.value, unquote(str(one.purl)) if one.purl else None,
         sorted([each.id or each.name, each.acknowledgement.value] for each in one.licenses),
         sorted([each.name, sorted(h.content for h in each.hashes)] for each in one.components),
         sorted(a.name for a in one.pedigree.ancestors) if one.pedigree else []]
        for one in bom.components if one.type.value == "machine-learning-model"),
    "findings": sorted([one.id, one.ratings[0].severity.value] for one in bom.vulnerabilities),
    "serial": bom.serial_number.urn,
}))
"""
SPDX = """
import json, sys
from spdx_python_model import v3_0_1 as spdx
objects = spdx.SHACLObjectSet()
with open(sys.argv[1], "rb") as file:
    spdx.JSONLDDeserializer().read(file, objects)
print(json.dumps({
    "models": sorted(one.name for one in objects.foreach_type(spdx.ai_AIPackage)),
    "files": sorted(one.name for one in objects.foreach_type(spdx.software_File)),
    "licences": sorted(one.simplelicensing_licenseExpression
                       for one in objects.foreach_type(spdx.simplelicensing_LicenseExpression)),
    "missing": sorted(objects.missing_ids),
}))
"""
SHACL = """
import json, sys
import pyshacl, rdflib
document = json.load(open(sys.argv[1], encoding="utf-8"))
document["@context"] = json.load(open(sys.argv[2], encoding="utf-8"))["@context"]
data = rdflib.Graph().parse(data=json.dumps(document), format="json-ld")
model = rdflib.Graph().parse(sys.argv[3])
conforms, _, text = pyshacl.validate(data, shacl_graph=model, ont_graph=model)
print(json.dumps({"triples": len(data), "conforms": conforms, "text": text}))
"""
VALIDATE = """
const {readFileSync} = require("fs");
const {Validation} = require("@cyclonedx/cyclonedx-library");
(async () => {
  const found = {};
  for (const name of process.argv.slice(2)) {
    const text = readFileSync(name, "utf8");
    const validator = new Validation.JsonStrictValidator(JSON.parse(text).specVersion);
    found[name] = await validator.validate(text);
  }
  console.log(JSON.stringify(found));
})();
"""
READ = """
import {readFileSync} from "fs";
import {encodeBomBinary, encodeBomJson, parseBomBinary, parseBomJson} from "@cdxgen/cdx-proto";
import {PackageURL} from "packageurl-js";
const read = name => {
  const {$schema, ...bom} = JSON.parse(readFileSync(name, "utf8"));
  return parseBomJson(bom);
};
const purls = part => [
  ...(part.purl ? [[part.purl, PackageURL.fromString(part.purl).toString()]] : []),
  ...Object.values(part).filter(one => one && typeof one === "object").flatMap(purls),
];
const [broken, ...names] = process.argv.slice(2);
let refused = false;
try { read(broken); } catch { refused = true; }
const found = {};
for (const name of names) {
  const bom = encodeBomJson(parseBomBinary(encodeBomBinary(read(name))));
  found[name] = {bom, purls: purls(bom)};
}
console.log(JSON.stringify({refused, found}));
"""


def run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        check=False,
        cwd=folder,
        env=environment,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the Python implementations."""
    folder = tmp_path_factory.mktemp("python")
    assert run([sys.executable, "-m", "venv", str(folder / "env")], folder).returncode == 0
    found = folder / "env" / "bin" / "python"
    pip = [
        str(found),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--retries",
        "0",
        "--only-binary",
        ":all:",
    ]
    if run([*pip, *PYTHON], folder).returncode != 0:
        pytest.skip("the package index cannot be reached")
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bills of several reports."""
    folder = tmp_path_factory.mktemp("bills")
    every = reports.every_report()
    for name in REPORTS:
        for form in ("cyclonedx", "cyclonedx-1.7", "spdx"):
            data = BY_NAME[form].write(every[name], Output())
            (folder / f"{name}.{form}.json").write_bytes(data)
    return folder


def read(python: Path, script: str, *files: Path) -> Any:
    done = run([python, "-c", script, *files], python.parent)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("form", ["cyclonedx", "cyclonedx-1.7"])
@pytest.mark.parametrize("name", REPORTS)
def test_the_python_library_reads_models_files_and_findings(
    python: Path, written: Path, name: str, form: str
) -> None:
    file = written / f"{name}.{form}.json"
    bom = json.loads(file.read_text(encoding="utf-8"))
    found = read(python, CYCLONEDX, file)
    models = [one for one in bom["components"] if one["type"] == "machine-learning-model"]
    assert found["models"] == sorted(
        [
            one["name"],
            one["type"],
            unquote(one["purl"]) if "purl" in one else None,
            sorted(
                [each["license"].get("id") or each["license"]["name"],
                 each["license"]["acknowledgement"]]
                for each in one.get("licenses", ())
            ),
            sorted(
                [each["name"], sorted(h["content"] for h in each.get("hashes", ()))]
                for each in one.get("components", ())
            ),
            sorted(each["name"] for each in one.get("pedigree", {}).get("ancestors", ())),
        ]
        for one in models
    )  # fmt: skip
    assert found["findings"] == sorted(
        [one["id"], one["ratings"][0]["severity"]] for one in bom.get("vulnerabilities", ())
    )
    assert found["serial"] == bom["serialNumber"]


def node(folder: Path, script: str, kind: str, packages: Sequence[str], *files: Path) -> Any:
    """What a script of the given kind (`cjs`, `mjs`) prints, with packages from npm beside it."""
    npm, found = shutil.which("npm"), shutil.which("node")
    if npm is None or found is None:
        pytest.skip("no npm here")
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--fetch-retries=0")
    if run([npm, "install", *options, "--prefix", folder, *packages], folder).returncode != 0:
        pytest.skip("the registry cannot be reached")
    written = folder / f"script.{kind}"
    written.write_text(script, encoding="utf-8")
    done = run([found, written, *files], folder)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_the_library_from_npm_finds_nothing_wrong(written: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": "one"}')
    files = sorted(written.glob("*.cyclonedx*"))
    found = node(tmp_path, VALIDATE, "cjs", NODE, broken, *files)
    assert found.pop(str(broken))
    assert len(found) == 2 * len(REPORTS)
    assert not any(found.values()), found


def test_a_library_from_npm_reads_everything_and_writes_it_back(
    written: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"  # a member that the format does not have
    broken.write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "made": "up"}')
    files = sorted(written.glob("*.cyclonedx*"))
    read = node(tmp_path, READ, "mjs", READERS, broken, *files)
    assert read["refused"]
    assert len(read["found"]) == 2 * len(REPORTS)
    purls = []
    for name, one in read["found"].items():
        ours = json.loads(Path(name).read_text(encoding="utf-8"))
        del ours["$schema"]  # a member of JSON documents alone
        assert one["bom"] == ours
        purls += one["purls"]
    assert purls
    assert all(ours == theirs for ours, theirs in purls)


@pytest.mark.parametrize("name", REPORTS)
def test_the_spdx_model_reads_packages_files_and_licences(
    python: Path, written: Path, name: str
) -> None:
    file = written / f"{name}.spdx.json"
    graph = json.loads(file.read_text(encoding="utf-8"))["@graph"]

    def of_type(kind: str, member: str) -> list[str]:
        return sorted(one[member] for one in graph if one["type"] == kind)

    found = read(python, SPDX, file)
    assert found["models"] == of_type("ai_AIPackage", "name")
    assert found["files"] == of_type("software_File", "name")
    expressions = of_type("simplelicensing_LicenseExpression", "simplelicensing_licenseExpression")
    assert found["licences"] == expressions
    assert all("NoAssertion" in one for one in found["missing"])


@schemas.needs_schemas
@pytest.mark.parametrize("name", REPORTS)
def test_shacl_conforms(python: Path, written: Path, name: str) -> None:
    context, model = (schemas.SCHEMAS / one for one in ("spdx-context.jsonld",
                                                        "spdx-3.0.1-model.ttl"))  # fmt: skip
    found = read(python, SHACL, written / f"{name}.spdx.json", context, model)
    assert found["triples"] > 50
    assert found["conforms"], found["text"][-2000:]
