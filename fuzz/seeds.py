#!/usr/bin/env python3
"""Writes small valid inputs for every target into fuzz/corpus. Needs Python 3.8 and, for the RPM, cargo.

The native objects are the smallest shared libraries of this machine.
"""

import base64
import bz2
import gzip
import hashlib
import io
import lzma
import pathlib
import struct
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
INFO = "demo-1.0.dist-info"
METADATA = """Metadata-Version: 2.4
Name: demo
Version: 1.0
Summary: A demo
Author-email: A Person <a@example.org>
License-Expression: MIT
Classifier: License :: OSI Approved :: MIT License
Project-URL: Homepage, https://example.org/
Requires-Python: >=3.6
Requires-Dist: other[extra]>=1; python_version < "3.10" and extra == "all"
Provides-Extra: all

A description.
"""
ENTRY_POINTS = "[console_scripts]\ndemo = demo.main:run [all]\n\n[gui_scripts]\ndemo-gui=demo:gui\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def put(target, name, content):
    directory = CORPUS / target
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(content.encode() if isinstance(content, str) else content)


def wheel(path, members, method=zipfile.ZIP_DEFLATED):
    members = dict(members)
    members.update({f"{INFO}/METADATA": METADATA, f"{INFO}/WHEEL": WHEEL, f"{INFO}/entry_points.txt": ENTRY_POINTS})
    record = ""
    for name, text in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text.encode())}\n"
    members[f"{INFO}/RECORD"] = record + f"{INFO}/RECORD,,\n"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in members.items():
            member = zipfile.ZipInfo(name)
            member.compress_type = method
            member.external_attr = (0o120777 if name == "demo/link" else 0o100755 if "scripts/" in name else 0o100644) << 16
            archive.writestr(member, text)
    return path


def elf_of_this_machine():
    directories = [sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("DESTSHARED"), "/usr/lib64"]
    directories += [str(path) for path in pathlib.Path("/usr/lib").glob("*-linux-gnu")]
    files = [path for name in directories if name for path in pathlib.Path(name).glob("*.so*") if path.is_file()]
    small = sorted((path.stat().st_size, str(path)) for path in files)
    found = [pathlib.Path(name).read_bytes() for size, name in small if size > 1000][:40]
    return [content for content in found if content.startswith(b"\x7fELF")][:5]


def smallest_elf():
    """A 64-bit object with one PT_LOAD, one PT_DYNAMIC, two needed libraries, one of them with a symbol version."""
    strings = b"\0libc.so.6\0GLIBC_2.17\0libz.so.1\0$ORIGIN/../lib\0"
    at = {name: strings.index(name) for name in [b"libc.so.6", b"GLIBC_2.17", b"libz.so.1", b"$ORIGIN"]}
    strings_at, need_at, dynamic_at = 0x100, 0x180, 0x200
    need = struct.pack("<HHIII", 1, 1, at[b"libc.so.6"], 16, 0)
    need += struct.pack("<IHHII", 0x6969197, 0, 2, at[b"GLIBC_2.17"], 0)
    entries = [(1, at[b"libc.so.6"]), (1, at[b"libz.so.1"]), (29, at[b"$ORIGIN"]), (5, strings_at), (10, len(strings))]
    entries += [(0x6FFFFFFE, need_at), (0x6FFFFFFF, 1), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", tag, value) for tag, value in entries)
    size = dynamic_at + len(dynamic)
    header = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    header += struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096)
    header += struct.pack("<IIQQQQQQ", 2, 6, dynamic_at, dynamic_at, 0, len(dynamic), len(dynamic), 8)
    content = bytearray(size)
    for offset, part in [(0, header), (strings_at, strings), (need_at, need), (dynamic_at, dynamic)]:
        content[offset : offset + len(part)] = part
    return bytes(content)


def ar(members):
    content = b"!<arch>\n"
    for name, data in members:
        content += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return content


def tree(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, value in members.items():
            member = tarfile.TarInfo(name)
            member.uname = member.gname = "root"
            if isinstance(value, str):
                member.size = len(value.encode())
            else:
                member.type, member.linkname = value
            tar.addfile(member, io.BytesIO(value.encode()) if isinstance(value, str) else None)
    return stream.getvalue()


def debs():
    control = tree({
        "./control": "Package: demo\nVersion: 1:2.0-1\nArchitecture: all\nMaintainer: A <a@b.c>\nDepends: a (>= 1) | b,\n c\n"
        "Description: A demo\n Text\n .\n more\n",
        "./postinst": "#!/bin/sh\nexit 0\n", "./conffiles": "/etc/demo\nremove-on-upgrade /etc/old\n",
        "./triggers": "interest-noawait /usr/lib/demo\n", "./md5sums": "d41d8cd98f00b204e9800998ecf8427e  opt/demo\n",
    })
    data = tree({
        "./": (tarfile.DIRTYPE, ""), "./etc/demo": "a", "./opt/demo": "", "./opt/link": (tarfile.SYMTYPE, "demo"),
        "./opt/hard": (tarfile.LNKTYPE, "./opt/demo"), "./opt/" + "long/" * 40: (tarfile.DIRTYPE, ""),
        "./usr/share/doc/demo/copyright": "Format: x\n\nFiles: *\nLicense: MIT\n",
        "./usr/share/doc/demo/changelog": "demo (2.0-1) x; urgency=low\n\n  * A.\n\n -- A <a@b.c>  Tue, 02 Jan 2024 03:04:05 +0000\n",
        "./opt/lib/site-packages/demo-1.0.dist-info/RECORD": "demo/__init__.py,,\n../../bin/demo,,\n",
        "./opt/lib/site-packages/demo/__pycache__/a.cpython-311.pyc": "x",
    })
    for suffix, pack in [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)]:
        members = [("debian-binary", b"2.0\n"), (f"control.tar{suffix}", pack(control)), (f"data.tar{suffix}", pack(data))]
        put("deb", f"demo{suffix}", ar(members))


def main():
    root = HERE.parent
    members = {
        "demo/__init__.py": "", "demo/main.py": "def run():\n    pass\n", "demo/data \u00e9.txt": "x" * 300, "demo/link": "main.py",
        "demo-1.0.data/scripts/tool": "#!python -I\nprint()\n", "demo-1.0.data/data/share/demo.txt": "data",
        "demo-1.0.data/headers/demo.h": "#define DEMO\n",
    }
    for name, chosen in [("all", members), ("one", {"demo.py": ""})]:
        for kind, method in [("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)]:
            put("wheel", f"{name}-{kind}", wheel(pathlib.Path(tempfile.mkstemp()[1]), chosen, method).read_bytes())
    put("wheel_members", "text", METADATA + WHEEL + ENTRY_POINTS)
    put("metadata", "both", METADATA + "\0" + ENTRY_POINTS)
    put("metadata", "old", "Metadata-Version: 1.0\nName: demo\nVersion: 1.0rc1.post2.dev3+local\nLicense: UNKNOWN\n")
    for path in sorted((root / "fixtures").glob("**/omnipack.toml")):
        put("config", "-".join(path.parent.relative_to(root).parts), path.read_bytes())
    put("elf", "smallest", smallest_elf())
    for number, content in enumerate(elf_of_this_machine()):
        put("elf", f"library{number}", content)
    with tempfile.TemporaryDirectory() as scratch:
        path = wheel(pathlib.Path(scratch, "demo-1.0-py3-none-any.whl"), {"demo.py": ""})
        config = pathlib.Path(scratch, "omnipack.toml")
        config.write_text('[[service]]\nname = "web"\ncommand = "demo --port 80"\nuser = "demo"\n')
        command = ["cargo", "run", "--quiet", "--", "--distribution", "centos-7", "--wheels", scratch, "-d", scratch]
        subprocess.run([*command, "--config", config, path], cwd=root, check=True, stdout=sys.stderr)
        for package in pathlib.Path(scratch).glob("*.rpm"):
            put("rpm", package.stem, package.read_bytes())
    debs()


if __name__ == "__main__":
    main()
