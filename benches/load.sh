#!/usr/bin/env bash
# What the service bears, as one Markdown table; docs/load.md says what each row means.
#
#   bash benches/load.sh                        all, about 9 minutes, 5 of them the soak
#   bash benches/load.sh --quick                a few seconds each, to see that it works
#   bash benches/load.sh --soak 3600 soak       parts: reads writes flood connections mix addresses soak
#
# TREEBEARD_BINARY names another binary to measure. TREEBEARD_PROFILE=dev builds without optimising: then only the
# script is tried, the figures mean nothing. Run it on an idle machine. Exit code 1 when a goal is missed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "$(date -u +%F), $(uname -m), $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg), $(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
echo
echo "\$ bash benches/load.sh $*"
echo
cargo bench --quiet --profile "${TREEBEARD_PROFILE:-bench}" --bench load -- "$@"
