"""The image and deploy/ as they really run. Needs promtool, nginx and openssl on PATH, and pip's way to its packages.

Named so that `make test` leaves it alone; `make deploy-check` runs it, and `.ci/run` does.
"""

import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from platform import python_version_tuple
from tempfile import TemporaryDirectory

import pytest
import yaml

from cds_service import __version__
from tests.operations.dockerfile import Build, Stage, start, which
from tests.operations.load import Load
from tests.processes import BODY, PATIENCE, SERVICE, Service, free_port, serving, wait_until, wait_until_ready
from tests.signing import ALL_KEYS, ISSUER, JKU, PUBLIC, client_toml, good_claims, sign
from tests.support import ROOT

DEPLOY = ROOT / "deploy"


COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
_LEFT = ",".join(["-all", *(f"+{name.lower()}" for name in COMPOSE["services"]["proxy"]["cap_add"])])
# The proxy has the capabilities that compose.yaml leaves it, if whoever runs the tests has any to drop.
AS_IN_COMPOSE = ("setpriv", f"--bounding-set={_LEFT}", "--inh-caps=-all") if os.geteuid() == 0 else ()


def tool(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not on PATH"
    return found


# ---------------------------------------------------------------- Prometheus


@pytest.mark.parametrize("words", [["check", "config", "prometheus.yml"], ["test", "rules", "alerts.test.yml"]])
def test_promtool_finds_the_rules_right(words: list[str]) -> None:
    done = subprocess.run([tool("promtool"), *words], cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_can_read_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    panels = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]
    expressions = [one["expr"] for panel in panels for one in panel["targets"]]
    filled = [one.replace("$__rate_interval", "5m").replace("$__range", "1d") for one in expressions]
    rules = [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(filled)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        [tool("promtool"), "check", "rules", "panels.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert f"{len(rules)} rules found" in done.stdout


# ---------------------------------------------------------------- the proxy


def configuration(folder: Path, port: int, replicas: Sequence[Service]) -> Path:
    """deploy/nginx.conf with the addresses and paths of this machine. The one thing left out is `resolve`, which
    looks names up in the container's network, and which the nginx of a Debian may be too old for."""
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for number, replica in enumerate(replicas, start=1):
        text = text.replace(f"cds-{number}:8000", f"127.0.0.1:{replica.port}")
    text = text.replace(" resolve;", ";").replace("listen 443 ", f"listen 127.0.0.1:{port} ")
    text = text.replace("/tmp/", f"{folder}/").replace("/run/secrets/", f"{folder}/")
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    return folder / "nginx.conf"


def make_certificate(folder: Path) -> None:
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "certificate")]
    subprocess.run(
        [tool("openssl"), *words, "-addext", "subjectAltName=IP:127.0.0.1", *files],
        check=True,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def proxied(*replicas: Service) -> Iterator[Service]:
    """The proxy of deploy/, with TLS, before these replicas."""
    with TemporaryDirectory(prefix="nginx-") as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)  # its workers are another user where this one is root
        make_certificate(folder)
        words = ["-e", "stderr", "-c", str(configuration(folder, port, replicas)), "-g", "daemon off;"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*AS_IN_COMPOSE, tool("nginx"), *words], stderr=log)
        try:
            tls = ssl.create_default_context(cafile=str(folder / "certificate"))
            proxy = Service(process, port, folder / "log", tls)
            wait_until_ready(proxy, "/cds-services")
            yield proxy
        finally:
            process.terminate()
            process.wait(PATIENCE)


def test_a_replica_is_replaced_behind_the_proxy_without_a_call_being_dropped(tmp_path: Path) -> None:
    with serving(tmp_path) as one, serving(tmp_path) as two, proxied(one, two) as proxy:
        load = Load([proxy.port], keep_alive=True, tls=proxy.tls)
        load.start(clients=6)
        load.wait_for(60)
        one.stop()
        load.wait_for(100)
        load.end()

    assert load.dropped == []
    assert set(load.statuses) == {200}


def test_the_proxy_keeps_metrics_and_health_to_the_inside(tmp_path: Path) -> None:
    with serving(tmp_path) as one, serving(tmp_path) as two, proxied(one, two) as outside:
        inside = ("/metrics", "/report", "/setup", "/health/ready", "/health/live")
        assert {outside.ask(path)[0] for path in inside} == {404}
        assert outside.ask(SERVICE, BODY)[0] == 200


REFUSED = {  # what is sent again and again, and its answer
    "an address that is not there": ("/nothing", {}, 404),
    "no JSON": (SERVICE, {"Content-Type": "text/plain"}, 415),
    "no token": (SERVICE, {}, 401),
}


def clients_and_token(folder: Path) -> tuple[dict[str, str], str]:
    """The settings of a replica that trusts one client, and a token of that client."""
    clients, now = folder / "clients.toml", int(time.time())
    clients.write_text(client_toml("hospital", ISSUER, *ALL_KEYS, jku=JKU, token_reuse="allow"), encoding="utf-8")  # noqa: S106
    token = sign(claims=good_claims(iat=now, exp=now + 3000))
    return {"CDS_CLIENTS": str(clients), "CDS_PUBLIC_URL": PUBLIC}, token


@pytest.mark.parametrize(("path", "headers", "status"), REFUSED.values(), ids=REFUSED)
def test_bodies_that_are_refused_before_they_have_come_take_no_call_from_anybody(
    tmp_path: Path, path: str, headers: dict[str, str], status: int
) -> None:
    body, answers = b"x" * 3_900_000, Counter[int]()
    ended = threading.Event()
    settings, token = clients_and_token(tmp_path)
    sent = headers if status == 401 else {**headers, "Authorization": f"Bearer {token}"}

    with (
        serving(tmp_path, settings=settings) as one,
        serving(tmp_path, settings=settings) as two,
        proxied(one, two) as proxy,
    ):

        def attack() -> None:
            while not ended.is_set():
                answers[proxy.ask(path, body, sent)[0]] += 1

        attackers = [threading.Thread(target=attack) for _ in range(4)]
        load = Load([proxy.port], keep_alive=True, tls=proxy.tls, token=token)
        for attacker in attackers:
            attacker.start()
        load.start(clients=2)
        try:
            wait_until(lambda: answers.total() >= 30, lambda: answers)
            load.wait_for(60)
        finally:
            ended.set()
            load.end()
            for attacker in attackers:
                attacker.join(PATIENCE)

    assert load.dropped == []
    assert set(load.statuses) == {200}
    assert set(answers) == {status}


def test_what_the_proxy_refuses_itself_is_an_operation_outcome_too(tmp_path: Path) -> None:
    with serving(tmp_path) as one, serving(tmp_path) as two, proxied(one, two) as proxy:
        for status, body, headers in (
            (413, b"x" * (4 * 1024 * 1024 + 1), {}),
            (431, b"x", {"X-Large": "x" * 17_000}),
        ):
            answered, said = proxy.ask(SERVICE, body, headers)
            assert (answered, json.loads(said)["resourceType"]) == (status, "OperationOutcome")
        assert proxy.ask(SERVICE, BODY, {"Authorization": "Bearer " + "x" * 8192})[0] == 200


# ---------------------------------------------------------------- Kubernetes

MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
VERSIONS = ("1.30", "1.37")  # `sleep` before a stop is known from 1.30 on; the newest that the schemas have


def validate(version: str, *files: Path) -> subprocess.CompletedProcess[str]:
    """What the published schemas of a version of Kubernetes say of manifests; members they do not know are errors."""
    words = [tool("kubernetes-validate"), "--strict", "-k", version, *map(str, files)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_fits_the_schema_of_its_kind(version: str) -> None:
    done = validate(version, *MANIFESTS)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count(" passed ") == len(MANIFESTS) > 5


@pytest.mark.parametrize(
    "wrong", [("readinessProbe", "readynessProbe"), ("path: /health/live", "path: 5"), ("args:", "arg:")]
)
def test_a_manifest_with_a_mistake_does_not(tmp_path: Path, wrong: tuple[str, str]) -> None:
    text = "\n---\n".join(path.read_text(encoding="utf-8") for path in MANIFESTS)
    (tmp_path / "wrong.yaml").write_text(text.replace(*wrong), encoding="utf-8")

    assert wrong[0] in text
    assert validate(VERSIONS[-1], tmp_path / "wrong.yaml").returncode != 0


# ---------------------------------------------------------------- the image


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    version = ".".join(python_version_tuple()[:2])
    return Build(ROOT, tmp_path_factory.mktemp("image"), {"PYTHON": version, "EXTRA": "tracing"}).run()


def run_in(image: Stage, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`docker run IMAGE WORDS`, to its end: the entry point with these words, or with those of the image."""
    program, *first = image.entrypoint
    return subprocess.run(
        [str(which(image, program)), *first, *(words or image.command)],
        cwd=image.led_in(image.workdir),
        env={**image.all_environment(), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@contextmanager
def running(image: Stage, **environment: str) -> Iterator[Service]:
    port = free_port()
    service = Service(start(image, port, **environment), port, Path(os.devnull))
    try:
        wait_until_ready(service)
        yield service
    finally:
        service.stop()


def test_the_image_starts_and_answers(image: Stage) -> None:
    with running(image) as service:
        status, body = service.ask(SERVICE, BODY)

        assert status == 200
        assert json.loads(body)["cards"]
        assert service.stop() in (0, -signal.SIGTERM)


def test_the_health_check_of_the_image_passes_while_it_runs_and_fails_when_it_does_not(image: Stage) -> None:
    with running(image) as service:
        check = [one.replace("127.0.0.1:8000", f"127.0.0.1:{service.port}") for one in image.healthcheck]
        assert check != image.healthcheck
        command = [str(which(image, check[0])), *check[1:]]
        assert subprocess.run(command, env=image.all_environment(), check=False).returncode == 0
    done = subprocess.run(command, env=image.all_environment(), stderr=subprocess.DEVNULL, check=False)
    assert done.returncode != 0


def test_the_image_as_it_is_refuses_to_be_open_to_all(image: Stage) -> None:
    done = run_in(image)
    assert done.returncode == 2
    assert "CDS_AUTH" in done.stderr


def test_the_image_is_not_root_and_holds_no_pip(image: Stage) -> None:
    assert image.user.partition(":")[0].isdecimal()
    assert image.user.partition(":")[0] != "0"
    assert list((image.root / "venv").glob("lib/python*/site-packages/pip")) == []
    assert list((image.root / "usr").glob("local/lib/python*/site-packages/pip")) == []


COMMANDS = {  # in the order of an installation
    "--version": __version__,
    "check": "The content is sound.",
    "migrate": "The schema of the database is at revision",
    "report": "All cards",
}


def test_the_commands_that_are_documented_run_in_place_of_the_server(image: Stage, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    for words, says in COMMANDS.items():
        done = run_in(image, words, CDS_DATABASE_URL=database)
        assert done.returncode == 0, done.stdout + done.stderr
        assert says in done.stdout


def test_the_image_holds_the_package_with_the_data_that_it_needs_and_nothing_else(image: Stage) -> None:
    package = image.root / "app" / "cds_service"

    assert {path.name for path in (image.root / "app").iterdir()} == {
        "bin",
        "cds_service",
        f"acetylcysteine_cds-{__version__}.dist-info",
    }
    assert {path.name for path in (package / "fixtures").iterdir()} == {
        "orders",
        "patients",
        "requests",
        "responses",
    }
    assert (package / "cards" / "content.toml").is_file()
    assert not (image.root / "src").exists()


def test_the_image_can_trace(image: Stage) -> None:
    with running(image, CDS_TRACES_TO="http://127.0.0.1:9/v1/traces") as service:
        assert service.ask(SERVICE, BODY)[0] == 200
