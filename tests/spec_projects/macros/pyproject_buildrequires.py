"""What %pyproject_buildrequires prints, written for the tests: what the build backend needs, and what the application
requires when it is installed, as rpm's own generator says it.
"""
import pathlib
import subprocess
import sys
import tempfile

import build
import build.util
from pyproject_hooks import quiet_subprocess_runner

GENERATOR = "/usr/lib/rpm/pythondistdeps.py"

builder = build.ProjectBuilder(".", runner=quiet_subprocess_runner)
requirements = set(builder.build_system_requires) | set(builder.get_requires_for_build("wheel"))
metadata = build.util.project_wheel_metadata(".", isolated=False)
requirements.update(metadata.get_all("Requires-Dist") or [])

with tempfile.TemporaryDirectory() as root:
    site = pathlib.Path(root, "usr/lib/python%d.%d/site-packages" % sys.version_info[:2])
    info = site / "building-1.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", "Name: building", "Version: 1"]
    lines += ["Requires-Dist: " + requirement for requirement in sorted(requirements)]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    found = subprocess.run([GENERATOR, "--requires", "--normalized-names-format", "pep503", str(info)], check=True, capture_output=True, text=True).stdout
print("\n".join(line for line in found.splitlines() if not line.startswith("python(abi)")))
