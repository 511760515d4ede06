"""What is in deploy/ and compose.yaml agrees with the service: metrics, labels, settings, files."""

import json
import re
from itertools import chain
from typing import Any

import pytest
import yaml

from cds_service import __version__
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.hooks.discovery import SERVICES
from cds_service.settings import Settings, describe
from cds_service.telemetry import metrics as counted
from cds_service.telemetry.metrics import Metrics
from tests.support import CONTENT, ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
WITH_SITE = (ROOT / "deploy" / "compose.site.yaml").read_text(encoding="utf-8")
PROXY = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
SETTINGS = {name for name, _, _ in describe()}
OF_PROMETHEUS = {"instance", "job", "le"}
LABELS = {
    "kind": set(counted.KINDS),
    "outcome": {*counted.OUTCOMES, *counted.FETCHES},
    "reason": set(counted.AUTHENTICATION_FAILURES),
    "part": set(counted.PARTS),
    "service": {*SERVICES, "", "s"},
    "card": {card.id for card in CONTENT.cards},
    "fact": set(CATALOGUE),
}


def load(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def exported() -> dict[str, set[str]]:
    """Every series' name and the labels that it has, once everything has been counted."""
    metrics = Metrics(SERVICES, ["a-card"], ["a_fact"])
    metrics.count_request("call", next(iter(SERVICES)), "cards", 0.1)
    metrics.count_cards(["a-card"])
    metrics.count_orders(1)
    metrics.count_missing_facts(["a_fact"])
    metrics.observe_fetch("ok", 0.1)
    metrics.set_part_up("database", True)
    found: dict[str, set[str]] = {}
    for line in metrics.exposition().decode().splitlines():
        if not line.startswith("#"):
            name = line.partition("{")[0].partition(" ")[0]
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', line))
    return found


EXPORTED = exported()
FAMILIES = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in EXPORTED}
ALL_RULES = [rule for group in load("alerts.yml")["groups"] for rule in group["rules"]]
RULES = {rule["alert"]: rule for rule in ALL_RULES if "alert" in rule}
RECORDED = {rule["record"]: rule for rule in ALL_RULES if "record" in rule}
PANELS = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]
EXPRESSIONS = {
    **{name: rule["expr"] for name, rule in (RULES | RECORDED).items()},
    **{f"{panel['title']} {one['refId']}": one["expr"] for panel in PANELS for one in panel["targets"]},
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_every_metric_and_label_in_a_rule_or_a_panel_is_exported(expression: str) -> None:
    named = set(re.findall(r"\bcds_\w+", expression))
    assert set(re.findall(r"\bcds:[\w:]+", expression)) <= set(RECORDED)
    assert named <= set(EXPORTED)
    known = OF_PROMETHEUS | set(chain.from_iterable(EXPORTED[name] for name in named))
    grouped = {one.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for one in group.split(",")}
    matched = re.findall(r'(\w+)\s*(=~|!=|=)\s*"([^"]*)"', expression)

    assert grouped | {label for label, _, _ in matched} <= known
    for label, _, values in matched:
        assert label == "job" or set(values.split("|")) <= LABELS[label]


def test_every_metric_is_seen_somewhere_and_explained() -> None:
    shown = {family for family in FAMILIES if any(family in one for one in EXPRESSIONS.values())}

    assert shown == FAMILIES
    assert {family for family in FAMILIES if f"`{family}" not in OPERATING} == set()


@pytest.mark.parametrize("name", RULES)
def test_every_alert_is_explained_and_tested(name: str) -> None:
    tested = {one["alertname"] for test in load("alerts.test.yml")["tests"] for one in test["alert_rule_test"]}

    assert f"| `{name}` |" in OPERATING
    assert name in tested
    assert RULES[name]["labels"]["severity"] in ("page", "ticket")


def test_the_alert_for_a_service_that_is_down_names_the_job_that_is_scraped() -> None:
    jobs = {job["job_name"] for job in load("prometheus.yml")["scrape_configs"]}
    assert set(re.findall(r'job="([^"]*)"', RULES["CdsDown"]["expr"])) == jobs


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    cells: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        own = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not own & cells
        assert at["x"] + at["w"] <= 24
        cells |= own


# ---------------------------------------------------------------- compose.yaml

SERVICES_OF_COMPOSE: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
OURS = {name: one for name, one in SERVICES_OF_COMPOSE.items() if one.get("build")}


def test_every_variable_that_the_service_is_given_is_a_setting() -> None:
    assert set(OURS) == {"migrate", "cds-1", "cds-2"}
    for one in OURS.values():
        assert set(one["environment"]) <= SETTINGS


def test_every_replica_has_the_site_file_where_there_is_one() -> None:
    with_site: dict[str, dict[str, Any]] = yaml.safe_load(WITH_SITE)["services"]
    assert set(with_site) == set(OURS) - {"migrate"}
    for one in with_site.values():
        assert set(one["environment"]) <= SETTINGS
        (mount,) = one["volumes"]
        assert one["environment"]["CDS_SITE"].startswith(mount.rpartition(":")[0].rpartition(":")[2])


def test_the_database_is_migrated_before_a_replica_starts() -> None:
    assert OURS["migrate"]["command"] == ["migrate"]
    for name in ("cds-1", "cds-2"):
        assert OURS[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_every_secret_that_the_proxy_reads_is_given() -> None:
    read = set(re.findall(r"/run/secrets/(\w+)", PROXY))
    assert read == set(SERVICES_OF_COMPOSE["proxy"]["secrets"])


def test_every_secret_is_declared_and_read() -> None:
    used = {secret for one in SERVICES_OF_COMPOSE.values() for secret in one.get("secrets", [])}
    assert used == set(yaml.safe_load(COMPOSE)["secrets"])
    for one in SERVICES_OF_COMPOSE.values():
        if one.get("build"):
            assert one["environment"]["CDS_CLIENTS"] == f"/run/secrets/{one['secrets'][0]}"


def test_the_proxy_takes_bodies_as_large_as_the_service_does() -> None:
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", PROXY)
    assert int(megabytes) * 1024 * 1024 == Settings().max_body_bytes


def test_every_variable_of_its_own_environment_is_explained() -> None:
    names = set(re.findall(r"\$\{(\w+)", COMPOSE + WITH_SITE))
    assert {name for name in names if name not in OPERATING} == set()


def test_every_file_that_is_mounted_exists_and_every_volume_is_declared() -> None:
    declared = yaml.safe_load(COMPOSE)["volumes"]
    mounts = [mount for one in SERVICES_OF_COMPOSE.values() for mount in one.get("volumes", [])]
    for source in (mount.partition(":")[0] for mount in mounts):
        assert (ROOT / source).is_file() if source.startswith(".") else source in declared


def test_images_are_named_without_a_host() -> None:
    images = [one["image"] for one in SERVICES_OF_COMPOSE.values()]
    assert all("." not in image.partition("/")[0].partition(":")[0] for image in images)
    assert all(
        re.search(r":\d+(\.\d+)*(\$\{[A-Z]+_DIGEST:-\})?$", image) for image in images if image != "acetylcysteine-cds"
    )  # a version, not latest


@pytest.mark.parametrize("name", SERVICES_OF_COMPOSE)
def test_no_container_has_a_capability_that_is_not_named(name: str) -> None:
    one = SERVICES_OF_COMPOSE[name]

    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in one or name not in OURS


def test_a_replica_has_a_root_that_is_read_only_and_a_temporary_folder_for_several_workers() -> None:
    for one in OURS.values():
        assert (one["read_only"], one["tmpfs"]) == (True, ["/tmp"])  # noqa: S108  # the path is that of the image


def test_a_replica_has_more_time_to_stop_than_it_takes() -> None:
    for one in SERVICES_OF_COMPOSE.values():
        if one.get("build"):
            assert int(one["stop_grace_period"].removesuffix("s")) > Settings().shutdown_seconds + 2


def test_the_replicas_that_the_proxy_and_prometheus_ask_are_those_of_compose() -> None:
    replicas = {f"{name}:8000" for name in OURS if name != "migrate"}
    (scraped,) = load("prometheus.yml")["scrape_configs"][0]["static_configs"]

    assert set(re.findall(r"server (\S+:\d+) ", PROXY)) == replicas == set(scraped["targets"])


# ---------------------------------------------------------------- deploy/kubernetes

MANIFESTS = {path.stem: load(f"kubernetes/{path.name}") for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))}
PODS = {name: MANIFESTS[name]["spec"]["template"] for name in ("deployment", "migrate-job")}
CONTAINERS = {name: pod["spec"]["containers"][0] for name, pod in PODS.items()}
REPLICA = CONTAINERS["deployment"]
OF_REPLICAS = {**PODS["deployment"]["metadata"]["labels"]}


def test_every_variable_of_a_pod_is_a_setting() -> None:
    given = {one["name"] for container in CONTAINERS.values() for one in container["env"]}

    assert given | set(MANIFESTS["configmap"]["data"]) <= SETTINGS


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_pod_is_not_root_writes_nowhere_and_may_do_nothing_more(name: str) -> None:
    (user,) = re.findall(r"^USER (\d+):", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    pod, container = PODS[name]["spec"], CONTAINERS[name]

    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, int(user))
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_pod_runs_the_image_of_this_version(name: str) -> None:
    assert CONTAINERS[name]["image"] == f"acetylcysteine-cds:{__version__}"


def test_several_workers_find_a_temporary_folder() -> None:
    mounted = {mount["name"]: mount["mountPath"] for mount in REPLICA["volumeMounts"]}
    empty = [volume["name"] for volume in PODS["deployment"]["spec"]["volumes"] if "emptyDir" in volume]

    assert [mounted[name] for name in empty] == ["/tmp"]  # noqa: S108  # the path is that of the image


def test_a_pod_has_more_time_to_stop_than_it_takes() -> None:
    grace = PODS["deployment"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > REPLICA["lifecycle"]["preStop"]["sleep"]["seconds"] + Settings().shutdown_seconds + 1


def test_a_pod_starts_when_it_is_ready_and_is_given_calls_as_long_as_it_lives() -> None:
    paths = {name: REPLICA[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}

    assert paths == {"startup": "/health/ready", "readiness": "/health/live", "liveness": "/health/live"}


def test_the_other_objects_are_about_the_replicas() -> None:
    autoscaler, service = MANIFESTS["horizontalpodautoscaler"]["spec"], MANIFESTS["service"]["spec"]

    assert autoscaler["scaleTargetRef"]["name"] == MANIFESTS["deployment"]["metadata"]["name"]
    assert autoscaler["minReplicas"] > MANIFESTS["poddisruptionbudget"]["spec"]["minAvailable"]
    assert service["selector"] == OF_REPLICAS == MANIFESTS["deployment"]["spec"]["selector"]["matchLabels"]
    assert MANIFESTS["poddisruptionbudget"]["spec"]["selector"]["matchLabels"] == OF_REPLICAS
    assert MANIFESTS["networkpolicy"]["spec"]["podSelector"]["matchLabels"].items() <= OF_REPLICAS.items()
    assert service["ports"][0]["targetPort"] == REPLICA["ports"][0]["name"]
    assert MANIFESTS["networkpolicy"]["spec"]["ingress"][0]["ports"][0]["port"] == REPLICA["ports"][0]["containerPort"]


def test_every_secret_of_a_pod_is_explained() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (DEPLOY / "kubernetes").glob("*.yaml"))
    keys = set(re.findall(r"key: ([a-z.-]+)", text))

    assert keys == {"clients.toml", "database-url"}
    assert [key for key in keys if f"{key}=" not in OPERATING] == []
    assert [name for name in MANIFESTS if f"{name}.yaml" not in OPERATING] == []
