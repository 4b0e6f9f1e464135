#!/usr/bin/env bash
# Builds the packages, names them in the outputs, and shows them in the summary of the job.
set -euo pipefail
: "${APPLICATION:?}" "${DISTRIBUTIONS?}" "${MACHINE?}" "${DESTINATION:?}" "${ARGUMENTS?}"

arguments=(--message-format github --json --destination-path "$DESTINATION")
read -r -d '' -a distributions <<<"$DISTRIBUTIONS" || true
for distribution in "${distributions[@]}"; do
    arguments+=(--distribution "$distribution")
done
if [ -n "$MACHINE" ]; then
    arguments+=(--machine "$MACHINE")
fi
while IFS= read -r argument; do
    if [ -n "$argument" ]; then
        arguments+=("$argument")
    fi
done <<<"$ARGUMENTS"

report=$(mktemp "${RUNNER_TEMP:-/tmp}/omnipack-XXXXXXXX.json")
title="### Packages of ${distributions[*]:-the configuration}"
omnipack build "${arguments[@]}" -- "$APPLICATION" >"$report" || {
    code=$?
    printf '%s\n\nNot built: the annotations and the log say why.\n' "$title" >>"$GITHUB_STEP_SUMMARY"
    exit "$code"
}
# Python is what omnipack needs anyway.
paths='import json, sys; print("\0".join(package["path"] for target in json.load(open(sys.argv[1])) for package in target["packages"]), end="\0")'
python3 -c "$paths" "$report" >"$report.paths"
mapfile -d '' -t packages <"$report.paths"
# No line of a path can end what follows before its end: the word is made anew.
end=omnipack-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
{
    printf 'report=%s\n' "$report"
    printf 'files<<%s\n' "$end"
    printf '%s\n' "${packages[@]}"
    printf '%s\n' "$end"
} >>"$GITHUB_OUTPUT"
{
    printf '%s\n\n' "$title"
    omnipack inspect --markdown -- "${packages[@]}"
} >>"$GITHUB_STEP_SUMMARY"
printf '%s\n' "${packages[@]}"
