"""Carries out a Dockerfile without an engine: each step for real, in a folder that stands for the image's root.

FROM gives a stage a folder with a Python of its own (a virtual environment in `usr/local`), COPY copies what the build
context holds by `.dockerignore`, RUN runs in a shell with absolute paths led into that folder, ENV, ARG, WORKDIR, USER,
HEALTHCHECK, ENTRYPOINT and CMD are kept. An instruction it does not know is an error: nothing is passed over.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

_ABSOLUTE = re.compile(r"(?<![\w.$}/:])/(?=(?:venv|tmp|app|src|usr|data)\b)")  # what the Dockerfile writes to


@dataclass
class Stage:
    """One stage: its folder, and what its instructions have set."""

    root: Path
    environment: dict[str, str]
    arguments: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)

    def led_in(self, text: str) -> str:
        """The text with the image's absolute paths led into the folder."""
        return _ABSOLUTE.sub(f"{self.root}/", text)

    def all_environment(self) -> dict[str, str]:
        return {name: ":".join(map(self.led_in, value.split(":"))) for name, value in self.environment.items()}

    def expanded(self, text: str) -> str:
        known = {**self.arguments, **self.environment}
        return re.sub(r"\$\{?(\w+)\}?", lambda match: known.get(match[1], ""), text)


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Each instruction and its argument, comments left out and continued lines joined."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), rest.strip()


class Build:
    """Builds an image's folder from a Dockerfile and the build context beside it."""

    def __init__(self, context: Path, work: Path, arguments: Mapping[str, str]) -> None:
        self.context, self.work, self.given = context, work, dict(arguments)
        self.globals: dict[str, str] = {}
        self.stages: list[Stage] = []
        self.names: dict[str, Stage] = {}

    @property
    def stage(self) -> Stage:
        return self.stages[-1]

    def run(self) -> Stage:
        """Every instruction in its order; the last stage is the image."""
        for word, rest in instructions((self.context / "Dockerfile").read_text(encoding="utf-8")):
            getattr(self, f"_{word.lower()}")(rest)
        return self.stage

    def _from(self, rest: str) -> None:
        image, *named = rest.split()
        assert image == "python:${PYTHON}-slim${PYTHON_DIGEST}", f"a base that is not known here: {image}"
        root = self.work / f"stage-{len(self.stages)}"
        subprocess.run([sys.executable, "-m", "venv", "--copies", root / "usr" / "local"], check=True)
        (root / "tmp").mkdir()
        self.stages.append(Stage(root, {"PATH": "/usr/local/bin:/usr/bin:/bin"}))
        if named:
            self.names[named[1]] = self.stage

    def _arg(self, rest: str) -> None:
        name, _, default = rest.partition("=")
        if not self.stages:
            self.globals[name] = self.given.get(name, default)
        else:
            self.stage.arguments[name] = self.given.get(name, default or self.globals.get(name, ""))

    def _env(self, rest: str) -> None:
        for name, value in re.findall(r"(\w+)=(\S+)", rest):
            self.stage.environment[name] = self.stage.expanded(value)

    def _workdir(self, rest: str) -> None:
        self.stage.workdir = rest
        Path(self.stage.led_in(rest)).mkdir(parents=True)

    def _copy(self, rest: str) -> None:
        words = rest.split()
        from_stage = words[0].removeprefix("--from=") if words[0].startswith("--from=") else ""
        *sources, target = words[1:] if from_stage else words
        to = Path(self.stage.led_in(target)) if target.startswith("/") else self._here() / target
        for source in sources:
            if from_stage:
                self._copy_of_stage(self.names[from_stage], source, to)
            else:
                self._copy_of_context(source, to / Path(source).name if target.endswith("/") else to)

    def _copy_of_stage(self, stage: Stage, source: str, to: Path) -> None:
        """A script names its interpreter by the stage's folder, where an image would have the same path in both."""
        shutil.copytree(stage.led_in(source), to, symlinks=True)
        for script in (to / "bin").glob("*"):
            if script.read_bytes().startswith(f"#!{stage.root}/".encode()):
                script.write_text(script.read_text().replace(str(stage.root), str(self.stage.root)))

    def _here(self) -> Path:
        return Path(self.stage.led_in(self.stage.workdir))

    def _copy_of_context(self, source: str, to: Path) -> None:
        found = [path for path in self.context.glob(f"{source}/**/*") if path.is_file()]
        files = [path for path in found or [self.context / source] if self._is_sent(path)]
        assert files, f"COPY {source}: .dockerignore leaves nothing of it"
        for path in files:
            place = to / path.relative_to(self.context / source) if found else to
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)

    def _is_sent(self, path: Path) -> bool:
        """By `.dockerignore`: the last line that matches a path, or a folder above it, decides."""
        name, sent = path.relative_to(self.context).as_posix(), True
        above = [name, *(parent.as_posix() for parent in Path(name).parents)]
        for line in (self.context / ".dockerignore").read_text(encoding="utf-8").splitlines():
            pattern = line.strip().removeprefix("!").removeprefix("**/")
            if not pattern or line.startswith("#"):
                continue
            if any(fnmatch(one, pattern) or (line[:2] == "**" and fnmatch(Path(one).name, pattern)) for one in above):
                sent = line.startswith("!")
        return sent

    def _run(self, rest: str) -> None:
        environment = {**self.stage.all_environment(), **self.stage.arguments}
        subprocess.run(["sh", "-c", self.stage.led_in(rest)], cwd=self._here(), env=environment, check=True)

    def _user(self, rest: str) -> None:
        self.stage.user = rest

    def _expose(self, rest: str) -> None:
        assert rest.isdecimal()

    def _healthcheck(self, rest: str) -> None:
        self.stage.healthcheck = json.loads(rest.partition("CMD ")[2])

    def _entrypoint(self, rest: str) -> None:
        self.stage.entrypoint = json.loads(rest)

    def _cmd(self, rest: str) -> None:
        self.stage.command = json.loads(rest)


def start(image: Stage, port: int, **environment: str) -> subprocess.Popen[bytes]:
    """What the image runs by itself, on loopback and this port, with nothing of this process's environment."""
    command = [*image.entrypoint, *image.command, "--host", "127.0.0.1", "--port", str(port)]
    return subprocess.Popen(
        [str(which(image, command[0])), *command[1:]],
        cwd=image.led_in(image.workdir),
        env={**image.all_environment(), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def which(image: Stage, name: str) -> Path:
    """Where the image's own PATH finds a program."""
    folders = [Path(one) for one in image.all_environment()["PATH"].split(os.pathsep)]
    return next(folder / name for folder in folders if (folder / name).exists())
