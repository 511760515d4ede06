"""Nothing of a request is ever written down or sent back: not into a log line, not into the body of an error.

Everything that the process writes is caught while every person of the fixtures is sent with every order, and while
broken bodies full of secrets are sent.
"""

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.telemetry.logs import LibraryLog, configure, safe_instance
from tests.support import (
    CONTENT,
    HOOKS,
    INSTANCE,
    NOW,
    ORDERS,
    PATIENTS,
    Body,
    Json,
    counted_ids,
    post,
    replaced,
    request_for,
    resources_of,
    to_bytes,
    walk,
    without,
)

SECRET = "S3CR3T-never-to-be-written"
BRUNO = "bruno-glutamate-normal"
TEST_CLIENTS_OWN = ("httpx", "httpcore", "asyncio")
# What a log line may say although it stands in a request too: the names of hooks, services and cards.
PUBLIC = {*HOOKS, *(f"acetylcysteine-{hook}" for hook in HOOKS), *(card.id for card in CONTENT.cards), INSTANCE}


class Written:
    """Everything that was written: the log, standard output and error, the records of the libraries' loggers."""

    def __init__(self, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
        self.log = io.BytesIO()
        self._capsys, self._caplog = capsys, caplog
        self.lines: list[str] = []

    def read(self) -> list[str]:
        """Every line so far."""
        out, err = self._capsys.readouterr()
        records = [one for one in self._caplog.records if not one.name.startswith(TEST_CLIENTS_OWN)]
        self.lines += (self.log.getvalue().decode() + out + err).splitlines()
        self.lines += [f"{one.name} {one.getMessage()} {one.exc_info or ''}" for one in records]
        self.log.seek(0)
        self.log.truncate()
        self._caplog.clear()
        return self.lines

    def events(self, name: str) -> list[Body]:
        """The log lines of one event, as objects."""
        parsed = [json.loads(line) for line in self.read() if line.startswith("{")]
        return [one for one in parsed if one["event"] == name]


@pytest.fixture(autouse=True)
def written(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[Written]:
    """The logs as the command sets them up, at the level that says most; afterwards as they were."""
    everything = Written(capsys, caplog)
    caplog.set_level(logging.NOTSET)
    with redirect_stderr(io.TextIOWrapper(everything.log, write_through=True)) as stream:
        configure("debug", lambda: NOW)
    yield everything
    stream.detach()
    structlog.reset_defaults()


def with_secrets(body: Body) -> Body:
    """The body with a secret wherever something confidential or unknown may stand."""
    token = {"access_token": f"token-{SECRET}", "token_type": "Bearer", "expires_in": 300, "subject": SECRET}
    body = replaced(body, ["context", "userId"], f"Practitioner/{SECRET}")
    body = replaced(body, ["context", "encounterId"], f"enc-{SECRET}")
    body = replaced(body, ["context", "org_unknown"], {SECRET: SECRET})
    return {
        **body,
        "fhirServer": f"https://{SECRET}.example.org/fhir?key={SECRET}",
        "fhirAuthorization": token,
        "extension": {"org.example": SECRET},
        SECRET: SECRET,
    }


def strings_in(value: Json) -> set[str]:
    """Every text in a JSON value that is long enough to be told apart from the words of a log line."""
    texts = {inner for _, inner in walk(value) if isinstance(inner, str)}
    return {text for text in texts if len(text) >= 6} - PUBLIC


def without_public_words(lines: list[str]) -> str:
    """The log without its own timestamps and without the names of hooks, services and cards."""
    log = re.sub(r'"timestamp": ?"[^"]*"', "", "\n".join(lines))
    for word in sorted(PUBLIC, key=len, reverse=True):
        log = log.replace(word, "")
    return log.lower()


# ---------------------------------------------------------------- calls that are answered


@pytest.mark.parametrize("patient", PATIENTS)
def test_no_log_line_holds_anything_of_a_call(client: TestClient, written: Written, patient: str) -> None:
    forbidden = {SECRET} | strings_in(resources_of(patient))
    for order in ORDERS:
        body = with_secrets(request_for(patient, order))
        forbidden |= strings_in(json.loads(to_bytes(body)))
        assert post(client, body).status_code == 200
    log = without_public_words(written.read())
    assert len(written.lines) == len(ORDERS)
    assert sorted(text for text in forbidden if text.lower() in log) == []


@pytest.mark.parametrize("patient", PATIENTS)
def test_no_log_line_holds_the_name_the_id_or_the_birthday_of_a_patient(
    client: TestClient, written: Written, patient: str
) -> None:
    record = next(one for one in resources_of(patient) if one["resourceType"] == "Patient")
    names = {record["name"][0]["family"], *record["name"][0]["given"], record["birthDate"], record["id"]}
    names |= {f"{one['resourceType']}/{one['id']}" for one in resources_of(patient)}
    names |= {one["id"] for one in resources_of(patient)}
    post(client, request_for(patient, "oral-1800-twice-daily"))
    post(client, without(request_for(patient), "context", "draftOrders"))
    log = without_public_words(written.read())
    assert len(written.lines) == 2
    assert [name for name in names if re.search(rf"\b{re.escape(name)}\b", log, re.IGNORECASE)] == []


def test_the_headers_of_a_call_are_not_logged(client: TestClient, written: Written) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "User-Agent": SECRET, "X-Request-Id": SECRET}
    client.post(
        f"/cds-services/acetylcysteine-order-sign?secret={SECRET}",
        content=to_bytes(request_for(BRUNO)),
        headers=headers,
    )
    client.post("/cds-services/acetylcysteine-order-sign", content=b"{", headers=headers)
    assert len(written.read()) == 2
    assert SECRET not in "\n".join(written.lines)


# ---------------------------------------------------------------- what the log line does say


def test_the_log_line_of_a_call_has_these_members_and_no_others(client: TestClient, written: Written) -> None:
    post(client, request_for(BRUNO, "oral-1800-twice-daily"))
    (line,) = written.events("answered")
    took = line.pop("milliseconds")
    assert isinstance(took, float)
    assert took > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line.pop("timestamp"))
    assert line == {
        "event": "answered",
        "level": "info",
        "client": "open",
        "service": "acetylcysteine-order-sign",
        "hook": "order-sign",
        "hookInstance": INSTANCE,
        "cards": ["dose-above-studied", "glutamate-normal"],
        "silent_cards": 0,
        "unread_orders": 0,
        "fhir_server": "none",
    }


@pytest.mark.parametrize("hook", HOOKS)
def test_the_log_line_names_the_service_and_the_hook(client: TestClient, written: Written, hook: str) -> None:
    post(client, request_for(BRUNO, hook=hook))
    (line,) = written.events("answered")
    assert (line["service"], line["hook"]) == (f"acetylcysteine-{hook}", hook)


def test_a_call_without_cards_has_a_log_line_too(client: TestClient, written: Written) -> None:
    post(client, request_for(BRUNO, "amoxicillin"))
    (line,) = written.events("answered")
    assert line["cards"] == []


INSTANCES = {
    "a UUID": (INSTANCE, INSTANCE),
    "a UUID in capitals": (INSTANCE.upper(), INSTANCE),
    "a text": (SECRET, "not a UUID"),
    "a UUID and more": (f"{INSTANCE} {SECRET}", "not a UUID"),
    "a UUID and a line break": (f"{INSTANCE}\n", "not a UUID"),
    "a UUID after a space": (f" {INSTANCE}", "not a UUID"),
    "a UUID without hyphens": (INSTANCE.replace("-", ""), "not a UUID"),
    "a letter that is not hexadecimal in the first group": (f"g{INSTANCE[1:]}", "not a UUID"),
    "a letter that is not hexadecimal in the second group": (f"{INSTANCE[:9]}g{INSTANCE[10:]}", "not a UUID"),
    "a letter that is not hexadecimal in the last group": (f"{INSTANCE[:-1]}g", "not a UUID"),
    "digits of another script": (INSTANCE.replace("1", "١"), "not a UUID"),
    "a forged line": ('x"}\n{"event":"answered"', "not a UUID"),
}


@pytest.mark.parametrize(("instance", "logged"), INSTANCES.values(), ids=INSTANCES)
def test_the_hook_instance_is_logged_only_if_it_has_the_form_of_a_uuid(
    client: TestClient, written: Written, instance: str, logged: str
) -> None:
    assert post(client, {**request_for(BRUNO), "hookInstance": instance}).status_code == 200
    (line,) = written.events("answered")
    assert line["hookInstance"] == logged == safe_instance(instance)


SERVERS = {
    "none": (..., "none"),
    "null": (None, "none"),
    "no text": ({"url": SECRET}, "none"),
    "elsewhere": (f"https://{SECRET}.example.org/fhir", "refused"),
    "on this machine": (f"http://127.0.0.1/{SECRET}", "allowed"),
    "with a password": (f"http://user:{SECRET}@127.0.0.1/fhir", "refused"),
}


@pytest.mark.parametrize(("server", "logged"), SERVERS.values(), ids=SERVERS)
def test_of_a_fhir_server_only_whether_it_may_be_called_is_logged(
    client: TestClient, written: Written, server: Json, logged: str
) -> None:
    body = request_for(BRUNO)
    post(client, body if server is ... else {**body, "fhirServer": server})
    (line,) = written.events("answered")
    assert line["fhir_server"] == logged
    assert SECRET.lower() not in json.dumps(line).lower()


# ---------------------------------------------------------------- calls that are refused

VALID = with_secrets(request_for(BRUNO))
RAW = to_bytes(VALID)
REFUSED: dict[str, tuple[bytes, int, str]] = {
    "cut off": (RAW[:-1], 400, "body"),
    "a text": (json.dumps(SECRET).encode(), 400, "body"),
    "a list": (json.dumps([VALID["fhirAuthorization"]]).encode(), 400, "body"),
    "no JSON": (SECRET.encode(), 400, "body"),
    "invalid UTF-8 beside a secret": (RAW.replace(b'"order-sign"', f'"{SECRET}'.encode() + b'\xff"'), 400, "body"),
    "a secret hook": (to_bytes({**VALID, "hook": SECRET}), 400, "hook"),
    "a hook that is an object": (to_bytes({**VALID, "hook": {SECRET: SECRET}}), 400, "hook"),
    "a hook that is a list": (to_bytes({**VALID, "hook": [SECRET]}), 400, "hook"),
    "no hook": (to_bytes(without(VALID, "hook")), 400, "hook"),
    "a hookInstance that is an object": (to_bytes({**VALID, "hookInstance": {SECRET: 1}}), 400, "hookInstance"),
    "no hookInstance": (to_bytes(without(VALID, "hookInstance")), 400, "hookInstance"),
    "a context that is a text": (to_bytes({**VALID, "context": SECRET}), 400, "context"),
    "a context that is a list": (to_bytes({**VALID, "context": [SECRET]}), 400, "context"),
    "a patientId that is a path": (
        to_bytes(replaced(VALID, ["context", "patientId"], f"Patient/{SECRET}")),
        400,
        "context.patientId",
    ),
    "a patientId that is an object": (
        to_bytes(replaced(VALID, ["context", "patientId"], {SECRET: SECRET})),
        400,
        "context.patientId",
    ),
    "orders that are a text": (
        to_bytes(replaced(VALID, ["context", "draftOrders"], SECRET)),
        400,
        "context.draftOrders",
    ),
    "entries that are a text": (
        to_bytes(replaced(VALID, ["context", "draftOrders", "entry"], SECRET)),
        400,
        "context.draftOrders.entry",
    ),
    "a body that is too large": (RAW + b" " * Settings().max_body_bytes, 413, ""),
    "a number of 5,000 digits under a secret name": (
        RAW.replace(b'"hook"', f'"{SECRET}2":'.encode() + b"9" * 5000 + b',"hook"', 1)[:-1],
        400,
        "body",
    ),
}


@pytest.mark.parametrize(("body", "status", "field"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_echoes_nothing_of_the_body_neither_to_the_client_nor_to_the_log(
    client: TestClient, written: Written, body: bytes, status: int, field: str
) -> None:
    assert SECRET.encode() in body
    response = post(client, body)
    assert response.status_code == status
    (line,) = written.events("refused")
    assert (line["status"], line["field"] or "") == (status, field)
    for text in (response.text, str(response.headers), *written.lines):
        assert SECRET not in text
        assert BRUNO not in text


def test_the_log_line_of_a_refusal_has_these_members_and_no_others(client: TestClient, written: Written) -> None:
    post(client, REFUSED["a secret hook"][0])
    (line,) = written.events("refused")
    del line["timestamp"]
    assert line == {
        "event": "refused",
        "level": "info",
        "status": 400,
        "error": "InvalidRequest",
        "field": "hook",
    }


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("path", ["/cds-services/{}", "/{}", "/cds-services/acetylcysteine-order-sign/{}"])
def test_an_address_that_does_not_exist_is_not_echoed(
    client: TestClient, written: Written, method: str, path: str
) -> None:
    response = client.request(method, path.format(SECRET))
    assert response.status_code in (404, 405)
    assert response.json()["resourceType"] == "OperationOutcome"
    assert SECRET not in response.text
    assert SECRET not in "\n".join(written.read())


# ---------------------------------------------------------------- a bug of our own


def clock_that_breaks() -> Any:
    """Stands for any bug: an exception whose message holds something of a body."""
    raise LookupError(SECRET)


def app_with_a_bug() -> Any:
    return create_app(Settings(), CONTENT, now=clock_that_breaks, new_id=counted_ids())


def test_a_bug_is_a_500_that_says_nothing_of_it(written: Written) -> None:
    response = post(TestClient(app_with_a_bug(), raise_server_exceptions=False), VALID)
    assert response.status_code == 500
    assert response.json() == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "exception",
                "details": {"text": "the service failed; no guidance was given"},
            }
        ],
    }


def test_the_log_line_of_a_bug_says_where_it_broke_and_not_with_what(written: Written) -> None:
    post(TestClient(app_with_a_bug(), raise_server_exceptions=False), VALID)
    (line,) = written.events("bug")
    assert (line["level"], line["error"]) == ("error", "LookupError")
    assert line["where"][-1].startswith("test_logs_and_errors.py:")
    assert any(re.fullmatch(r"calls\.py:\d+ answer_call", frame) for frame in line["where"])
    assert SECRET not in "\n".join(written.lines)


def test_a_bug_does_not_escape_to_the_server_which_would_log_its_message() -> None:
    """Uvicorn writes the traceback, message included, of every exception that leaves the app."""
    assert post(TestClient(app_with_a_bug(), raise_server_exceptions=True), VALID).status_code == 500


def test_the_same_clock_without_the_bug_answers() -> None:
    app = create_app(Settings(), CONTENT, now=lambda: NOW, new_id=counted_ids())
    assert post(TestClient(app), VALID).status_code == 200


# ---------------------------------------------------------------- what libraries log


def failed(error: Exception) -> Exception:
    """The error with a traceback, as a library would log it."""
    try:
        raise error
    except Exception as raised:
        return raised


def logged_by(library: str, level: int, message: str, *values: object, error: Exception | None = None) -> None:
    logging.getLogger(library).log(level, message, *values, exc_info=error)


@pytest.mark.parametrize(
    "library", ["httpx", "httpcore", "httpcore.http11", "asyncio", "sqlalchemy.engine", "any.other"]
)
@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_what_a_library_says_below_a_warning_is_not_written_even_at_the_level_that_says_most(
    written: Written, capsys: pytest.CaptureFixture[str], library: str, level: int
) -> None:
    logged_by(library, level, "GET %s", f"http://127.0.0.1/fhir/Patient/{SECRET}")
    assert written.log.getvalue().decode() + capsys.readouterr().err == ""


@pytest.mark.parametrize("library", ["httpx", "httpcore.connection", "asyncio", "sqlalchemy.pool", "any.other"])
def test_of_a_librarys_warning_only_who_and_where_is_written(written: Written, library: str) -> None:
    logged_by(library, logging.WARNING, "GET %s", SECRET)
    logged_by(library, logging.ERROR, f"Task failed: {SECRET}", error=failed(LookupError(SECRET)))
    lines = [json.loads(line) for line in written.log.getvalue().splitlines()]
    assert [(one["event"], one["logger"], one["level"]) for one in lines] == [
        ("library", library, "warning"),
        ("library", library, "error"),
    ]
    assert lines[0]["at"].startswith("test_logs_and_errors:")
    assert lines[1]["error"] == "LookupError"
    assert lines[1]["where"][-1].endswith(" failed")
    assert SECRET not in written.log.getvalue().decode()


def test_the_http_client_does_not_even_tell_others_what_it_calls(caplog: pytest.LogCaptureFixture) -> None:
    logged_by("httpx", logging.INFO, "HTTP Request: %s", SECRET)
    logged_by("httpcore.http11", logging.DEBUG, "send_request_headers %s", SECRET)
    assert SECRET not in caplog.text


def test_where_standard_error_is_closed_the_log_goes_to_standard_output() -> None:
    imports = "from datetime import *; from cds_service.telemetry.logs import *; "
    command = [sys.executable, "-c", imports + "configure('info', lambda: datetime.now(UTC)); get_logger().info('x')"]
    run = subprocess.run(command, stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2), check=True)
    assert json.loads(run.stdout)["event"] == "x"


def test_the_server_says_in_its_own_words_why_it_cannot_start(written: Written) -> None:
    said = {
        "name": "uvicorn.error",
        "levelno": logging.ERROR,
        "msg": "[Errno %d] in use",
        "args": (98,),
        "exc_info": None,
    }
    LibraryLog().handle(logging.makeLogRecord(said))
    (line,) = [json.loads(line) for line in written.log.getvalue().splitlines()]
    assert (line["logger"], line["level"], line["said"]) == ("uvicorn.error", "error", "[Errno 98] in use")
