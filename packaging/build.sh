#!/bin/sh
# Makes omnipack's own packages out of a built omnipack.
set -eu

usage() {
    cat <<'END'
Usage: packaging/build.sh [OPTION]... BINARY DESTINATION

Makes the packages of omnipack: BINARY as /usr/bin/omnipack, its manual pages, the completions of bash, zsh and fish, and
the documents. The packages are written to the directory DESTINATION, and their paths are printed.

  --packer OMNIPACK    the omnipack that packs; default: BINARY itself. For a BINARY of another machine, name one of the
                       same version that runs here
  --distribution NAME  instead of any-rpm and any-deb, which are for every RPM distribution and every Debian and Ubuntu;
                       may be given again
  -h, --help           show this

BINARY decides which machine the packages are for. The time stamps are SOURCE_DATE_EPOCH, else the day of the last commit:
the same input gives the same packages. Nothing is read from the network. A binary that names the directories it was built in
is refused: build it with RUSTFLAGS="--remap-path-prefix=$HOME/.cargo=/cargo --remap-path-prefix=$PWD=/omnipack".
END
}

wrong() {
    printf 'packaging/build.sh: %s\n' "$1" >&2
    exit 2
}

packer=
distributions=
while [ $# -gt 0 ]; do
    case $1 in
    --packer | --distribution)
        [ $# -ge 2 ] || wrong "$1 needs a value"
        if [ "$1" = --packer ]; then packer=$2; else distributions="$distributions --distribution $2"; fi
        shift 2
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    --)
        shift
        break
        ;;
    -*) wrong "there is no option $1; --help lists all" ;;
    *) break ;;
    esac
done
[ $# -eq 2 ] || wrong 'name the binary and the directory for the packages; --help says more'
binary=$1
destination=$2
case $distributions in
*[!A-Za-z0-9.\ -]*) wrong 'that is no name of a distribution' ;;
esac
[ -f "$binary" ] || wrong "there is no program $binary"

case $binary in
/*) ;;
*) binary=$PWD/$binary ;;
esac
packer=$(command -v "${packer:-$binary}") || wrong "${packer:-$binary} cannot be run: name one that can with --packer"
packaging=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$packaging")
machine=$("$packaging/machine-of" "$binary") || wrong "$binary is no program for x86_64 or aarch64"

version=$(sed -n 's/^version = "\([^"]*\)".*/\1/p' "$packaging/omnipack.toml" | head -n 1)
said=$("$packer" --version) || wrong "$packer does not run here: name one that does with --packer"
[ "$said" = "omnipack $version" ] || wrong "$packer is $said, and packaging/omnipack.toml has the version $version"

if [ -z "${SOURCE_DATE_EPOCH-}" ] && date=$(git -C "$repository" log -1 --format=%ct 2>/dev/null); then
    export SOURCE_DATE_EPOCH="$date"
fi

# Neither the umask nor the language of the caller is part of the packages.
umask 022
export LC_ALL=C
work=$(mktemp -d "${TMPDIR:-/tmp}/omnipack-packaging.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/$machine" "$work/completions" "$work/man" "$work/packages"
cp "$binary" "$work/$machine/omnipack"
cp "$packaging/omnipack.toml" "$repository/LICENSE" "$repository/README.md" "$repository/CHANGELOG.md" "$work"
"$packer" completions bash >"$work/completions/omnipack.bash"
"$packer" completions fish >"$work/completions/omnipack.fish"
"$packer" completions zsh >"$work/completions/_omnipack"

# Debian policy 12.1: gzip -9, and -n for neither name nor time. rpm's own builds compress manual pages, too.
"$packer" man --output-directory "$work/man"
for page in "$work"/man/*; do
    gzip -9n "$page"
    name=${page##*/}.gz
    printf '\n[[file]]\nsource = "man/%s"\ndestination = "/usr/share/man/man1/%s"\nmode = "0644"\ndoc = true\n' \
        "$name" "$name" >>"$work/omnipack.toml"
done

# shellcheck disable=SC2086 # a list of words
"$packer" build --quiet --machine "$machine" $distributions --destination-path "$work/packages" "$work" >&2

find "$work/packages" -type f \( -name '*.rpm' -o -name '*.deb' \) | sort >"$work/list"
twice=$(sed 's|.*/||' "$work/list" | sort | uniq -d)
[ -z "$twice" ] || wrong "packages of several distributions would be called $twice; make them one distribution at a time"
mkdir -p "$destination"
while read -r package; do
    # Beside its place first: a package is there whole or not at all.
    cp "$package" "$destination/.${package##*/}.part"
    mv "$destination/.${package##*/}.part" "$destination/${package##*/}"
    printf '%s\n' "$destination/${package##*/}"
done <"$work/list"
