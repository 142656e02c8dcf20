#!/usr/bin/env bash
# Prints every figure of the benches as one table, each with the command that measured it.
#
#   bash benches/report.sh            all
#   bash benches/report.sh pricing    one of pricing, advice, service
#
# Run it on an idle machine: the loads are single-threaded, and anything beside them is in the figures.
set -euo pipefail
cd "$(dirname "$0")/.."

# Criterion's own lines `test NAME ... bench: N ns/iter (+/- D)` as columns with a readable unit.
as_table() {
  awk '/ bench: / {
    match($0, / \.\.\. bench: */)
    name = substr($0, 6, RSTART - 6)
    rest = substr($0, RSTART + RLENGTH)
    gsub(",", "", rest)
    split(rest, field, " ")
    time = field[1]
    unit = time >= 1e6 ? "ms" : time >= 1e3 ? "µs" : "ns"
    divisor = time >= 1e6 ? 1e6 : time >= 1e3 ? 1e3 : 1
    printf "%-72s %10.2f %s\n", name, time / divisor, unit
  }'
}

echo "$(date -u +%F), $(uname -m), $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg), $(git rev-parse --short HEAD)"
for bench in "${@:-pricing advice service}"; do
  for name in $bench; do
    echo
    echo "\$ cargo bench --bench $name"
    if [ "$name" = service ]; then
      cargo bench --quiet --bench service
    else
      cargo bench --quiet --bench "$name" -- --output-format bencher | as_table
    fi
  done
done
