#!/usr/bin/env bash
# Puts omnipack on PATH: a released program whose checksum is verified, or one that cargo builds from the action's own sources.
#
# VERSION     release; empty: that of these sources; `source`: build them
# REPOSITORY  OWNER/NAME with the releases
# OMNIPACK_RELEASES  address of the releases, where they are elsewhere
# OMNIPACK_PROFILE   profile of cargo to build with; default: release
set -euo pipefail

fail() {
    local text=${1//'%'/%25}
    text=${text//$'\r'/%0D}
    printf '::error title=omnipack::%s\n' "${text//$'\n'/%0A}"
    exit 1
}

sources=$(cd "$(dirname "$0")/.." && pwd)
own=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$sources/Cargo.toml" | head -n 1)
version=${VERSION:-$own}
version=${version#v}
machine=$(uname -m)
place=${RUNNER_TOOL_CACHE:-$HOME/.cache/omnipack-tool}/omnipack/$version/$machine

build() {
    command -v cargo >/dev/null || fail "cargo is not here: omnipack cannot be built from source. Install Rust, or leave out 'version: source'."
    CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${RUNNER_TEMP:-/tmp}/omnipack-target} \
        cargo install --locked --profile "${OMNIPACK_PROFILE:-release}" --path "$sources" --root "$place" --force
}

download() {
    case $version in
    *[!0-9A-Za-z.+-]* | '') fail "'$version' is not a release of omnipack" ;;
    esac
    case $machine in
    x86_64 | aarch64) ;;
    *) fail "there is no released program for $machine: say 'version: source'" ;;
    esac
    local releases=${OMNIPACK_RELEASES:-${GITHUB_SERVER_URL:-https://github.com}/$REPOSITORY/releases/download}
    local name="omnipack-$version-$machine-unknown-linux-musl.tar.gz"
    work=$(mktemp -d "${RUNNER_TEMP:-/tmp}/omnipack.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    for file in "$name" SHA256SUMS; do
        curl --fail --silent --show-error --location --retry 3 --output "$work/$file" "$releases/v$version/$file" ||
            fail "$releases/v$version/$file cannot be fetched: is there a release $version? 'version: source' builds it with cargo."
    done
    grep -F -x -q "$(sha256sum "$work/$name" | cut -d ' ' -f 1)  $name" "$work/SHA256SUMS" ||
        fail "$name does not have the checksum that SHA256SUMS says: it is not installed"
    mkdir -p "$work/bin" "$place"
    tar -xzf "$work/$name" -C "$work/bin" omnipack
    rm -rf "${place:?}/bin"
    mv "$work/bin" "$place/bin"
}

if [ "$version" = source ]; then
    build
elif [ ! -x "$place/bin/omnipack" ]; then
    download
fi
said=$("$place/bin/omnipack" --version)
echo "$place/bin" >>"$GITHUB_PATH"
echo "version=${said#omnipack }" >>"$GITHUB_OUTPUT"
printf '%s, %s\n' "$said" "$place/bin/omnipack"
