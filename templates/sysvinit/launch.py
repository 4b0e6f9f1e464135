import os, pwd, grp, shlex, stat, sys

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

user, group, directory, log_path, environment_path = sys.argv[1:6]
end = sys.argv.index("--")
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
environment.update(word.split("=", 1) for word in sys.argv[6:end])
environment.update(environment_of(environment_path))
os.chdir(directory or "/")
if os.getuid() == 0 and account.pw_uid != 0:
    os.initgroups(user, gid)
    os.setgid(gid)
    os.setuid(account.pw_uid)
elif group:
    os.setgid(gid)
command = sys.argv[end + 1:]
try:
    os.execve(command[0], command, environment)
except OSError:
    sys.stderr.write("cannot run %s: %s\n" % (command[0], sys.exc_info()[1]))
    sys.stderr.flush()
    os._exit(127)
