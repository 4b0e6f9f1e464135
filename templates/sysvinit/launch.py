import errno, fcntl, grp, os, pwd, resource, shlex, socket, stat, sys

def environment_of(path):
    # As systemd reads an EnvironmentFile: comments by "#" and ";", quotes, a backslash joins lines, no variables.
    found = []
    if not path or not os.path.exists(path):
        return found
    # Bytes that are no text of the locale, which is C at boot, reach the service as they are.
    handle = open(path, "rb")
    text = os.fsdecode(handle.read())
    handle.close()
    for line in text.replace("\\\n", "").split("\n"):
        line = line.strip(" \t\r")
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

def only_roots(path):
    # Does nobody but root say what lies at the path, links on the way to it included?
    os.stat(path)
    step = "/"
    for part in [""] + path.split("/"):
        step = os.path.join(step, part)
        facts = os.lstat(step)
        if facts.st_uid != 0:
            return False
        if stat.S_ISLNK(facts.st_mode):
            if not only_roots(os.path.join(os.path.dirname(step), os.readlink(step))):
                return False
        elif facts.st_mode & 0o022 and not facts.st_mode & stat.S_ISVTX:
            return False
    return True

def as_account(account, gid, action):
    # As root, whatever the account puts in the way could be changed in its stead, and links lead anywhere.
    if os.getuid() != 0:
        return action()
    groups, group = os.getgroups(), os.getegid()
    os.initgroups(account.pw_name, gid)
    os.setegid(gid)
    os.seteuid(account.pw_uid)
    try:
        return action()
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)

def make_parents(path):
    mask = os.umask(0o022)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    finally:
        os.umask(mask)

def in_parent(path, account, gid, make):
    # Makes the path and gives it to the account; as root only where the account cannot put another thing in its place.
    parent = os.path.dirname(path)
    there = parent
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    if only_roots(there):
        make_parents(path)
        if not only_roots(parent):
            raise OSError("%s does not belong to root alone" % parent)
        made = make()
        os.lchown(path, account.pw_uid, gid)
        return made
    if there != parent:
        if account.pw_uid == 0:
            raise OSError("%s does not belong to root alone" % there)
        as_account(account, gid, lambda: make_parents(path))
    return as_account(account, gid, make)

def bound_path(path, account, gid):
    def make():
        if os.path.lexists(path) and stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
        mask = os.umask(0o117)
        try:
            return bound(socket.AF_UNIX, path)
        finally:
            os.umask(mask)
    return in_parent(path, account, gid, make)

def make_directory(mode, user, group, path):
    account, gid, parent = pwd.getpwnam(user), grp.getgrnam(group).gr_gid, os.path.dirname(path)
    if account.pw_uid == 0 and os.path.isdir(parent) and not only_roots(parent):
        raise OSError("%s does not belong to root alone" % parent)
    def make():
        os.mkdir(path, 0o700)
        os.chmod(path, int(mode, 8))
    in_parent(path, account, gid, make)

def listen_on(address, account, gid):
    # A path, an address with a port, or only a port, which is one of every address.
    if address[:1] == "/":
        return bound_path(address, account, gid)
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
    copies = [fcntl.fcntl(listener.fileno(), fcntl.F_DUPFD, 3 + len(listeners)) for listener in listeners]
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

def run(words):
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
            listeners.append(listen_on(address, account, gid))
        except (OSError, socket.error):
            raise OSError("cannot listen on %s: %s" % (address, sys.exc_info()[1]))
    # Before the limits, one of which is the number of open files.
    pass_on(listeners)
    if listeners:
        environment.update(LISTEN_FDS=str(len(listeners)), LISTEN_PID=str(os.getpid()))
    for kind, value in options:
        if kind == "limit":
            limit(*value.split(":"))
        elif kind == "nice":
            os.nice(int(value) - os.nice(0))
    os.chdir(directory or "/")
    become(user, group, account)
    try:
        os.execve(command[0], command, environment)
    except OSError:
        sys.stderr.write("cannot run %s: %s\n" % (command[0], sys.exc_info()[1]))
        sys.stderr.flush()
        os._exit(127)

what = "start"
try:
    if sys.argv[1] == "directory":
        what = "make " + sys.argv[-1]
        make_directory(*sys.argv[2:])
    else:
        run(sys.argv[2:])
except (OSError, socket.error, KeyError, OverflowError, ValueError):
    sys.stderr.write("cannot %s: %s\n" % (what, sys.exc_info()[1]))
    sys.stderr.flush()
    os._exit(1)
