#!/usr/bin/env bash
# Puts omnipack on PATH: a released program whose checksum is verified, or one that cargo builds from the action's own sources.
#
# VERSION     release; empty: that of these sources; `source`: build them
# REPOSITORY  OWNER/NAME with the releases; empty: omnipack/omnipack
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
tools=${RUNNER_TOOL_CACHE:-$HOME/.cache/omnipack-tool}/omnipack

build() {
    command -v cargo >/dev/null || fail "cargo is not here: omnipack cannot be built from source. Install Rust, or leave out 'version: source'."
    CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${RUNNER_TEMP:-/tmp}/omnipack-target} \
        cargo install --locked --profile "${OMNIPACK_PROFILE:-release}" --path "$sources" --root "$place" --force
}

# Is the program there that was installed, as it was then?
kept() {
    [ -x "$place/bin/omnipack" ] && (cd "$place" && sha256sum --check --strict --status SHA256SUMS 2>/dev/null)
}

download() {
    case $machine in
    x86_64 | aarch64) ;;
    *) fail "there is no released program for $machine: say 'version: source'" ;;
    esac
    local name="omnipack-$version-$machine-unknown-linux-musl.tar.gz"
    work=$(mktemp -d "${RUNNER_TEMP:-/tmp}/omnipack.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    for file in "$name" SHA256SUMS; do
        curl --fail --silent --show-error --location --retry 3 --output "$work/$file" "$releases/v$version/$file" ||
            fail "$releases/v$version/$file cannot be fetched: is there a release $version? 'version: source' builds it with cargo."
    done
    grep -F -x -q "$(sha256sum "$work/$name" | cut -d ' ' -f 1)  $name" "$work/SHA256SUMS" ||
        fail "$name does not have the checksum that SHA256SUMS says: it is not installed"
    mkdir -p "$work/new/bin" "$(dirname "$place")"
    tar -xzf "$work/$name" -C "$work/new/bin" omnipack
    (cd "$work/new" && sha256sum bin/omnipack >SHA256SUMS)
    rm -rf "${place:?}"
    mv "$work/new" "$place"
}

# Before it is part of any path.
case $version in
source) place=$tools/source/$machine ;;
*[!0-9A-Za-z.+-]* | [!0-9]* | '') fail "'$version' is not a release of omnipack" ;;
*)
    repository=${REPOSITORY:-omnipack/omnipack}
    case $repository in
    *[!0-9A-Za-z._/-]* | */*/* | /* | */) fail "'$repository' is not OWNER/NAME of a repository" ;;
    */*) ;;
    *) fail "'$repository' is not OWNER/NAME of a repository" ;;
    esac
    releases=${OMNIPACK_RELEASES:-${GITHUB_SERVER_URL:-https://github.com}/$repository/releases/download}
    # A machine may be kept from job to job: what others released under the same version is not this one.
    from=$(printf '%s' "$releases" | sha256sum | cut -c 1-16)
    place=$tools/$version-$from/$machine
    ;;
esac
if [ "$version" = source ]; then
    build
elif ! kept; then
    download
fi
said=$("$place/bin/omnipack" --version)
echo "$place/bin" >>"$GITHUB_PATH"
echo "version=${said#omnipack }" >>"$GITHUB_OUTPUT"
printf '%s, %s\n' "$said" "$place/bin/omnipack"
