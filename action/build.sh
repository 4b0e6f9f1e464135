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

report=${RUNNER_TEMP:-/tmp}/omnipack-$$.json
omnipack build "${arguments[@]}" -- "$APPLICATION" >"$report"
files=$(jq -r '.[].packages[].path' "$report")
# No line of a path can end what follows before its end: the word is made anew.
end=omnipack-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
{
    printf 'report=%s\n' "$report"
    printf 'files<<%s\n%s\n%s\n' "$end" "$files" "$end"
} >>"$GITHUB_OUTPUT"

mapfile -t packages <<<"$files"
{
    printf '### Packages of %s\n\n' "${distributions[*]:-the configuration}"
    omnipack inspect --markdown -- "${packages[@]}"
} >>"$GITHUB_STEP_SUMMARY"
printf '%s\n' "${packages[@]}"
