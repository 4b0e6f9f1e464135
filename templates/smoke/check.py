"""Waits until a service works: `python -I -B -c THIS SPECIFICATION`, where the specification is the check of the
service in JSON. Ends with 0 when it holds, with 1 and the last reason when the time is over. Python 3.6 or newer."""
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection is an answer, too."""

    def redirect_request(self, *_):
        return None


def http_answer(check, seconds):
    # No proxy: the service is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
    try:
        with opener.open(check["http"], timeout=seconds) as answer:
            status = answer.getcode()
    except urllib.error.HTTPError as error:
        status = error.code
    wanted = check.get("status")
    if status != wanted if wanted else not 200 <= status < 400:
        return "{} was answered with {}, not {}".format(check["http"], status, wanted or "200 to 399")


def tcp_connection(check, seconds):
    host, _, port = check["tcp"].rpartition(":")
    try:
        socket.create_connection((host.strip("[]") or "127.0.0.1", int(port)), seconds).close()
    except OSError as error:
        return "no connection to {}: {}".format(check["tcp"], error)


def command_result(check, seconds):
    surroundings = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **check.get("environment", {}))
    done = subprocess.run(
        check["command"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        env=surroundings,
        preexec_fn=account(check["user"]),
    )
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip()
        return "{} ended with {}\n{}".format(" ".join(check["command"]), done.returncode, said)


def account(name):
    """Becomes the account that the service runs as."""
    import pwd

    entry = pwd.getpwnam(name)

    def become():
        os.chdir("/")
        os.initgroups(name, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)

    return become


def main(check):
    probe = http_answer if "http" in check else tcp_connection if "tcp" in check else command_result
    end = time.monotonic() + check["timeout"]
    while True:
        left = end - time.monotonic()
        try:
            reason = probe(check, max(1, min(left, 10)))
        except (OSError, http.client.HTTPException, subprocess.TimeoutExpired, KeyError, ValueError) as error:
            reason = "{}: {}".format(type(error).__name__, error)
        if not reason:
            return 0
        if left <= 0.2:
            print("not within {} seconds: {}".format(check["timeout"], reason))
            return 1
        time.sleep(min(0.2, left))


sys.exit(main(json.loads(sys.argv[1])))
