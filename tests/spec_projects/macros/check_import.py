"""What %pyproject_check_import does, written for the tests: imports modules, and with -t none in packages."""
import importlib
import pkgutil
import sys

names = [name for name in sys.argv[1:] if name != "-t"]
failed = []


def check(name):
    try:
        return importlib.import_module(name)
    except Exception as error:
        failed.append("%s: %r" % (name, error))


for name in names:
    module = check(name)
    if module is None or "-t" in sys.argv or not hasattr(module, "__path__"):
        continue
    for found in pkgutil.walk_packages(module.__path__, name + ".", onerror=lambda name: None):
        check(found.name)
if failed:
    sys.exit("cannot be imported:\n" + "\n".join(failed))
