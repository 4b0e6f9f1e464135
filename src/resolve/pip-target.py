"""Runs pip with the target's marker variables instead of those of this interpreter.

pip's own --python-version and --platform choose wheels for a target, but leave environment markers to the machine that
pip runs on. Arguments: the marker variables as JSON, then pip's own.
"""
import json
import sys

from pip._vendor.packaging import markers

variables = json.loads(sys.argv[1])
markers.default_environment = lambda: dict(variables)
sys.argv[:2] = ["pip"]

from pip._internal.cli.main import main

sys.exit(main())
