"""The programs that are measured: those on PATH, and those that the Python package index has."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .applications import REPOSITORY


@dataclass(frozen=True)
class Interpreter:
    series: str
    program: str

    @classmethod
    def find(cls, series):
        program = shutil.which(f"python{series}")
        if program is None:
            sys.exit(f"benches/run: no python{series} on PATH; name another series with --python")
        # A version manager's shim would cost every contender its start-up time.
        real = subprocess.run([program, "-c", "import sys; print(sys.executable)"], check=True, capture_output=True)
        return cls(series, real.stdout.decode().strip())


class Tools:
    """`tools.uv` and so on: paths of programs. `why_not(name)` says why one cannot be had."""

    FROM_INDEX = ("uv", "nfpm", "rpmvenv", "virtualenv")

    def __init__(self, work, omnipack):
        self.folder = work / "tools"
        self.found = {"omnipack": omnipack or str(REPOSITORY / "target/release/omnipack")}
        self.reasons = {}
        if not self.folder.exists():
            subprocess.run([sys.executable, "-m", "venv", self.folder], check=True)

    def why_not(self, name):
        """None if the program is there, after an attempt to install it."""
        if name in self.reasons:
            return self.reasons[name]
        reason = None
        if name not in self.found:
            path = self._look_for(name)
            if path is None and name in self.FROM_INDEX:
                pip = [self.folder / "bin/python", "-m", "pip", "install", "--quiet", name]
                subprocess.run(pip, capture_output=True, check=False)
                path = self._look_for(name)
            if path is None:
                reason = f"{name} is not installed"
            else:
                self.found[name] = path
        elif not os.access(self.found[name], os.X_OK):
            reason = f"{self.found[name]} is missing (cargo build --release)"
        self.reasons[name] = reason
        return reason

    def _look_for(self, name):
        own = self.folder / "bin" / name
        return str(own) if Path(own).exists() else shutil.which(name)

    def __getattr__(self, name):
        if self.why_not(name) is not None:
            raise FileNotFoundError(self.why_not(name))
        return self.found[name]
