"""Who is measured. Each contender makes a package of an application from the same wheels, without a network, with
zstd at level 3 where it can; the floor is what no tool that installs and packs can go below."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .applications import Application
from .measure import run

LEVEL = 3


@dataclass
class Scene:
    """One application, the tools, and a folder that is emptied before every run."""

    application: Application
    tools: object
    python: object
    distribution: str
    deb_distribution: str
    folder: Path
    log: Path
    environment: dict = field(default_factory=dict)

    def measure(self, *command, cwd=None, **env):
        return run(command, self.log, {**self.environment, **env}, cwd)

    @property
    def output(self):
        return self.folder / "out"

    @property
    def offline_pip(self):
        return {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.application.wheels),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "HOME": str(self.folder),
        }


class Contender:
    """A way to make a package. `needs` names the programs; `rebuild_of` the one whose result it reuses."""

    name = ""
    title = ""
    needs = ()

    def prepare(self, scene):
        """What is not measured, before every run."""

    def build(self, scene):
        """The measured part; gives its cost and leaves the package in `scene.output`."""
        raise NotImplementedError


class Floor(Contender):
    """`uv venv`, `uv pip install --compile-bytecode`, `tar | zstd -3 -T0`."""

    name = "floor"
    title = "floor: uv install + bytecode, tar | zstd"
    needs = ("uv", "tar", "zstd")
    bytecode = ("--compile-bytecode",)

    def wheel(self, scene):
        return scene.application.wheel

    def build(self, scene):
        tree = scene.folder / "tree" / "opt" / scene.application.name
        cost = scene.measure(scene.tools.uv, "venv", "--quiet", "--python", scene.python.program, tree)
        cost += scene.measure(
            scene.tools.uv, "pip", "install", "--quiet", "--offline", "--no-index", *self.bytecode,
            "--find-links", scene.application.wheels, "--python", tree / "bin/python", self.wheel(scene),
        )  # fmt: skip
        archive = scene.output / "tree.tar.zst"
        return cost + scene.measure(
            "sh", "-c", 'tar -C "$1" -c . | zstd -q -$3 -T0 -o "$2"', "sh", scene.folder / "tree", archive, LEVEL
        )


class FloorOfRebuild(Floor):
    """The same without bytecode, for the rebuild after an edit."""

    name = "floor-rebuild"
    title = "floor of a rebuild: uv install, tar | zstd"
    bytecode = ()

    def wheel(self, scene):
        return scene.application.edited


class Omnipack(Contender):
    """The first build: the cache has the wheels, but no bytecode."""

    name = "omnipack"
    title = "omnipack, first build"
    needs = ("omnipack",)

    def wheel(self, scene):
        return scene.application.wheel

    def distribution(self, scene):
        return scene.distribution

    def command(self, scene, wheel, cache, bytecode, output):
        config = scene.folder / f"omnipack-{bytecode}.toml"
        config.write_text(
            f"[package]\ncompression = \"zstd:{LEVEL}\"\n"
            f"[python]\nversion = \"{scene.python.series}\"\nbytecode = \"{bytecode}\"\nno-index = true\n"
            f"find-links = [{json.dumps(str(scene.application.wheels))}]\n"
        )
        return [
            scene.tools.omnipack, "--distribution", self.distribution(scene), "--config", config, "--cache-dir", cache,
            "--uv", scene.tools.uv, "--python", scene.python.program, "--destination-path", output, wheel,
        ]  # fmt: skip

    def prepare(self, scene):
        """A cache that has seen the wheels and compiled none of them."""
        warm = scene.folder.parent / f"warm-cache-{self.distribution(scene)}"
        if not warm.exists():
            # omnipack makes it only when it has something to keep.
            warm.mkdir(parents=True)
            spare = scene.folder / "spare"
            for wheel in (scene.application.wheel, scene.application.edited):
                scene.measure(*self.command(scene, wheel, warm, "none", spare))
            shutil.rmtree(spare)
        shutil.copytree(warm, self.cache(scene), symlinks=True)

    def cache(self, scene):
        return scene.folder / "cache"

    def build(self, scene):
        return scene.measure(*self.command(scene, self.wheel(scene), self.cache(scene), "build", scene.output))


class OmnipackRebuild(Omnipack):
    """After an edit of the application's own code: the cache has the bytecode of all other wheels."""

    name = "omnipack-rebuild"
    title = "omnipack, rebuild after an edit"

    def wheel(self, scene):
        return scene.application.edited

    def prepare(self, scene):
        super().prepare(scene)
        spare = scene.folder / "spare"
        first = scene.application.wheel
        scene.measure(*self.command(scene, first, self.cache(scene), "build", spare))
        shutil.rmtree(spare)


class OmnipackDeb(Omnipack):
    """The same for a distribution with Debian packages."""

    name = "omnipack-deb"
    title = "omnipack, first build (deb)"

    def distribution(self, scene):
        return scene.deb_distribution


class OmnipackDebRebuild(OmnipackRebuild):
    name = "omnipack-deb-rebuild"
    title = "omnipack, rebuild after an edit (deb)"

    def distribution(self, scene):
        return scene.deb_distribution


class Rpmbuild(Contender):
    """A careful hand-written spec: bytecode for the final path, no buildroot in shebangs, no strip, no build ids."""

    name = "rpmbuild"
    title = "rpmbuild, hand-written spec (pip)"
    needs = ("rpmbuild",)

    def prepare(self, scene):
        application = scene.application
        prefix = f"/opt/{application.name}"
        (scene.folder / "app.spec").write_text(
            f"""%global _build_id_links none
%global __os_install_post %{{nil}}
%global debug_package %{{nil}}
%global __provides_exclude_from ^{prefix}/.*$
%global __requires_exclude_from ^{prefix}/.*$
%global _binary_payload w{LEVEL}T0.zstdio
Name: {application.name}
Version: {application.version}
Release: 1
Summary: Benchmark
License: none
%description
Benchmark
%install
{scene.python.program} -m venv %{{buildroot}}{prefix}
%{{buildroot}}{prefix}/bin/python -m pip install --quiet --no-index --no-compile \\
    --find-links {application.wheels} {application.wheel}
%{{buildroot}}{prefix}/bin/python -m compileall -q -j0 --invalidation-mode unchecked-hash \\
    -s %{{buildroot}} %{{buildroot}}{prefix}/lib || :
grep -rIl %{{buildroot}} %{{buildroot}}{prefix} | xargs -r sed -i 's#%{{buildroot}}##g'
%files
{prefix}
"""
        )

    def build(self, scene):
        top = scene.folder / "rpmbuild"
        return scene.measure(
            "rpmbuild", "--quiet", "--define", f"_topdir {top}", "--define", f"_rpmdir {scene.output}", "-bb",
            scene.folder / "app.spec", **scene.offline_pip,
        )  # fmt: skip


class PackedTree(Contender):
    """Packs a tree that is already installed."""

    def prepare(self, scene):
        floor = Floor()
        floor.build(scene)
        shutil.rmtree(scene.output)
        scene.output.mkdir()


class DpkgDeb(PackedTree):
    """What every other tool for Debian packages ends with."""

    name = "dpkg-deb"
    title = "dpkg-deb --build, packing only (deb)"
    needs = ("dpkg-deb",)

    def prepare(self, scene):
        super().prepare(scene)
        control = scene.folder / "tree" / "DEBIAN" / "control"
        control.parent.mkdir()
        control.write_text(
            f"Package: {scene.application.name}\nVersion: {scene.application.version}-1\nArchitecture: amd64\n"
            "Maintainer: A <a@example.org>\nDescription: benchmark\n Benchmark.\n"
        )

    def build(self, scene):
        return scene.measure(
            "dpkg-deb", "--root-owner-group", "-Zzstd", f"-z{LEVEL}", "--build", scene.folder / "tree", scene.output
        )


class Nfpm(PackedTree):
    name = "nfpm"
    title = "nfpm, packing only (rpm)"
    needs = ("nfpm",)
    format = "rpm"

    def prepare(self, scene):
        super().prepare(scene)
        contents = [{"src": str(scene.folder / "tree/opt"), "dst": "/opt", "type": "tree"}]
        config = {
            "name": scene.application.name, "version": scene.application.version, "arch": "amd64",
            "maintainer": "benchmark", "description": "benchmark", "contents": contents,
            "rpm": {"compression": f"zstd:{LEVEL}"}, "deb": {"compression": "zstd"},
        }  # fmt: skip
        (scene.folder / "nfpm.json").write_text(json.dumps(config))

    def build(self, scene):
        config = scene.folder / "nfpm.json"
        return scene.measure(scene.tools.nfpm, "package", "-p", self.format, "-f", config, "-t", scene.output)


class NfpmDeb(Nfpm):
    """Its level of zstd cannot be chosen."""

    name = "nfpm-deb"
    title = "nfpm, packing only (deb)"
    format = "deb"


class FpmDirectory(PackedTree):
    name = "fpm-dir"
    title = "fpm -s dir, packing only (rpm)"
    needs = ("fpm", "rpmbuild")

    def build(self, scene):
        return scene.measure(
            "fpm", "-s", "dir", "-t", "rpm", "-n", scene.application.name, "-v", scene.application.version,
            "-C", scene.folder / "tree", "--rpm-compression", "zstd", "--rpm-compression-level", LEVEL,
            "-p", scene.output, ".",
        )  # fmt: skip


class FpmVirtualenv(Contender):
    name = "fpm"
    title = "fpm -s virtualenv (rpm)"
    needs = ("fpm", "rpmbuild", "virtualenv")
    format = "rpm"
    compression = ("--rpm-compression", "zstd", "--rpm-compression-level", LEVEL)

    def build(self, scene):
        application = scene.application
        return scene.measure(
            "fpm", "-s", "virtualenv", "-t", self.format, "-n", application.name, "-v", application.version,
            "--virtualenv-install-location", "/opt", "--virtualenv-find-links", application.wheels,
            *self.compression, "-p", scene.output, f"{application.name}=={application.version}", **scene.offline_pip,
        )  # fmt: skip


class FpmVirtualenvDeb(FpmVirtualenv):
    """Its zstd has a negative level, so gzip at the level that is nearest in effort."""

    name = "fpm-deb"
    title = "fpm -s virtualenv (deb)"
    needs = ("fpm", "virtualenv")
    format = "deb"
    compression = ("--deb-compression", "gz", "--deb-compression-level", "1")


class Rpmvenv(Contender):
    name = "rpmvenv"
    title = "rpmvenv (pip, rpmbuild)"
    needs = ("rpmvenv", "rpmbuild")

    def prepare(self, scene):
        application = scene.application
        source = scene.folder / "source"
        source.mkdir()
        (source / "requirements.txt").write_text(f"{application.name}=={application.version}\n")
        # rpmvenv passes no macro on; its rpmbuild reads this file.
        (scene.folder / ".rpmmacros").write_text(
            f"%_binary_payload w{LEVEL}T0.zstdio\n%_build_id_links none\n"
        )
        config = {
            "extensions": {"enabled": ["python_venv", "blocks"]},
            "blocks": {"desc": ["Benchmark"]},
            "core": {
                "group": "Application/System", "license": "none", "name": application.name, "release": "1",
                "source": ".", "summary": "Benchmark", "version": application.version,
            },
            "python_venv": {
                "cmd": f"{scene.python.program} -m venv", "flags": ["--copies"], "name": application.name,
                "path": "/opt", "requirements": ["requirements.txt"], "require_setup_py": False,
                "strip_binaries": False,
            },
        }  # fmt: skip
        (source / "rpmvenv.json").write_text(json.dumps(config))

    def build(self, scene):
        path = f"{Path(scene.tools.rpmvenv).parent}:{scene.environment['PATH']}"
        source = scene.folder / "source"
        return scene.measure(
            scene.tools.rpmvenv, source / "rpmvenv.json", "--source", source, "--destination", scene.output,
            cwd=source, PATH=path, TMPDIR=str(scene.folder), **scene.offline_pip,
        )  # fmt: skip


class DhVirtualenv(Contender):
    name = "dh-virtualenv"
    title = "dh-virtualenv (pip, deb)"
    needs = ("dh_virtualenv", "dpkg-buildpackage")

    def prepare(self, scene):
        application = scene.application
        # dpkg-buildpackage leaves the package beside the source.
        source = scene.output / "source"
        debian = source / "debian"
        debian.mkdir(parents=True)
        (source / "requirements.txt").write_text(f"{application.name}=={application.version}\n")
        (debian / "compat").write_text("12\n")
        (debian / "changelog").write_text(
            f"{application.name} ({application.version}) unstable; urgency=low\n\n  * Benchmark.\n\n"
            " -- A <a@example.org>  Wed, 01 Jan 2020 00:00:00 +0000\n"
        )
        (debian / "control").write_text(
            f"Source: {application.name}\nSection: admin\nPriority: optional\nMaintainer: A <a@example.org>\n"
            f"Standards-Version: 4.6.2\n\nPackage: {application.name}\nArchitecture: amd64\n"
            "Description: benchmark\n Benchmark.\n"
        )
        rules = debian / "rules"
        rules.write_text(
            "#!/usr/bin/make -f\nexport DH_VIRTUALENV_INSTALL_ROOT=/opt\n%:\n\tdh $@ --with python-virtualenv\n"
            "override_dh_auto_clean override_dh_auto_build override_dh_auto_install override_dh_auto_test:\n"
            "override_dh_virtualenv:\n\tdh_virtualenv --builtin-venv --skip-install --python "
            f"{scene.python.program}\n"
            "override_dh_strip override_dh_shlibdeps override_dh_dwz override_dh_makeshlibs:\n"
            f"override_dh_builddeb:\n\tdh_builddeb -- -Zzstd -z{LEVEL}\n"
        )
        rules.chmod(0o755)

    def build(self, scene):
        return scene.measure(
            "dpkg-buildpackage", "-us", "-uc", "-b", "-d", cwd=scene.output / "source", **scene.offline_pip
        )


CONTENDERS = [
    contender()
    for contender in (
        Floor, Omnipack, Rpmbuild, Rpmvenv, FpmVirtualenv, Nfpm, FpmDirectory,
        OmnipackDeb, DhVirtualenv, FpmVirtualenvDeb, NfpmDeb, DpkgDeb,
        FloorOfRebuild, OmnipackRebuild, OmnipackDebRebuild,
    )
]  # fmt: skip
