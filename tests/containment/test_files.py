"""Which files are read, how layers are laid over each other, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.containment import images, nodes, units
from modelscan.containment.nodes import Place
from tests.forge.deployments import (
    controls,
    look,
    pod,
    service,
    unknown,
    violated,
    workloads,
    write,
)


def gaps(folder: Path) -> list[tuple[str, bool]]:
    return [(gap.file, gap.needed) for gap in look(folder).models[0].coverage]


def test_what_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    service(tmp_path)
    write(tmp_path, "broken.yaml", "kind: Pod\nspec: {image: ollama/ollama\n---\n: : [")
    write(tmp_path, "other.yaml", "kind: Pod\nspec: {image: nginx\n---\n: : [")
    assert gaps(tmp_path) == [("broken.yaml", True), ("other.yaml", False)]
    assert look(tmp_path).decision.exit_code == 3


def test_a_broken_file_keeps_what_stood_before(tmp_path: Path) -> None:
    file = pod(tmp_path, others="kind: [")
    assert set(workloads(file)) == {"chat"}
    assert gaps(file) == [("pod.yaml", True)]


def test_a_file_that_is_too_long_is_a_gap(tmp_path: Path) -> None:
    write(tmp_path, "big.yaml", "kind: vllm\nx: " + "a" * nodes.LONGEST)
    assert gaps(tmp_path) == [("big.yaml", True)]
    write(tmp_path, "big.yaml", "kind: data\nx: " + "a" * nodes.LONGEST)
    assert look(tmp_path).decision.exit_code == 4


def test_a_bomb_is_a_gap(tmp_path: Path) -> None:
    rows = ["kind: &a0 [ollama, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    write(tmp_path, "bomb.yaml", "\n".join(rows))
    assert gaps(tmp_path) == [("bomb.yaml", True)]


def test_a_template_is_a_gap_and_read_as_far_as_it_goes(tmp_path: Path) -> None:
    write(tmp_path, "chart/templates/deploy.yaml", """
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: {{ .Release.Name }}
      {{- include "labels" . | nindent 4 }}
    spec:
      template:
        spec:
          containers:
            - name: vllm
              image: {{ .Values.image }}
              args: ["--model", {{ .Values.model }}, "--trust-remote-code"]
              env:
                - {name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hub, key: token}}}
              {{- with .Values.resources }}
              resources: {{ toYaml . }}
              {{- end }}
    """)  # fmt: skip
    said = violated(tmp_path)
    assert said == {"no-remote-code", "no-credentials"}
    assert {"egress-restricted", "image-pinned", "root-read-only", "safe-loading"} <= unknown(
        tmp_path
    )
    assert look(tmp_path).decision.exit_code == 3


def test_what_a_template_has_under_a_condition_is_not_established(tmp_path: Path) -> None:
    write(tmp_path, "t.yaml", """
    {{- if .Values.enabled }}
    {{- range .Values.models }}
    apiVersion: v1
    kind: Pod
    metadata: {name: chat}
    spec:
      hostNetwork: true
      {{- if or
          .a
          .b }}
      hostPID: true
      {{- end }}
      containers:
        - name: vllm
          image: "{{ required "Name 'it'" .image }}:{{ .tag }}"
          securityContext:
            {{- toYaml .context | nindent 12 }}
          command:
          {{- if .c }}
          - /opt/vllm
          {{- else }}
          - vllm
          {{- end }}
    {{- end }}
    {{- end }}
    """)  # fmt: skip
    found = [
        f for f in look(tmp_path).models[0].findings if f.evidence["control"] == "unprivileged"
    ]
    assert [f.rule for f in found] == ["host-network-shared"]


def test_a_template_about_other_things_is_no_needed_gap(tmp_path: Path) -> None:
    write(tmp_path, "t.yaml", "kind: ConfigMap\n{{- if .x }}\ndata: {\n")
    assert look(tmp_path).decision.exit_code == 4
    service(tmp_path)
    assert gaps(tmp_path) == [("t.yaml", False)]


def test_yaml_that_happens_to_have_braces_is_no_template(tmp_path: Path) -> None:
    file = service(tmp_path, "environment: {X: 'a {{ b }}'}")
    assert gaps(file) == []


def test_an_override_is_laid_over_its_compose_file(tmp_path: Path) -> None:
    service(
        tmp_path,
        "environment: [HF_TOKEN=abc1]\nports: ['8000:8000']\ncommand: --model a/b-7b --trust-remote-code\nvolumes: ['m1:/models', 'c:/cache']\nipc: host\n",
    )
    write(tmp_path, "compose.override.yaml", """
    services:
      vllm:
        environment: !override {X: y}
        ports: !reset []
        command: --model a/b-7b
        volumes: ['m2:/models:ro']
        networks: [in]
        ipc: !reset null
      extra: {image: "ollama/ollama:1"}
    networks: {in: {internal: true}}
    """)  # fmt: skip
    assert set(workloads(tmp_path)) == {"vllm", "extra"}
    bad = violated(tmp_path, workload="vllm")
    assert not bad & {
        "no-credentials",
        "authenticated",
        "no-remote-code",
        "model-read-only",
        "egress-restricted",
    }
    assert "what it writes to c stays" in controls(tmp_path, workload="vllm")["ephemeral"].reason


def test_an_override_alone_is_nothing(tmp_path: Path) -> None:
    write(tmp_path, "compose.override.yaml", "services: {x: {image: 'ollama/ollama:1'}}")
    assert look(tmp_path).decision.exit_code == 4


def test_environments_of_layers_are_merged(tmp_path: Path) -> None:
    service(tmp_path, "environment: {A: b}\nports: ['127.0.0.1:1:1']\n")
    write(
        tmp_path,
        "compose.override.yaml",
        "services: {vllm: {environment: [HF_TOKEN=abc1], ports: ['2:2']}}",
    )
    assert {"no-credentials", "authenticated"} <= violated(tmp_path)


@pytest.mark.parametrize("more", ["extends: {file: base.yaml, service: x}", "extends: base"])
def test_what_a_service_extends_and_is_not_here_is_a_gap(tmp_path: Path, more: str) -> None:
    file = service(tmp_path, more)
    assert "egress-restricted" in unknown(file)
    assert gaps(file) == [("compose.yaml", True)]


def test_what_a_compose_file_includes_is_not_followed(tmp_path: Path) -> None:
    file = service(tmp_path, "", "include: [other.yaml, {path: more.yaml}]")
    assert gaps(file) == [("compose.yaml", True)] * 2


KUSTOMIZATION = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: llm
resources: [pod.yaml]
images: [{name: vllm/vllm-openai, digest: "sha256:DIGEST"}]
patches:
""".replace("DIGEST", "a" * 64)


def test_a_kustomization_changes_its_resources(tmp_path: Path) -> None:
    pod(
        tmp_path,
        container="env: [{name: HF_TOKEN, value: abc1}, {name: X, value: y}]\nargs: [--trust-remote-code]",
    )
    patches = """
  - target: {kind: Pod, name: chat}
    patch: |
      - {op: add, path: /spec/automountServiceAccountToken, value: false}
      - {op: remove, path: /spec/containers/0/args}
      - {op: replace, path: /spec/containers/0/name, value: server}
      - {op: add, path: /spec/containers/0/env/-, value: {name: HF_HUB_OFFLINE, value: "1"}}
      - {op: remove, path: /spec/containers/0/env/1}
  - path: merge.yaml
"""
    write(tmp_path, "kustomization.yaml", KUSTOMIZATION + patches)
    write(tmp_path, "merge.yaml", """
    apiVersion: v1
    kind: Pod
    metadata: {name: chat}
    spec:
      securityContext: {runAsNonRoot: true}
      containers:
        - name: server
          env: [{name: HF_TOKEN, $patch: delete}]
        - name: guard
          image: acme/llm-guard:1
    """)  # fmt: skip
    (found,) = workloads(tmp_path).values()
    assert found.name == "llm/chat"
    said = {each.control: each for each in found.controls}
    for control in (
        "no-credentials",
        "no-remote-code",
        "no-service-account-token",
        "hub-offline",
        "output-filtered",
    ):
        assert said[control].outcome == "satisfied", control
    assert "acme/llm-guard:1 can change" in said["image-pinned"].reason
    assert gaps(tmp_path) == []


def test_what_a_kustomization_does_besides_is_said(tmp_path: Path) -> None:
    pod(tmp_path)
    patches = """
  - {path: missing.yaml}
  - {target: {kind: Pod}, patch: "- {op: remove, path: /spec/no/where}"}
  - {target: {kind: Pod}, patch: "- {op: move, path: /spec/x}"}
  - {target: {kind: Pod}, patch: "["}
helmCharts: []
"""
    write(tmp_path, "kustomization.yaml", KUSTOMIZATION + patches)
    reasons = [gap.reason for gap in look(tmp_path).models[0].coverage]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "the patch missing.yaml is not here", "a patch does not fit", "a patch does not fit",
        "a patch cannot be read", "helmCharts of a kustomization is not followed",
    ]  # fmt: skip


def test_old_forms_of_patches(tmp_path: Path) -> None:
    pod(
        tmp_path,
        "hostNetwork: true\nhostPID: true",
        "securityContext: {privileged: true}\nargs: [a]",
    )
    write(
        tmp_path,
        "p.yaml",
        "kind: Pod\nmetadata: {name: chat}\nspec: {hostNetwork: null, containers: [{name: vllm, securityContext: {$patch: delete}}]}",
    )
    write(
        tmp_path,
        "kustomization.yaml",
        "kind: Kustomization\nresources: [pod.yaml]\npatchesStrategicMerge:\n- p.yaml\n- |\n  kind: Pod\n  metadata: {name: chat}\n  spec: {hostPID: false, args: [b]}\n",
    )
    assert "unprivileged" not in violated(tmp_path)


def test_units_are_read_as_systemd_does() -> None:
    found: units.Values = {}
    text = "# c\n[Service]\nA=1\nA=2\nB=x \\\n# not this\n  y\nC=1\nC=\nnonsense\n; d\n"
    units.parse(text, "u", found)
    assert found == {
        ("Service", "A"): [("1", Place("u", 3)), ("2", Place("u", 4))],
        ("Service", "B"): [("x  y", Place("u", 5))],
        ("Service", "C"): [],
    }


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ("", "violated"),
        ("PrivateNetwork=yes", "satisfied"),
        ("IPAddressDeny=any", "satisfied"),
        ("IPAddressDeny=any\nIPAddressAllow=10.0.0.0/8", "satisfied"),
        ("IPAddressDeny=any\nIPAddressAllow=any", "violated"),
        ("IPAddressDeny=10.0.0.0/8", "violated"),
        ("RestrictAddressFamilies=AF_UNIX", "satisfied"),
        ("RestrictAddressFamilies=AF_UNIX AF_INET", "violated"),
    ],
)
def test_what_a_unit_reaches(tmp_path: Path, rows: str, outcome: str) -> None:
    file = write(tmp_path, "o.service", f"[Service]\n{rows}\nExecStart=/usr/bin/ollama serve\n")
    assert controls(file)["egress-restricted"].outcome == outcome


@pytest.mark.parametrize(
    ("start", "outcome"),
    [
        ("/usr/bin/ollama serve", "satisfied"),
        ("/usr/bin/vllm serve /m", "violated"),
        ("/usr/bin/vllm serve /m --host 127.0.0.1", "satisfied"),
        ("/usr/bin/vllm serve /m --uds /run/v.sock", "satisfied"),
        ("/usr/bin/llama-server -m /m --host 0.0.0.0", "violated"),
        ("/usr/bin/llama-server -m /m --host 0.0.0.0 --api-key-file /k", "satisfied"),
    ],
)
def test_who_reaches_a_unit(tmp_path: Path, start: str, outcome: str) -> None:
    file = write(tmp_path, "o.service", f"[Service]\nExecStart={start}\n")
    assert controls(file)["authenticated"].outcome == outcome


def test_variables_and_rights_of_a_unit(tmp_path: Path) -> None:
    file = write(tmp_path, "o.service", """
    [Service]
    User=root
    Environment="OLLAMA_HOST=0.0.0.0" OLLAMA_ORIGINS=* 'HF_TOKEN=abc1'
    EnvironmentFile=-/etc/default/o
    LoadCredential=hub:/etc/hub
    NoNewPrivileges=no
    StateDirectory=ollama
    ReadWritePaths=/srv/models
    ExecStart=/usr/bin/ollama serve
    """)  # fmt: skip
    said = controls(file)
    assert {"no-credentials", "authenticated", "least-privilege", "ephemeral"} <= violated(file)
    assert "web page" in said["authenticated"].reason


def test_a_unit_that_starts_no_model_is_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a.service", "[Service]\nExecStart=/usr/bin/nginx\n")
    write(tmp_path, "b.service", "[Unit]\nDescription=ollama\n")
    write(tmp_path, "c.container", "[Container]\nExec=ollama serve\n")
    assert look(tmp_path).decision.exit_code == 4


@pytest.mark.parametrize(
    ("rows", "good", "bad"),
    [
        ("Network=none", {"egress-restricted"}, set()),
        ("Network=host", set(), {"egress-restricted", "unprivileged"}),
        ("PublishPort=127.0.0.1:8080:80", {"authenticated"}, {"egress-restricted"}),
        ("PublishPort=8080:80", set(), {"authenticated"}),
        ("PodmanArgs=--privileged\nAddCapability=SYS_ADMIN", set(), {"unprivileged"}),
        (
            "DropCapability=all\nNoNewPrivileges=true\nReadOnly=true",
            {"least-privilege", "root-read-only"},
            set(),
        ),
        ("Volume=/srv/m:/data:ro,z\nVolume=x.volume:/other", {"model-read-only"}, {"ephemeral"}),
        ("Secret=hub,type=env", set(), set()),
    ],
)
def test_quadlets(tmp_path: Path, rows: str, good: set[str], bad: set[str]) -> None:
    image = "ghcr.io/huggingface/text-embeddings-inference:1"
    file = write(
        tmp_path,
        "t.container",
        f"[Container]\nImage={image}\nEntrypoint=router\nExec=--model-id /data/x\n{rows}\n",
    )
    found = violated(file)
    assert not found & good
    assert found >= bad


def test_a_network_of_its_own_file_is_unknown(tmp_path: Path) -> None:
    file = write(
        tmp_path, "t.container", "[Container]\nImage=ollama/ollama:1\nNetwork=in.network\n"
    )
    assert "egress-restricted" in unknown(file)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("FROM vllm/vllm-openai:v1\n", "vllm"),
        ("ARG B=ollama/ollama\nFROM ${B}:1\n", "ollama"),
        ("FROM python:3.12\nRUN pip install vllm\nENTRYPOINT vllm serve a/b-7b\n", "vllm"),
        ('FROM a AS base\nENV X 1\nCMD ["ollama", "serve"]\nFROM base\nUSER app\n', "ollama"),
        ('FROM python:3.12\nENV M=a/b-7b\nCMD ["vllm", "serve", "$M"]\n', "vllm"),
        ("FROM python:3.12\nCMD [not json\n", ""),
        ("FROM vllm/vllm-openai:v1 AS one\nFROM nginx\n", ""),
        ("FROM\nFROM --platform=x nginx\nRUN x\n", ""),
        ("RUN x\n", ""),
    ],
)
def test_images(tmp_path: Path, text: str, server: str) -> None:
    file = write(tmp_path, "Dockerfile", text)
    found = workloads(file)
    assert [each.server for each in found.values()] == ([server] if server else [])


def test_an_image_is_named_after_its_folder(tmp_path: Path) -> None:
    write(tmp_path, "chat/Dockerfile", "FROM ollama/ollama\n")
    assert set(workloads(tmp_path)) == {"chat"}
    assert images.workload("# nothing\n", "Dockerfile") is None


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    report = look(tmp_path / "nowhere")
    assert report.decision.exit_code == 3
    assert "no such file" in (report.models[0].error or "")


def test_kinds_of_workloads(tmp_path: Path) -> None:
    file = write(tmp_path, "all.yaml", """
    apiVersion: v1
    kind: PodList
    items:
      - {apiVersion: v1, kind: Pod, metadata: {name: one}, spec: {containers: [{name: c, image: "ollama/ollama:1"}]}}
    ---
    - {apiVersion: batch/v1, kind: CronJob, metadata: {generateName: two-}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: "ollama/ollama:1"}]}}}}}}
    ---
    apiVersion: leaderworkerset.x-k8s.io/v1
    kind: LeaderWorkerSet
    metadata: {name: three}
    spec:
      leaderWorkerTemplate:
        leaderTemplate: {spec: {containers: [{name: c, image: "vllm/vllm-openai:1"}]}}
        workerTemplate: {spec: {containers: [{name: c, image: "vllm/vllm-openai:1"}]}}
    ---
    apiVersion: serving.kserve.io/v1alpha1
    kind: ServingRuntime
    metadata: {name: four}
    spec: {containers: [{name: c, image: "kserve/huggingfaceserver:1"}]}
    ---
    apiVersion: serving.kserve.io/v1beta1
    kind: InferenceService
    metadata: {name: five}
    spec:
      predictor: {model: {modelFormat: {name: sklearn}, storageUri: "pvc://m/x"}}
      transformer: {containers: [{name: t, image: "acme/t:1", env: [{name: OPENAI_BASE_URL, value: "http://five"}]}]}
    ---
    apiVersion: acme.example/v1
    kind: Fleet
    metadata: {name: six}
    spec: {a: {template: {spec: {containers: [{name: c, image: "ollama/ollama:1"}]}}}, b: [{template: {spec: {containers: [{name: c, image: "ollama/ollama:1"}]}}}]}
    """)  # fmt: skip
    assert set(workloads(file)) == {
        "one", "two-", "three-leader", "three-worker", "four", "five", "five-transformer", "six", "six-2",
    }  # fmt: skip


RUN = "[Service]\nExecStartPre=-/usr/bin/docker rm -f o\nExecStart=/usr/bin/docker run --rm --name o {flags} ollama/ollama:1 serve\n"


@pytest.mark.parametrize(
    ("flags", "good", "bad"),
    [
        ("", {"authenticated"}, {"egress-restricted", "root-read-only"}),
        ("--network none --read-only", {"egress-restricted", "root-read-only"}, set()),
        ("--net=host", set(), {"egress-restricted", "unprivileged"}),
        ("-p 11434:11434", set(), {"authenticated"}),
        ("-p 127.0.0.1:11434:11434", {"authenticated"}, set()),
        ("--privileged --cap-add SYS_ADMIN", set(), {"unprivileged"}),
        ("--cap-drop=ALL --security-opt no-new-privileges -u 1000", {"least-privilege"}, set()),
        ("-v /var/run/docker.sock:/x", set(), {"host-separated"}),
        ("-v o:/home/ollama/.ollama:ro", {"model-read-only", "ephemeral"}, set()),
        (
            "--mount type=bind,source=/etc,target=/x --mount type=volume,src=m,dst=/models,readonly",
            {"model-read-only"},
            {"host-separated"},
        ),
        ("-e HF_TOKEN=abc1 -e OLLAMA_ORIGINS=*", set(), {"no-credentials", "authenticated"}),
        ("-e HF_TOKEN --env-file /e", set(), {"no-credentials"}),
        ("--gpus all", {"unprivileged"}, set()),
    ],
)
def test_a_unit_that_runs_a_container(
    tmp_path: Path, flags: str, good: set[str], bad: set[str]
) -> None:
    file = write(tmp_path, "o.service", RUN.format(flags=flags))
    (found,) = workloads(file).values()
    assert (found.kind, found.server) == ("container of a systemd unit", "ollama")
    said = violated(file)
    assert not said & good
    assert said >= bad


def test_a_network_of_docker_is_made_elsewhere(tmp_path: Path) -> None:
    file = write(tmp_path, "o.service", RUN.format(flags="--network inside"))
    assert "egress-restricted" in unknown(file)


def test_a_run_without_an_image_is_nothing(tmp_path: Path) -> None:
    write(tmp_path, "o.service", "[Service]\nExecStart=docker run --rm -e\n")
    assert look(tmp_path).decision.exit_code == 4
