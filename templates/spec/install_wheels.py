# -*- coding: utf-8 -*-
"""Installs wheels into the application's own directory, as the binary distribution format has it
(https://packaging.python.org/specifications/binary-distribution-format/): BUILDROOT PREFIX WHEEL...

Python's own modules are all it needs, from 3.3 on. The package manager keeps the list of files, so that there is no RECORD.
"""
import os
import sys
import zipfile

BUILDROOT, PREFIX = sys.argv[1:3]
SERIES = "python%d.%d" % sys.version_info[:2]
SITE_PACKAGES = os.path.join(PREFIX, "lib", SERIES, "site-packages")
PYTHON = os.path.join(PREFIX, "bin", "python")
LEFT_OUT = ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json")
LAUNCHER = """#!{python}
# -*- coding: utf-8 -*-
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({function}())
"""


def place(name, distribution):
    """Where a member of a wheel lies, and what scheme it is of."""
    schemes = {
        "purelib": SITE_PACKAGES,
        "platlib": SITE_PACKAGES,
        "scripts": os.path.join(PREFIX, "bin"),
        "headers": os.path.join(PREFIX, "include", "site", SERIES, distribution),
        "data": PREFIX,
    }
    top, _, below = name.partition("/")
    scheme, base, rest = "purelib", SITE_PACKAGES, name
    if top.endswith(".data"):
        scheme, _, rest = below.partition("/")
        if scheme not in schemes:
            sys.exit("%s: there is no place for it" % name)
        base = schemes[scheme]
    path = os.path.normpath(os.path.join(base, rest))
    if not path.startswith(os.path.join(PREFIX, "")):
        sys.exit("%s: it leads out of %s" % (name, PREFIX))
    return scheme, path


def write(path, content, executable):
    path = BUILDROOT + path
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        os.makedirs(directory)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, 0o755 if executable else 0o644)


def scripts(text):
    """Name, module and function of each console and GUI script."""
    wanted = False
    for line in text.splitlines():
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            wanted = line[1:-1].strip() in ("console_scripts", "gui_scripts")
        elif wanted:
            name, _, target = line.partition("=")
            module, _, function = target.partition("[")[0].partition(":")
            yield name.strip(), module.strip(), function.strip()


def install(wheel):
    distribution = os.path.basename(wheel).split("-")[0]
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            name = member.filename
            top, _, below = name.partition("/")
            if name.endswith("/") or (top.endswith(".dist-info") and below in LEFT_OUT):
                continue
            scheme, path = place(name, distribution)
            content = archive.read(member)
            if scheme == "scripts" and content.startswith(b"#!python"):
                content = b"#!" + PYTHON.encode() + b"\n" + content.partition(b"\n")[2]
            write(path, content, scheme == "scripts" or member.external_attr >> 16 & 0o111)
            if top.endswith(".dist-info") and below == "WHEEL":
                write(place(top + "/INSTALLER", distribution)[1], b"rpm\n", False)
            if top.endswith(".dist-info") and below == "entry_points.txt":
                for script, module, function in scripts(content.decode("utf-8-sig")):
                    text = LAUNCHER.format(
                        python=PYTHON, module=module, name=function.split(".")[0], function=function
                    )
                    write(os.path.join(PREFIX, "bin", script), text.encode("utf-8"), True)


for wheel in sys.argv[3:]:
    install(wheel)
