"""What is packaged: the fixtures, and a payload of one gigabyte. Each is a wheel and the wheels that it needs."""

import base64
import hashlib
import random
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

PAYLOAD_FILES = 20_000
PAYLOAD_BYTES = 1 << 30


@dataclass(frozen=True)
class Application:
    """`wheel` is the application's own; `edited` the same after an edit of its code; `wheels` has all it needs."""

    name: str
    version: str
    wheel: Path
    edited: Path
    wheels: Path
    project: Path


def prepare(name, work, tools, python):
    """The application of that name, made once in the folder `work`."""
    folder = work / f"{name}-{python.series}"
    wheels, edited = folder / "wheels", folder / "edited"
    project = REPOSITORY / "fixtures" / name
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        wheels.mkdir(parents=True)
        edited.mkdir()
        if name == "payload":
            write_payload(wheels, b"")
            write_payload(edited, b"# edited\n")
        else:
            build_fixture(project, folder, wheels, edited, tools, python)
        (folder / "ready").touch()
    own = next(edited.glob("*.whl"))
    return Application(
        name=own.name.split("-")[0].replace("_", "-"),
        version=own.name.split("-")[1],
        wheel=wheels / own.name,
        edited=own,
        wheels=wheels,
        project=project,
    )


def build_fixture(project, folder, wheels, edited, tools, python):
    """Builds the fixture's wheel twice, the second time after an edit, and gets the wheels of its requirements."""
    source = folder / "source"
    shutil.copytree(project, source)
    pip_wheel = [python.program, "-m", "pip", "wheel", "--quiet", "--wheel-dir"]
    subprocess.run([*pip_wheel, wheels, source], check=True)
    add_wheels_of_first_release(folder, wheels, tools, python)
    module = next(path for path in sorted(source.glob("*/__init__.py")))
    module.write_text(module.read_text() + "\nEDITED = True\n")
    subprocess.run([tools.uv, "build", "--quiet", "--wheel", "--out-dir", edited, source], check=True)


def add_wheels_of_first_release(folder, wheels, tools, python):
    """What only the series' first patch release needs: a package for other machines has to work on that one too."""
    lock = folder / "lock.txt"
    own = next(wheels.glob(f"{folder.name.split('-')[0]}*.whl"))
    compile_lock = [tools.uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    subprocess.run([*compile_lock, "--python-version", python.series, "--output-file", lock, "-"],
                   input=str(own).encode(), check=True)  # fmt: skip
    pinned = [line for line in lock.read_text().splitlines() if "==" in line]
    lock.write_text("\n".join(pinned) + "\n")
    download = [python.program, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    subprocess.run([*download, wheels, "--requirement", lock], check=True)


def write_payload(folder, first):
    """A wheel of 20,000 files, 1 GiB in all: a tenth are modules, half of each other file compresses well."""
    noise = random.Random(20_000)
    records = []
    path = folder / "payload-1.0-py3-none-any.whl"
    size = PAYLOAD_BYTES // PAYLOAD_FILES
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:

        def add(name, data):
            wheel.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 1)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            records.append(f"{name},sha256={digest},{len(data)}")

        add("payload/__init__.py", b'"""One gigabyte."""\n' + first)
        for number in range(PAYLOAD_FILES - 1):
            if number % 10 == 0:
                add(f"payload/module_{number}.py", module(number, size // 20))
            else:
                words = b"%06d " % noise.randrange(1000) * (size // 14)
                add(f"payload/data/{number % 100:02}/{number}.bin", noise.randbytes(size - len(words)) + words)
        metadata = "Metadata-Version: 2.1\nName: payload\nVersion: 1.0\nSummary: One gigabyte\n"
        add("payload-1.0.dist-info/METADATA", metadata.encode())
        add("payload-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\nGenerator: omnibench\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        record = "\n".join([*records, "payload-1.0.dist-info/RECORD,,", ""])
        wheel.writestr(zipfile.ZipInfo("payload-1.0.dist-info/RECORD", (2020, 1, 1, 0, 0, 0)), record)


def module(number, size):
    """Python source of about `size` bytes."""
    function = 'def function_{0}_{1}(value):\n    """Adds."""\n    return [value + {1}, "text {0}"]\n\n\n'
    return "".join(function.format(number, index) for index in range(max(1, size // 90))).encode()
