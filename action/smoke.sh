#!/usr/bin/env bash
# Installs, checks and removes the packages in a container.
set -euo pipefail

mapfile -t packages <<<"$FILES"
omnipack smoke --message-format github --container "$IMAGE" -- "${packages[@]}"
