# Only what dpkg and the scripts warn of or ask is worth printing.
quietly() {
    "$@" >/said 2>&1 </dev/null
    code=$?
    grep -E '^(warning|dpkg: error|dpkg: warning: (un|old)|Preserving|Obsolete| \*\*\*|Configuration file)' /said
    [ "$code" = 0 ] || echo "dpkg ended with $code"
}
install() {
    for version; do quietly dpkg -i "$place/$version"/out/demo_*.deb; done
}
all() {
    for version; do quietly dpkg -i "$place/$version"/out/*.deb; done
}
unpack() { quietly dpkg --unpack "$place/$1"/out/demo_*.deb; }
purge() { quietly dpkg --purge "$@"; }
handmade() {
    name=$1
    shift
    rm -rf /handmade
    for path; do
        mkdir -p "/handmade${path%/*}"
        echo "$name" >"/handmade$path"
    done
    mkdir /handmade/DEBIAN
    printf '%s\n' "Package: $name" 'Version: 1' 'Architecture: all' 'Maintainer: A <a@example.org>' 'Description: d' >/handmade/DEBIAN/control
    dpkg-deb --root-owner-group -b /handmade /handmade.deb >/dev/null
    quietly dpkg -i /handmade.deb
}
# Files, their texts and links below a directory.
tree() {
    (cd "$1" 2>/dev/null && find . -type f -exec sh -c 'for file; do echo "$file: $(cat "$file")"; done' sh {} + -o -type l -printf '%p -> %l\n') |
        LC_ALL=C sort
}
title() { echo "== $*"; }
# What dpkg takes for configuration files of the package.
known() { dpkg-query -W -f='${Conffiles}\n' "$1" | sed -n 's/^ \(.*\) [0-9a-z]\{32\}/\1/p' | LC_ALL=C sort; }
left() { [ $# = 0 ] || find "$@" 2>/dev/null | LC_ALL=C sort; ls -d /var/lib/omnipack-transaction 2>/dev/null; }
