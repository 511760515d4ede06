"""What the service leans on in uvicorn. Where one of these fails after an update, read `cds_service/serving/` again."""

import asyncio
import inspect
import re
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import pytest
from packaging.requirements import Requirement
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from cds_service.serving.parsing import Parser
from cds_service.serving.protocol import CONFIG, GuardedProtocol
from cds_service.serving.server import DrainingServer
from tests.support import ROOT

SIGNATURES = {
    HttpToolsProtocol.__init__: ["self", "config", "server_state", "app_state", "_loop"],
    HttpToolsProtocol.connection_made: ["self", "transport"],
    HttpToolsProtocol.connection_lost: ["self", "exc"],
    HttpToolsProtocol.data_received: ["self", "data"],
    HttpToolsProtocol.eof_received: ["self"],
    HttpToolsProtocol.pause_writing: ["self"],
    HttpToolsProtocol.resume_writing: ["self"],
    HttpToolsProtocol.on_message_begin: ["self"],
    HttpToolsProtocol.on_url: ["self", "url"],
    HttpToolsProtocol.on_header: ["self", "name", "value"],
    HttpToolsProtocol.on_headers_complete: ["self"],
    HttpToolsProtocol.on_message_complete: ["self"],
    HttpToolsProtocol.on_response_complete: ["self"],
    HttpToolsProtocol.send_400_response: ["self", "msg"],
    HttpToolsProtocol.shutdown: ["self"],
    Server.__init__: ["self", "config"],
    Server.run: ["self", "sockets"],
    Server.handle_exit: ["self", "sig", "frame"],
    Server.shutdown: ["self", "sockets"],
}
IMPORTS = {
    "serving/protocol.py": {"uvicorn.protocols.http.httptools_impl.HttpToolsProtocol"},
    "serving/server.py": {"uvicorn.Config", "uvicorn.Server"},
}


async def app(_scope: object, _receive: object, _send: object) -> None:
    """Answers nothing."""


def new_server() -> DrainingServer:
    return DrainingServer(Config(app, **CONFIG))


@pytest.mark.parametrize(("function", "names"), SIGNATURES.items(), ids=[one.__qualname__ for one in SIGNATURES])
def test_a_function_that_is_called_or_overridden_takes_the_same_arguments(
    function: Callable[..., object], names: list[str]
) -> None:
    assert list(inspect.signature(function).parameters) == names


@pytest.mark.parametrize("own", [GuardedProtocol, DrainingServer])
def test_a_subclass_overrides_nothing_by_accident(own: type) -> None:
    (base,) = own.__bases__
    intended = {function.__name__ for function in SIGNATURES} | {"__module__", "__doc__", "__dict__", "__weakref__"}
    assert {name for name in vars(own) if hasattr(base, name)} - intended <= {"__annotations__"}


def test_a_subclass_adds_no_name_that_uvicorn_uses_on_its_instances() -> None:
    server = new_server()
    server.config.load()
    loop = asyncio.new_event_loop()
    protocol = HttpToolsProtocol(server.config, ServerState(), {}, _loop=loop)
    loop.close()
    assert set(vars(GuardedProtocol)) & set(vars(protocol)) == set()
    assert {"transport", "loop", "parser", "headers"} <= set(vars(protocol))


def test_our_parser_has_every_method_that_the_protocol_calls() -> None:
    source = inspect.getsource(inspect.getmodule(HttpToolsProtocol) or HttpToolsProtocol)
    called = set(re.findall(r"self\.parser\.(\w+)\(", source)) - {"set_dangerous_leniencies"}
    assert called == {"feed_data", "get_http_version", "get_method", "should_keep_alive", "should_upgrade"}
    assert called <= set(vars(Parser))


def test_the_protocol_calls_no_method_of_its_transport_that_ours_does_not_pass_on() -> None:
    source = inspect.getsource(inspect.getmodule(HttpToolsProtocol) or HttpToolsProtocol)
    assert set(re.findall(r"self\.transport\.(\w+)\(", source)) - {"set_protocol"} == {  # that is for WebSocket
        "close",
        "is_closing",
        "write",
    }


def test_the_server_has_the_attributes_that_are_used() -> None:
    server = Server(Config(app))
    assert (server.should_exit, server.force_exit) == (False, False)
    assert server.server_state.connections == set()
    server.config.load()
    assert issubclass(cast(Any, server.config).http_protocol_class, HttpToolsProtocol)


def imports_of_uvicorn(path: Path) -> set[str]:
    found = re.findall(r"^ *(?:from (uvicorn[\w.]*) )?import (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {f"{module}.{name}" for module, names in found for name in names.split(", ") if "uvicorn" in module + name}


def test_only_the_protocol_imports_more_of_uvicorn_than_its_documented_classes() -> None:
    package = ROOT / "cds_service"
    found = {str(path.relative_to(package)): imports_of_uvicorn(path) for path in package.rglob("*.py")}
    assert {name: names for name, names in found.items() if names} == IMPORTS


def test_the_installed_version_is_one_that_this_was_written_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (bounds,) = [Requirement(line).specifier for line in project["dependencies"] if line.startswith("uvicorn")]
    assert version("uvicorn") in bounds
    assert {bound.operator for bound in bounds} == {">=", "<"}
