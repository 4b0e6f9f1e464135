#!/usr/bin/env bash
# Installs, checks and removes the packages, those of each distribution in a container.
#
# SMOKE   an image, or `true` for that of each distribution
# REPORT  what `omnipack build --json` printed
set -euo pipefail
: "${SMOKE:?}" "${REPORT:?}"

# For each distribution its name, its image and its packages, and an empty word at the end.
groups='import json, sys
images = {known["name"]: known.get("image") or "" for known in json.load(sys.stdin)}
for target in json.load(open(sys.argv[1])):
    words = [target["distribution"], images.get(target["distribution"], "")]
    print("\0".join(words + [package["path"] for package in target["packages"]] + [""]), end="\0")'

smoke() {
    local distribution=$1 image=$2
    shift 2
    [ "$SMOKE" = true ] || image=$SMOKE
    if [ -z "$image" ]; then
        printf '::warning title=omnipack::no container image of %s is known: its packages were not tried\n' "$distribution"
        return
    fi
    printf '::group::%s in %s\n' "$distribution" "$image"
    omnipack smoke --message-format github --container "$image" -- "$@"
    printf '::endgroup::\n'
}

list=$(mktemp)
trap 'rm -f "$list"' EXIT
omnipack distributions --json | python3 -c "$groups" "$REPORT" >"$list"
words=()
while IFS= read -r -d '' word; do
    words+=("$word")
    # The image may be empty, too.
    if [ -z "$word" ] && [ ${#words[@]} -gt 2 ]; then
        smoke "${words[@]:0:${#words[@]}-1}"
        words=()
    fi
done <"$list"
