{{ shebang }}# -*- coding: utf-8 -*-
"""pip for the plugins of an application that a package installed.

What the package installed belongs to the package manager: pip sees it, and installs, changes and removes only what
is in the directory for plugins, as it would in a virtual environment there that sees the application's.
"""
import email.parser
import glob
import os
import re
import subprocess
import sys
import tempfile

APPLICATION = {{ application | python_path }}
PROGRAM = {{ program | python_path }}
SITE_PACKAGES = {{ site_packages | python_path }}
PLUGINS = {{ directory | python_path }}
SERIES = "%d.%d" % sys.version_info[:2]
{%- if left_out %}
# What packages of the distribution bring for the application.
OF_THE_DISTRIBUTION = set([{% for name in left_out %}{{ name | python_path }}, {% endfor %}])
{%- endif %}
LIBRARY = os.path.join(PLUGINS, "lib", "python" + SERIES)
RECORD = os.path.join(LIBRARY, "requirements.txt")

# What may be set for pip from outside: where distributions come from and how much is said. Anything else would change
# what it installs, or where.
KEPT = set(
    "PIP_" + name
    for name in (
        "BUILD_CONSTRAINT CACHE_DIR CERT CLIENT_CERT CONFIG_FILE CONSTRAINT DEFAULT_TIMEOUT EXTRA_INDEX_URL FIND_LINKS"
        " INDEX_URL KEYRING_PROVIDER LOG NO_BINARY NO_CACHE_DIR NO_COLOR NO_INDEX NO_INPUT ONLY_BINARY PREFER_BINARY PRE"
        " PROGRESS_BAR PROXY QUIET REQUIRE_HASHES RETRIES TIMEOUT TRUSTED_HOST VERBOSE YES"
    ).split()
)
# Options with a value in the next argument.
VALUED = set(
    "-C -c -e -f -i -r -t --abi --build-constraint --build-option --cache-dir --cert --client-cert --config-setting"
    " --config-settings --constraint --editable --exists-action --extra-index-url --find-links --global-option --group"
    " --implementation --index-url --install-option --keyring-provider --log --no-binary --only-binary --only-final"
    " --platform --prefix --progress-bar --proxy --pypi-url --python --python-version --report --requirement"
    " --requirements-from-script --resume-retries --retries --root --root-user-action --src --target --timeout"
    " --trusted-host --upgrade-strategy --uploaded-prior-to --use-deprecated --use-feature --all-releases".split()
)
ELSEWHERE = set("-t --target --prefix --root --user --python".split())


def refuse(text):
    sys.exit("%s: %s" % (PROGRAM, text))


def canonical(name):
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(directory):
    """Metadata of what is installed in a directory, by canonical name, and where it lies."""
    found = {}
    for place in sorted(glob.glob(os.path.join(glob.escape(directory), "*.dist-info"))):
        try:
            with open(os.path.join(place, "METADATA"), encoding="utf-8", errors="replace") as file:
                metadata = email.parser.HeaderParser().parse(file)
        except OSError:
            continue
        if metadata["Name"] and metadata["Version"]:
            found[canonical(metadata["Name"])] = (metadata, place)
    return found
{%- if left_out %}


def of_the_distribution():
    """The same, of what packages of the distribution bring for the application, which may have metadata in an egg-info."""
    found = {}
    for directory in sys.path:
        if directory == SITE_PACKAGES or directory.startswith(os.path.join(PLUGINS, "")) or not os.path.isdir(directory):
            continue
        here = distributions(directory)
        for place in sorted(glob.glob(os.path.join(glob.escape(directory), "*.egg-info"))):
            path = os.path.join(place, "PKG-INFO") if os.path.isdir(place) else place
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    metadata = email.parser.HeaderParser().parse(file)
            except OSError:
                continue
            if metadata["Name"] and metadata["Version"]:
                here.setdefault(canonical(metadata["Name"]), (metadata, place))
        for name in OF_THE_DISTRIBUTION.intersection(here):
            found.setdefault(name, here[name])
    return found
{%- endif %}


def read(arguments):
    """The command, the options and the other arguments of a command line of pip."""
    words, options = [], []
    waiting = False
    for position, argument in enumerate(arguments):
        if waiting:
            waiting = False
        elif argument == "--":
            words.extend(arguments[position + 1 :])
            break
        elif argument.startswith("-") and argument != "-":
            waiting = argument in VALUED
            options.append(argument.split("=")[0])
        else:
            words.append(argument)
    return (words[0] if words else None), options, words[1:]


def has(options, short, long):
    """Is one of these options there? Short ones may stand together (`-qU`), long ones may be cut short."""
    for option in options:
        if option.startswith("--"):
            found = long.startswith(option) and len(option) > 4
        else:
            found = short and short in re.split("[Ccefirt]", option)[0]
        if found:
            return True
    return False


def name_of(word):
    """The distribution that a word asks for, as a requirement or as a wheel; nothing where that cannot be seen."""
    if word.endswith(".whl"):
        return os.path.basename(word).split("-")[0]
    requirement = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)($|[\s\[(<>=!~;@])", word)
    return requirement.group(1) if requirement else ""


def check(command, options, words, packaged):
    """Refuses what would change the application, or install where it does not look; gives what it names of the package."""
    elsewhere = sorted(ELSEWHERE.intersection(options))
    if elsewhere:
        refuse("plugins of %s go into %s, so `%s` is not for here" % (APPLICATION, PLUGINS, elsewhere[0]))
    named = [name for name in map(name_of, words) if canonical(name) in packaged]
    again = has(options, "U", "--upgrade") or has(options, None, "--force-reinstall")
    if named and (command == "uninstall" or again):
        text = "`%s` belongs to the package of %s, which only the package manager changes"
        refuse(text % (named[0], APPLICATION))
    if command == "install" and has(options, "I", "--ignore-installed"):
        refuse("what the package of %s has counts as installed, so `--ignore-installed` is not for here" % APPLICATION)
    if command == "install" and has(options, None, "--force-reinstall") and not has(options, None, "--no-deps"):
        refuse("`--force-reinstall` would fetch what %s itself has, too: add `--no-deps`" % APPLICATION)
    return named


def prepare():
    """The directory that is installed into."""
    place = PLUGINS
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.access(place, os.W_OK):
        refuse("you may not write into %s: run it as root" % PLUGINS)
    # Services read what is installed here, whatever the caller's umask.
    os.umask(0o022)
    if not os.path.isdir(LIBRARY):
        os.makedirs(LIBRARY)


def run(arguments):
    """pip itself."""
    from {{ module }} import {{ import_name }}

    sys.argv[1:] = arguments
    try:
        return {{ function }}()
    except SystemExit as ended:
        return ended.code


def install(arguments, packaged):
    """Installs into the directory for plugins, with the versions of what the package installed as constraints."""
    with tempfile.NamedTemporaryFile("w", prefix="of-the-package-", suffix=".txt") as constraints:
        for metadata, _ in packaged.values():
            constraints.write("%s==%s\n" % (metadata["Name"], metadata["Version"]))
        constraints.flush()
        # Last, so that no configuration file says otherwise.
        own = ["--no-user", "--target=", "--prefix=" + PLUGINS, "--constraint", constraints.name]
        end = arguments.index("--") if "--" in arguments else len(arguments)
        return run(arguments[:end] + own + arguments[end:])


def record(packaged):
    """Writes down what was asked for, so that it can be installed again for another series of Python."""
    site = os.path.join(LIBRARY, "site-packages")
    installed = distributions(site)
    lines = []
    if installed:
        command = [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "freeze", "--all", "--path", site]
        frozen = subprocess.run(command, stdout=subprocess.PIPE, universal_newlines=True)
        if frozen.returncode != 0:
            sys.stderr.write("%s: %s could not be brought up to date\n" % (PROGRAM, RECORD))
            return
        lines = frozen.stdout.splitlines()
    needed = set()
    for metadata, _ in installed.values():
        for requirement in metadata.get_all("Requires-Dist") or []:
            needed.add(canonical(re.match(r"[A-Za-z0-9._-]*", requirement).group()))
    asked = set(
        name
        for name, (_, place) in installed.items()
        if name not in packaged and (name not in needed or os.path.exists(os.path.join(place, "REQUESTED")))
    )
    text = "# Plugins of %s for Python %s, as %s wrote them down.\n" % (APPLICATION, SERIES, PROGRAM) if lines else ""
    for line in lines:
        plain = re.match(r"([A-Za-z0-9._-]+)(==| @ )", line)
        by_the_way = plain and canonical(plain.group(1)) not in asked
        text += ("# brought along by one of them: " if by_the_way else "") + line + "\n"
    if not os.path.isdir(LIBRARY):
        return
    with open(RECORD + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(RECORD + ".new", RECORD)


def others():
    """The records of other series of Python, the last written first."""
    found = glob.glob(os.path.join(glob.escape(PLUGINS), "lib", "python*", "requirements.txt"))
    found = [path for path in found if path != RECORD and os.path.getsize(path)]
    return sorted(found, key=os.path.getmtime, reverse=True)


def report(command, code):
    """Says what is to be done with plugins of another series of Python."""
    for path in others():
        series = os.path.basename(os.path.dirname(path))[len("python") :]
        if not os.path.exists(RECORD):
            text = "the plugins of Python %s are not seen by Python %s; install them again with\n    %s install -r %s\n"
            sys.stderr.write(("%s: " + text) % (PROGRAM, series, SERIES, PROGRAM, path))
            return
        if command == "install" and not code:
            text = "%s: the plugins of Python %s are still in %s, and not used\n"
            sys.stderr.write(text % (PROGRAM, series, os.path.dirname(path)))


def main():
    arguments = sys.argv[1:]
    for name in [name for name in os.environ if name.startswith("PIP_") and name not in KEPT]:
        del os.environ[name]
    for name in ("PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH"):
        os.environ.pop(name, None)
    os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    # Sources are built apart from the application, which need not have what builds them: old pips would look there.
    os.environ["PIP_USE_PEP517"] = "1"
    # pip takes for its own what lies below, and leaves alone what lies elsewhere on the path.
    sys.prefix = sys.exec_prefix = PLUGINS
    sys.modules.pop("sysconfig", None)
    command, options, words = read(arguments)
    if command not in ("install", "uninstall") or has(options, "h", "--help"):
        code = run(arguments)
        report(command, code)
        return code
    packaged = distributions(SITE_PACKAGES)
{%- if left_out %}
    for name, known in of_the_distribution().items():
        packaged.setdefault(name, known)
{%- endif %}
    named = check(command, options, words, packaged)
    prepare()
    code = install(arguments, packaged) if command == "install" else run(arguments)
    if code and named:
        text = "%s: `%s` belongs to the package of %s, and stays at version %s\n"
        version = packaged[canonical(named[0])][0]["Version"]
        sys.stderr.write(text % (PROGRAM, named[0], APPLICATION, version))
    record(packaged)
    report(command, code)
    return code


if __name__ == "__main__":
    sys.exit(main())
