# Runs when a Python of a build starts. The build's own environment has headers (numpy, pybind11) in a directory with
# a random name: compilers are told to call it by a fixed one.
import os
import sys

if sys.prefix != getattr(sys, "base_prefix", sys.prefix) and not set(sys.prefix) & set("='\"\\"):
    _flag = "%s=%s=/build/environment" % (os.environ["OMNIPACK_PREFIX_MAP"], sys.prefix)
    if any(_character.isspace() for _character in _flag):
        _flag = "'%s'" % _flag
    for _name in ("CFLAGS", "CXXFLAGS"):
        _flags = os.environ.get(_name, "")
        if _flag not in _flags:
            os.environ[_name] = _flags + " " + _flag
