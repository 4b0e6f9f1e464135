"""One command: wall time, CPU time of it and all its children, peak memory of its largest process."""

import os
import signal
import statistics
import time
from dataclasses import asdict, dataclass


class CommandFailed(Exception):
    """A measured command ended with another exit code than 0; the message holds the end of its output."""


@dataclass(frozen=True)
class Cost:
    """Seconds, seconds, bytes."""

    wall: float
    cpu: float
    peak: int

    def __add__(self, other):
        return Cost(self.wall + other.wall, self.cpu + other.cpu, max(self.peak, other.peak))


@dataclass(frozen=True)
class Result:
    """Medians over all runs. `size` is the bytes of what was made."""

    wall: float
    cpu: float
    peak: int
    size: int
    runs: int

    def as_dict(self):
        return asdict(self)


def run(command, log, env=None, cwd=None):
    """Runs a command to its end and gives its cost; its output goes to the file `log`.

    The numbers come from wait4(2), which counts every descendant that was waited for.
    """
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            if cwd is not None:
                os.chdir(cwd)
            os.execvpe(command[0], [str(word) for word in command], {**os.environ, **(env or {})})
        except OSError as error:
            os.write(2, f"{command[0]}: {error}\n".encode())
        os._exit(127)
    try:
        _, status, usage = os.wait4(pid, 0)
    except KeyboardInterrupt:
        os.kill(pid, signal.SIGTERM)
        raise
    wall = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        with open(log, encoding="utf-8", errors="replace") as file:
            tail = "".join(file.readlines()[-25:])
        raise CommandFailed(f"{' '.join(str(word) for word in command)}: exit code {code}\n{tail}")
    # ru_maxrss is in KiB on Linux (getrusage(2)).
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def medians(runs):
    """One result of many pairs of cost and size."""
    costs = [cost for cost, _ in runs]
    return Result(
        wall=statistics.median(cost.wall for cost in costs),
        cpu=statistics.median(cost.cpu for cost in costs),
        peak=int(statistics.median(cost.peak for cost in costs)),
        size=int(statistics.median(size for _, size in runs)),
        runs=len(runs),
    )


def size_of(path):
    """Bytes of a file, or of all package files in a directory."""
    if path.is_file():
        return path.stat().st_size
    suffixes = {".rpm", ".deb", ".zst"}
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and file.suffix in suffixes)
