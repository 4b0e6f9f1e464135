# Compiles sources that come through standard input; Python 3.6 and newer.
#
# Request: length of the path, length of the source, time stamp (4 bytes each, little endian), path, source.
# Answer: 0 and the .pyc, or 1 and why there is none: one byte, length (4 bytes), data.
# It ends at the end of its input.
import sys

# With `-c` the first entry is the current directory, from which nothing may be imported.
sys.path[:] = [path for path in sys.path if path]

import _imp
import marshal
from _frozen_importlib_external import MAGIC_NUMBER

HASH_BASED = sys.version_info >= (3, 7)
UNCHECKED_HASH = (1).to_bytes(4, "little")


def number(data):
    return int.from_bytes(data, "little")


def header(source, time):
    if HASH_BASED:
        return MAGIC_NUMBER + UNCHECKED_HASH + _imp.source_hash(number(MAGIC_NUMBER), source)
    size = len(source) & 0xFFFFFFFF
    return MAGIC_NUMBER + time + size.to_bytes(4, "little")


def compile_one(path, source, time):
    try:
        code = compile(source, path.decode("utf-8"), "exec", dont_inherit=True, optimize=0)
        return b"\0", header(source, time) + marshal.dumps(code)
    except Exception as error:
        reason = "%s: %s" % (type(error).__name__, error)
        return b"\1", reason.encode("utf-8", "replace")


def serve(requests, answers):
    while True:
        lengths = requests.read(12)
        if len(lengths) < 12:
            return
        path = requests.read(number(lengths[0:4]))
        source = requests.read(number(lengths[4:8]))
        status, data = compile_one(path, source, lengths[8:12])
        answers.write(status + len(data).to_bytes(4, "little") + data)
        answers.flush()


serve(sys.stdin.buffer, sys.stdout.buffer)
