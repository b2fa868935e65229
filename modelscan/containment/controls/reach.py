"""Who can be reached, by whom, and with which keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.containment import mesh
from modelscan.containment.kubernetes import metadata
from modelscan.containment.model import Container, Mount, Port, Setting
from modelscan.containment.nodes import Place, Table, at, string, table, truth, where
from modelscan.containment.servers import Server
from modelscan.containment.view import Result, Serving, Switch, View
from modelscan.vocabulary.containment import Control

_CREDENTIAL: Final = re.compile(
    r"(?:^|_)(?:HF_TOKEN|HUGGING_?FACE(?:_HUB)?_TOKEN|HUGGINGFACEHUB_API_TOKEN|HF_API_TOKEN"
    r"|HF_API_KEY"
    r"|AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|GOOGLE_APPLICATION_CREDENTIALS"
    r"|AZURE_(?:CLIENT_SECRET|STORAGE_KEY|STORAGE_CONNECTION_STRING|OPENAI_API_KEY)"
    r"|OPENAI_API_KEY|ANTHROPIC_API_KEY|GEMINI_API_KEY|GOOGLE_API_KEY|MISTRAL_API_KEY"
    r"|COHERE_API_KEY"
    r"|GITHUB_TOKEN|GH_TOKEN|GITLAB_TOKEN|WANDB_API_KEY|NGC_API_KEY|NVIDIA_API_KEY|KAGGLE_KEY"
    r"|MODELSCOPE_API_TOKEN|REPLICATE_API_TOKEN|DATABASE_URL|KUBECONFIG|SSH_PRIVATE_KEY"
    r"|SLACK_(?:BOT_)?TOKEN|DOCKER_(?:PASSWORD|AUTH_CONFIG)|PGPASSWORD|MYSQL_(?:ROOT_)?PASSWORD"
    r"|POSTGRES_PASSWORD|S3_SECRET_KEY|MINIO_SECRET_KEY|AWS_SHARED_CREDENTIALS"
    r"|AWS_WEB_IDENTITY_TOKEN|AZURE_FEDERATED_TOKEN)(?:_FILE|_PATH)?$"
)
"""Variables that hold a key to something else; a server's own key for callers is none."""
_PLACEHOLDER: Final = re.compile(
    r"(?i)(?:sk-)?(?:not-?needed|none|empty|dummy|fake|ollama|na|n/a|no-?key(?:-?required)?|x+"
    r"|local)?"
)
"""Values that clients want to be set, and that open nothing."""
KEY_PATHS: Final = re.compile(
    r"(?:^|/)\.(?:aws|ssh|kube|docker|netrc|gnupg|azure|config/gcloud|config/gh)(?:/|$)"
    r"|(?:^|/)(?:credentials|id_rsa|id_ed25519|kubeconfig|service-account\.json)$"
)
HUB_HOME: Final = re.compile(
    r"(?:~|\$\{?HOME\}?|/home/[^/]+|/root)/\.cache(?:/huggingface)?/?|\$\{?HF_HOME\b.*"
)
"""A person's own folder of the hub: the token lies in it, beside the models."""
TOKEN_FLAGS: Final = ("--hf-token", "--hf_token", "--token")
_CERTIFICATES: Final = re.compile(r"(?i)tls|ssl|cert|\bca\b|pki")
GUARDS: Final = ("security.opendatahub.io/enable-auth",)
"""Annotations by which an operator puts a check of tokens before a server."""
_INNER: Final = ("networking.kserve.io/visibility", "networking.knative.dev/visibility")
_LOOPBACK: Final = re.compile(r"127\.\d+\.\d+\.\d+|localhost|::1|\[::1\]")
_OPEN: Final = re.compile(r"(?:https?://)?(?:0\.0\.0\.0|\[?::\]?|\*)(?::\d+)?/?")


def egress(view: View) -> Iterator[Result]:
    """Whether connections outward are refused, but for a list."""
    control: Control = "egress-restricted"
    workload = view.workload
    host = next((place for word, place in workload.host_namespaces if word == "network"), None)
    if host is not None:
        reason = "it is in the host's network, where no policy of the cluster or compose holds"
        yield view.bad(control, reason, host)
    elif workload.platform == "kubernetes":
        yield _cluster_egress(view)
    elif workload.platform == "image":
        yield view.unknown(control, "how the image is run decides")
    elif workload.egress.value is False:
        yield view.good(control, "no way out is configured", workload.egress.place)
    elif workload.egress.value is None:
        yield view.unknown(control, "its network is made elsewhere", workload.egress.place)
    else:
        word = (
            "systemd refuses no address"
            if workload.platform == "systemd"
            else (
                "none of its networks is internal" if workload.egress.place else "it has a way out"
            )
        )
        yield view.silent(control, f"it can open any connection: {word}", workload.egress.place)


def _cluster_egress(view: View) -> Result:
    control: Control = "egress-restricted"
    found = view.cluster.egress(view.workload)
    if found.state == "open":
        return view.bad(control, found.detail, found.place or view.workload.place)
    if found.state == "unknown":
        return view.unknown(control, found.detail)
    outbound = mesh.outbound(view.cluster, view.workload)
    if found.state == "none" and outbound and outbound[0] == "REGISTRY_ONLY":
        reason = "a Sidecar allows registered hosts only, where the mesh's proxy stands before it"
        return view.unknown(control, reason, outbound[1])
    if found.state == "none":
        reason = "no network policy here selects it, and without one every connection is allowed"
        return view.silent(control, reason)
    listed = f"only {', '.join(found.allowed)}" if found.allowed else "nothing is allowed"
    return view.good(control, f"egress is denied; {listed}", found.place)


def credentials(view: View) -> Iterator[Result]:
    """Keys to other things that lie in the container."""
    control: Control = "no-credentials"
    found = [result for each in view.serving for result in _keys(view, each)]
    role = view.cluster.cloud_role(view.workload)
    if role is not None:
        reason = "its service account is a role of the cloud, whose keys lie in reach"
        found.append(view.bad(control, reason, role))
    yield from found
    if not found:
        unseen = [
            setting
            for each in view.serving
            for setting in each.container.settings
            if setting.name.startswith(("all of ", "secret "))
        ]
        mounted = [mount for each in view.serving for mount in _secrets(each)]
        if unseen:
            reason = f"{unseen[0].name}: what is in it is not here"
            yield view.unknown(control, reason, unseen[0].place)
        elif mounted:
            reason = f"the secret {mounted[0].source} is mounted: what is in it is not here"
            yield view.unknown(control, reason, mounted[0].place)
        else:
            yield view.good(control, "no variable or mount holds a known kind of key")


def _secrets(each: Serving) -> Iterator[Mount]:
    """Secrets that are mounted, but for certificates and the server's own key for callers."""
    own = each.container.flag(*each.server.key_flags) if each.server.key_flags else None
    for mount in each.container.mounts:
        key = own is not None and own[1].text.startswith(mount.path)
        if (
            mount.kind == "secret"
            and not key
            and not _CERTIFICATES.search(mount.path + mount.source)
        ):
            yield mount


def _keys(view: View, each: Serving) -> Iterator[Result]:
    control: Control = "no-credentials"
    for setting in each.container.settings:
        if is_key(setting, each.server):
            how = "from a secret" if setting.origin == "secret" else "from outside"
            how = "written here" if setting.value else how
            yield view.bad(control, f"{setting.name} is in its environment, {how}", setting.place)
    for word in each.container.words():
        name, tied, value = word.text.partition("=")
        written = Setting(name, value, "literal", each.container.where(word.line))
        if tied and name.isidentifier() and is_key(written, each.server):
            yield view.bad(control, f"{name} is set before it starts", written.place)
    flag = each.container.flag(*TOKEN_FLAGS)
    if flag:
        place = each.container.where(flag[1].line)
        yield view.bad(control, f"{flag[0]} hands it a token", place)
    for mount in each.container.mounts:
        if KEY_PATHS.search(mount.source) or KEY_PATHS.search(mount.path):
            yield view.bad(control, f"{mount.source} is mounted, which holds keys", mount.place)
        elif mount.kind == "host" and HUB_HOME.fullmatch(mount.source):
            reason = f"{mount.source} is mounted: a user's token of the hub lies there"
            yield view.bad(control, reason, mount.place)


def is_key(setting: Setting, server: Server) -> bool:
    """True for a variable that holds a key to something else than the server itself."""
    name = setting.name.upper()
    if name in server.key_settings or not _CREDENTIAL.search(name):
        return False
    if setting.value is None:
        return True
    return _PLACEHOLDER.fullmatch(setting.value) is None


def authenticated(view: View) -> Iterator[Result]:
    """Whether those who can reach the server need a key."""
    control: Control = "authenticated"
    for each in view.serving:
        yield from _open_origins(each)
        if each.server.role != "serves":
            continue
        key = _asks_for_key(each)
        if key is not None:
            yield view.good(control, "callers need a key", key)
        else:
            yield _exposure(view, each)


def _asks_for_key(each: Serving) -> Place | None:
    flag = each.container.flag(*each.server.key_flags) if each.server.key_flags else None
    if flag and flag[1].text != flag[0] and not _opens_nothing(flag[1].text):
        return each.container.where(flag[1].line)
    setting = each.container.setting(*each.server.key_settings)
    if setting and (setting.value is None or not _opens_nothing(setting.value)):
        return setting.place
    return None


def _without_token(each: Serving) -> bool:
    setting = each.container.setting("TS_DISABLE_TOKEN_AUTHORIZATION")
    off = setting is not None and truth(setting.value or "") is True
    return off or each.container.flag("--disable-token-auth", "--disable-token") is not None


def _opens_nothing(value: str) -> bool:
    """True for a key that is none: empty, or a word that stands for one."""
    return _PLACEHOLDER.fullmatch(value) is not None


def _open_origins(each: Serving) -> Iterator[Result]:
    for name in ("OLLAMA_ORIGINS", "CORS_ALLOW_ORIGIN"):
        setting = each.container.setting(name)
        if setting and setting.value and "*" in setting.value.split(","):
            effect = "any web page that a person opens can call it"
            reason = f"{name}={setting.value}: {effect}"
            switch = Switch(name, setting.value, effect)
            yield Result("authenticated", "violated", reason, setting.place, switch=switch)
    setting = each.container.setting("WEBUI_AUTH")
    if setting and truth(setting.value or "") is False:
        effect = "anybody who reaches the page is let in"
        switch = Switch(setting.name, setting.value or "", effect)
        reason = f"{setting.name}={setting.value}: {effect}"
        yield Result("authenticated", "violated", reason, setting.place, switch=switch)


def _exposure(view: View, each: Serving) -> Result:
    """Who reaches a server without a key."""
    platform = view.workload.platform
    if each.server.name == "torchserve" and not _without_token(each):
        reason = "TorchServe asks for a token from 0.11.1 on, so that its version decides"
        return view.unknown("authenticated", reason)
    if platform == "kubernetes":
        return _in_cluster(view, each)
    host = next((place for word, place in view.workload.host_namespaces if word == "network"), None)
    if host is not None and not each.server.loopback:
        reason = "its port is one of the host's, and no key is asked for"
        return view.bad("authenticated", reason, host)
    if platform == "compose":
        return _published(view, view.workload.ports)
    socket = each.container.flag("--uds", "--uds-path", "--socket-path")
    if socket:
        place = each.container.where(socket[1].line)
        return view.good("authenticated", "it listens on a socket in the file system", place)
    if platform == "systemd":
        if view.workload.ports or "container" in view.workload.kind:
            return _published(view, view.workload.ports)
        return _listening(view, each)
    return view.unknown("authenticated", "no key is asked for; how the image is run decides")


def _published(view: View, ports: list[Port]) -> Result:
    control: Control = "authenticated"
    outside = [port for port in ports if not _LOOPBACK.fullmatch(port.address)]
    if outside:
        reason = (
            f"port {outside[0].number} is open on {outside[0].address}, and no key is asked for"
        )
        return view.bad(control, reason, outside[0].place)
    if ports:
        return view.good(control, "published on loopback alone", ports[0].place)
    return view.good(control, "no port is published")


def _listening(view: View, each: Serving) -> Result:
    control: Control = "authenticated"
    address = _host(each.container)
    if address is not None and _LOOPBACK.search(address[0]):
        return view.good(control, f"it listens on {address[0]} alone", address[1])
    if address is not None:
        reason = f"it listens on {address[0]}, and no key is asked for"
        return view.bad(control, reason, address[1])
    if each.server.loopback:
        return view.good(control, "it listens on loopback unless told otherwise")
    reason = "it listens on all addresses unless told otherwise, and no key is asked for"
    return view.silent(control, reason, each.container.place)


def _host(container: Container) -> tuple[str, Place] | None:
    setting = container.setting("OLLAMA_HOST", "HOST", "LLAMA_ARG_HOST", "HOSTNAME")
    flag = container.flag("--host", "--hostname", "--http-address")
    if flag:
        return flag[1].text, container.where(flag[1].line)
    return (setting.value, setting.place) if setting and setting.value else None


def _in_cluster(view: View, each: Serving) -> Result:
    control: Control = "authenticated"
    found = _guarded(view) or _from_outside(view)
    if found is not None:
        return found
    limit = view.cluster.limits_ingress(view.workload)
    if limit is not None:
        return view.good(control, "a network policy says which pods may connect", limit)
    inner = any(view.workload.labels.get(name) == "cluster-local" for name in _INNER)
    if view.workload.kind == "InferenceService" and not inner:
        reason = "KServe makes routes for it; whether they ask for a key is not here"
        return view.unknown(control, reason)
    reason = "no key is asked for, and any pod of the cluster can connect"
    return view.silent(control, reason, each.container.place)


def _guarded(view: View) -> Result | None:
    """What stands before the server and asks who calls; `None` when nothing does."""
    control: Control = "authenticated"
    place = mesh.asks_callers(view.cluster, view.workload)
    if place is not None:
        return view.good(control, "a policy of the mesh says who may call", place)
    for name in GUARDS:
        said = view.workload.annotations.get(name)
        if said is not None and truth(said):
            return view.good(control, f"{name} asks callers for a token", where(said))
        if said is not None:
            return view.bad(control, f"{name}={said}: no token is asked for", where(said))
    return None


def _from_outside(view: View) -> Result | None:
    """What leads to the server from outside of the cluster; `None` when nothing does."""
    control: Control = "authenticated"
    for service in view.cluster.services(view.workload):
        kind = string(at(service, "spec", "type"))
        if kind in {"LoadBalancer", "NodePort"}:
            reason = f"a service of type {kind} leads to it, and no key is asked for"
            severe = kind == "LoadBalancer" and not _internal(metadata(service))
            place = where(at(service, "spec", "type"), service)
            return view.bad(control, reason, place, severe=severe)
        for route in view.cluster.routes(string(metadata(service).get("name"))):
            if any("auth" in key for key, _ in _annotations(metadata(route))):
                return view.unknown(control, "a route asks for authentication", where(route))
            way = string(route.get("kind"))
            reason = f"{way} leads to it from outside, and no key is asked for"
            return view.bad(control, reason, where(route))
    return None


def _internal(meta: Table) -> bool:
    """True for a load balancer inside a company's network, as annotations of clouds say it."""
    return any("internal" in key or "internal" in value for key, value in _annotations(meta))


def _annotations(meta: Table) -> list[tuple[str, str]]:
    return [(str(key), string(value)) for key, value in table(meta.get("annotations")).items()]
