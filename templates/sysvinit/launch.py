import errno, fcntl, grp, os, pwd, resource, shlex, socket, stat, sys

def environment_of(path):
    # As systemd reads an EnvironmentFile: comments by "#" and ";", quotes, a backslash joins lines, no variables.
    found = []
    if not path or not os.path.exists(path):
        return found
    handle = open(path)
    lines = handle.read().replace("\\\n", "").splitlines()
    handle.close()
    for line in lines:
        line = line.strip()
        name, equals, value = line.partition("=")
        if line[:1] in ("#", ";") or not equals:
            continue
        try:
            value = " ".join(shlex.split(value))
        except ValueError:
            sys.stderr.write("%s: cannot read: %s\n" % (path, name))
            continue
        found.append((name.strip(), value))
    return found

def open_log(path):
    # The directory may belong to the service: a link there must not lead root to another file.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    log = os.open(path, flags, 0o640)
    facts = os.fstat(log)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        raise OSError("%s is not a plain file" % path)
    return log

def bound(family, address):
    listener = socket.socket(family, socket.SOCK_STREAM)
    if family != socket.AF_UNIX:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # IP_FREEBIND, for which Python has no name: the address may be given to the machine later.
        listener.setsockopt(socket.IPPROTO_IP, 15, 1)
    listener.bind(address)
    listener.listen(1024)
    return listener

def bound_path(path, uid, gid):
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        os.makedirs(parent, 0o755)
    if os.path.exists(path) and stat.S_ISSOCK(os.lstat(path).st_mode):
        os.unlink(path)
    # No chmod: the directory may belong to the service, and a link must not lead root elsewhere.
    mask = os.umask(0o117)
    listener = bound(socket.AF_UNIX, path)
    os.umask(mask)
    os.lchown(path, uid, gid)
    return listener

def listen_on(address, uid, gid):
    # A path, an address with a port, or only a port, which is one of every address.
    if address[:1] == "/":
        return bound_path(address, uid, gid)
    host, colon, port = address.rpartition(":")
    if host:
        family = socket.AF_INET6 if host[:1] == "[" else socket.AF_INET
        return bound(family, (host.strip("[]"), int(port)))
    try:
        return bound(socket.AF_INET6, ("::", int(port)))
    except (OSError, socket.error):
        if sys.exc_info()[1].errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        return bound(socket.AF_INET, ("0.0.0.0", int(port)))

def pass_on(listeners):
    # sd_listen_fds(3): they are 3 and following. First out of the way, so that none is overwritten.
    copies = [fcntl.fcntl(listener.fileno(), fcntl.F_DUPFD, 200) for listener in listeners]
    for number, copy in enumerate(copies):
        os.dup2(copy, 3 + number)
        os.close(copy)

def limit(name, value):
    try:
        resource.setrlimit(getattr(resource, "RLIMIT_" + name.upper()), (int(value), int(value)))
    except (ValueError, OSError, resource.error):
        sys.stderr.write("cannot set the limit %s to %s: %s\n" % (name, value, sys.exc_info()[1]))

def become(user, group, account):
    gid = grp.getgrnam(group).gr_gid if group else account.pw_gid
    if os.getuid() == 0 and account.pw_uid != 0:
        os.initgroups(user, gid)
        os.setgid(gid)
        os.setuid(account.pw_uid)
    elif group:
        os.setgid(gid)

def main(words):
    user, group, directory, log_path, environment_path = words[:5]
    options = words[5:words.index("--")]
    rest = words[words.index("--") + 1:]
    assignments, command = rest[:rest.index("--")], rest[rest.index("--") + 1:]
    account = pwd.getpwnam(user)
    gid = grp.getgrnam(group).gr_gid if group else account.pw_gid
    os.setsid()
    log = open_log(log_path)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.closerange(3, 256)
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    if "LANG" in os.environ:
        environment["LANG"] = os.environ["LANG"]
    environment.update(HOME=account.pw_dir, USER=user, LOGNAME=user, SHELL=account.pw_shell or "/bin/sh")
    environment.update(word.split("=", 1) for word in assignments)
    environment.update(environment_of(environment_path))
    options = [option.split(":", 1) for option in options]
    listeners = []
    for address in [value for kind, value in options if kind == "listen"]:
        try:
            listeners.append(listen_on(address, account.pw_uid, gid))
        except (OSError, socket.error):
            raise OSError("cannot listen on %s: %s" % (address, sys.exc_info()[1]))
    if listeners:
        environment.update(LISTEN_FDS=str(len(listeners)), LISTEN_PID=str(os.getpid()))
    for kind, value in options:
        if kind == "limit":
            limit(*value.split(":"))
        elif kind == "nice":
            os.nice(int(value) - os.nice(0))
    os.chdir(directory or "/")
    become(user, group, account)
    pass_on(listeners)
    try:
        os.execve(command[0], command, environment)
    except OSError:
        sys.stderr.write("cannot run %s: %s\n" % (command[0], sys.exc_info()[1]))
        sys.stderr.flush()
        os._exit(127)

try:
    main(sys.argv[1:])
except (OSError, socket.error, KeyError, OverflowError):
    sys.stderr.write("cannot start: %s\n" % sys.exc_info()[1])
    sys.stderr.flush()
    os._exit(1)
