"""Runs pythondistdeps.py as rpmbuild does, for many applications in one process.

Reads lines of JSON, each a list of requirements, and answers each with a line of JSON: the relations, or null where the
script gives up. `packaging`, where there is none, is the copy inside pip.
"""
import contextlib
import io
import json
import os
import runpy
import sys
import tempfile

try:
    import packaging.requirements
except ImportError:
    import pip._vendor.packaging
    import pip._vendor.packaging.markers
    import pip._vendor.packaging.requirements
    import pip._vendor.packaging.version

    for name, module in list(sys.modules.items()):
        if name.startswith("pip._vendor.packaging"):
            sys.modules[name[len("pip._vendor."):]] = module

SCRIPT = sys.argv[1]
ARGUMENTS = ["--requires", "--normalized-names-format", "pep503", "--package-name", "app", "--require-extras-subpackages"]


def relations(requirements, root):
    metadata = os.path.join(root, "usr/lib/python3.11/site-packages/app-1.0.dist-info")
    os.makedirs(metadata, exist_ok=True)
    with open(os.path.join(metadata, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\nName: app\nVersion: 1.0\n")
        file.writelines("Requires-Dist: %s\n" % requirement for requirement in requirements)
    sys.argv = [SCRIPT] + ARGUMENTS + [metadata]
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            runpy.run_path(SCRIPT, run_name="__main__")
    except (Exception, SystemExit):
        return None
    return [line for line in output.getvalue().splitlines() if not line.startswith("python(abi)")]


with tempfile.TemporaryDirectory() as root:
    for line in sys.stdin:
        print(json.dumps(relations(json.loads(line), root)), flush=True)
