"""What the unit tests' services run: each argument is a way to behave."""

import ctypes
import multiprocessing
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time


def note(name, text):
    with open(os.path.join(os.environ["STATE_DIRECTORY"], name), "a") as file:
        file.write(text + "\n")


def notify(message):
    address = os.environ["NOTIFY_SOCKET"]
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.connect(address)
        there.send(message.encode())


def stay(name):
    signal.signal(signal.SIGHUP, lambda *_: note(name, "reloaded"))
    note(name, "started " + os.environ.get("PLACE", ""))
    while True:
        time.sleep(0.1)


def watched(name):
    notify("READY=1")
    note(name, "started")
    while True:
        if not os.path.exists(os.path.join(os.environ["STATE_DIRECTORY"], "hang")):
            notify("WATCHDOG=1")
        time.sleep(0.1)


def front(name):
    note(name, "started")
    listening = socket.socket(fileno=3)
    while True:
        connection, _ = listening.accept()
        connection.sendall(str(os.getpid()).encode())
        connection.close()


def double(number):
    return number * 2


def works():
    """What applications do that a sandbox could forbid."""
    threads = [threading.Thread(target=time.sleep, args=(0,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield "threads"
    with multiprocessing.Pool(2) as pool:
        assert pool.map(double, [1, 2]) == [2, 4]
    yield "processes"
    assert subprocess.run(["/bin/echo", "x"], stdout=subprocess.PIPE).stdout == b"x\n"
    yield "programs"
    for directory in ("STATE_DIRECTORY", "LOGS_DIRECTORY", "RUNTIME_DIRECTORY"):
        place = os.path.join(os.environ[directory], "file")
        with open(place, "w"):
            pass
        os.chown(place, os.getuid(), os.getgid())
    os.setgid(os.getgid())
    os.setuid(os.getuid())
    yield "directories"
    database = sqlite3.connect(os.path.join(os.environ["STATE_DIRECTORY"], "works.db"))
    database.execute("pragma journal_mode = wal")
    database.execute("create table t (x)")
    database.commit()
    yield "sqlite"
    os.nice(1)
    os.sched_setaffinity(0, os.sched_getaffinity(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    yield "priorities"
    libc = ctypes.CDLL(None, use_errno=True)
    # set_mempolicy(MPOL_DEFAULT): what a numeric library does on a machine with several nodes. ENOSYS: no such kernel.
    assert libc.syscall(238, 0, None, 0) == 0 or ctypes.get_errno() == 38, os.strerror(ctypes.get_errno())
    assert ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7)() == 7
    yield "native"
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        socket.create_connection(listening.getsockname()).close()
    socket.getaddrinfo("127.0.0.1", 80, flags=socket.AI_ADDRCONFIG)
    assert socket.if_nameindex()
    yield "sockets"
    for path in ("/proc/meminfo", "/proc/stat", "/proc/self/stat", "/proc/loadavg", "/sys/devices/system/cpu/online"):
        with open(path) as file:
            assert file.read()
    yield "statistics"
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x")
    yield "temporary"


def main():
    kind, name = sys.argv[1], sys.argv[2]
    if kind == "job":
        note(name, "ran")
    elif kind == "works":
        for what in works():
            note(name, what)
    elif kind == "fail":
        note(name, "started")
        sys.exit(1)
    else:
        {"stay": stay, "watched": watched, "front": front}[kind](name)
