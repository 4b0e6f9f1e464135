#!/usr/bin/env bash
# Says where the cache is, and by which key it is kept: each set of targets has one of its own.
#
# VERSION         of omnipack
# OMNIPACK_CACHE  where the workflow wants the cache
set -euo pipefail
: "${APPLICATION:?}" "${DISTRIBUTIONS?}" "${MACHINE?}" "${ARGUMENTS?}" "${VERSION:?}"

what=$(printf '%s\0' "$APPLICATION" "$DISTRIBUTIONS" "$MACHINE" "$ARGUMENTS" | sha256sum | cut -c 1-16)
{
    echo "path=${OMNIPACK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/omnipack}"
    echo "key=omnipack-$VERSION-$(uname -s)-$(uname -m)-$what"
    echo "week=$(date -u +%G-W%V)"
} >>"$GITHUB_OUTPUT"
