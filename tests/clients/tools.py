"""The tools of other languages that the runs need, and programs built with them.

A test whose tool the machine lacks is skipped, and fails where CI is set. What is built lies in `build` folders beside
the sources, made by one worker and used by all.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from keyless.launcher.isolation.namespaces import make_namespaces
from keyless.model.errors import KeylessError

#: What building may take where nothing is in the tools' caches yet, on a busy machine.
BUILD_SECONDS = 900


def lacking(what: str) -> NoReturn:
    """Skip the test: the machine lacks `what`. A machine of CI must not."""
    if os.environ.get("CI"):
        pytest.fail(f"needed here: {what}")
    pytest.skip(f"needs {what}")


def need_namespaces() -> None:
    """Skip the test where the kernel, or what is around us, allows no namespaces: nothing can be installed for it."""
    try:
        made = make_namespaces()
    except KeylessError as error:
        pytest.skip(error.message)
    made.release()
    made.close()


def needed(command: str, what: str) -> str:
    """The path of a command, or the test is skipped."""
    return shutil.which(command) or lacking(what)


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """One worker at a time: they take turns by a file."""
    with file.open("rb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def make_once(stamp: Path, sources: Sequence[Path], make: Callable[[], None]) -> None:
    """Make what `stamp` lies in, unless another worker or an earlier run made it from these very sources."""
    with alone(sources[0]):
        wanted = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            make()
            stamp.write_text(wanted)


def succeed(command: Sequence[str], folder: Path) -> None:
    """Run a command that builds."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def go_program(module: Path) -> Path:
    """The program of a Go module, built: Go's own cache tells whether anything has to be done."""
    wanted = re.findall(r"^go (\d+)\.(\d+)", (module / "go.mod").read_text(), re.MULTILINE)[0]
    what = f"Go {'.'.join(wanted)} or newer"
    go = needed("go", what)
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60, check=True).stdout
    version = re.match(r"go(\d+)\.(\d+)", said)
    if not version or tuple(map(int, version.groups())) < tuple(map(int, wanted)):
        lacking(what)
    program = module / "build" / module.name
    with alone(module / "main.go"):  # go itself locks go.mod
        succeed([go, "build", "-mod=readonly", "-o", str(program), "."], module)
    return program


def npm_packages(folder: Path) -> Path:
    """`node_modules` of a folder, at the versions of its `package-lock.json`."""
    npm, installed = needed("npm", "npm"), folder / "node_modules"
    make_once(installed / ".installed", [folder / "package-lock.json"], lambda: succeed([npm, "ci"], folder))
    return installed


def java_classpath(project: Path) -> str:
    """A Maven project's classes, compiled, and the libraries that they need."""
    needed("javac", "a Java compiler")
    maven, build = [needed("mvn", "Maven"), "--quiet", "--batch-mode"], project / "build"

    def compile() -> None:
        offline = subprocess.run([*maven, "--offline", "compile"], cwd=project, capture_output=True, check=False)
        if offline.returncode != 0:
            succeed([*maven, "compile"], project)

    make_once(build / ".compiled", [project / "pom.xml", *sorted((project / "src").glob("*.java"))], compile)
    return f"{build / 'classes'}:{build / 'libraries'}/*"


def java_command(project: Path, work: str) -> list[str | Path]:
    """The command that does a work of a Maven project's `Main`, by its name."""
    program, classpath = needed("java", "Java 17 or newer"), java_classpath(project)
    return [program, "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", classpath, "Main", work]


def azmcp_program(folder: Path) -> Path:
    """A program that has the official libraries for .NET in it, as its makers release it in a package for npm."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        lacking("Linux on x86-64")
    return npm_packages(folder) / "@azure" / "mcp-linux-x64" / "dist" / "azmcp"


def sqlclient_service(folder: Path) -> list[str | Path]:
    """A service that has SqlClient for .NET and its runtime in it, and the OpenSSL 1.1 that this wants.

    Both are parts of wheels, at the versions of the folder's `requirements.txt`; neither is installed.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        lacking("Linux on x86-64")
    build = folder / "build"
    libraries = build / "libraries"

    def fetch() -> None:
        shutil.rmtree(build, ignore_errors=True)
        libraries.mkdir(parents=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        which = ["--only-binary", ":all:", "--python-version", "3.10", "--platform", "manylinux2014_x86_64"]
        which += ["--platform", "manylinux1_x86_64", "--requirement", str(folder / "requirements.txt")]
        succeed([*pip, *which, "--dest", str(build)], folder)
        for wheel in build.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(build)
            wheel.unlink()
        for library in build.glob("*.libs/lib*-*.so.1.1*"):
            name = library.name.split("-")[0]
            if name in {"libssl", "libcrypto"}:
                shutil.copy(library, libraries)
                (libraries / f"{name}.so.1.1").symlink_to(library.name)

    make_once(build / ".fetched", [folder / "requirements.txt"], fetch)
    service = build / "mssqlcli" / "mssqltoolsservice" / "bin" / "MicrosoftSqlToolsServiceLayer"
    service.chmod(0o755)
    return [service, libraries]


def az_program(folder: Path) -> Path:
    """`az`, at the version of the folder's `requirements.txt`, in an environment of its own: the pins clash."""
    environment = folder / "build" / "venv"
    wanted = folder / "requirements.txt"

    def install() -> None:
        venv.create(environment, clear=True, with_pip=True)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        succeed([*pip, "install", "--quiet", "--requirement", str(wanted)], folder)

    make_once(environment / ".installed", [wanted], install)
    return environment / "bin" / "az"
