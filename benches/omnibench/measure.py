"""One command: wall time, CPU time of it and all its children, peak memory of all of them together."""

import os
import signal
import statistics
import threading
import time
from dataclasses import asdict, dataclass

# Seconds between two looks at the memory. Each costs a fraction of a millisecond for each process.
INTERVAL = 0.03


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

    The times come from wait4(2), which counts every descendant that was waited for. The peak is that of all processes
    together, each with its share of common pages, looked at while they run; and at least that of the largest one, which
    wait4(2) knows exactly.
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
    watch = Watch(pid)
    watch.start()
    try:
        _, status, usage = os.wait4(pid, 0)
    except KeyboardInterrupt:
        os.kill(pid, signal.SIGTERM)
        raise
    finally:
        watch.ended.set()
    wall = time.monotonic() - start
    watch.join()
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        with open(log, encoding="utf-8", errors="replace") as file:
            tail = "".join(file.readlines()[-25:])
        raise CommandFailed(f"{' '.join(str(word) for word in command)}: exit code {code}\n{tail}")
    # ru_maxrss is in KiB on Linux (getrusage(2)).
    return Cost(wall, usage.ru_utime + usage.ru_stime, max(watch.peak, usage.ru_maxrss * 1024))


class Watch(threading.Thread):
    """Looks again and again at what a process and its descendants hold in memory."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(INTERVAL):
            self.peak = max(self.peak, sum(proportional_size(pid) for pid in tree(self.pid)))


def tree(pid):
    """The process and its descendants (proc(5), `children`)."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as file:
                    found.extend(int(child) for child in file.read().split())
        except OSError:
            # It has just ended.
            continue
    return found


def proportional_size(pid):
    """Resident bytes; of pages that several processes share, its part (proc(5), `Pss`)."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


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
