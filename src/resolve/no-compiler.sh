#!/bin/sh
# Compiles nothing, and leaves word that it was asked to.
: > "${0%/*}/asked"
echo "omnipack: error: nothing can be compiled here for the target's Python" >&2
exit 1
