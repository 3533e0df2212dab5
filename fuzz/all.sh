#!/bin/sh
# Runs the fuzz targets one after the other, each for a number of seconds: fuzz/all.sh SECONDS [TARGET]...
# Prints one line for each target: executions, edges and features reached, failing inputs.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?seconds for each target}
shift
[ $# -gt 0 ] || set -- $(cargo +nightly fuzz list)
logs=fuzz/artifacts/logs
mkdir -p "$logs"
status=0
for target in "$@"; do
    found="fuzz/found/$target"
    mkdir -p "$found"
    # shellcheck disable=SC2086
    cargo +nightly fuzz run --features libfuzzer ${FUZZ_FLAGS-} "$target" "$found" "fuzz/corpus/$target" -- -dict="fuzz/dict/$target.txt" \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=32768 -print_final_stats=1 >"$logs/$target" 2>&1 || status=1
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/$target")
    reached=$(sed -n 's/.*\(cov: [0-9]* ft: [0-9]*\).*/\1/p' "$logs/$target" | tail -n 1)
    broken=$(sed -n 's/.*Test unit written to //p' "$logs/$target" | wc -l)
    printf '%-10s %12s executions  %s  findings: %s\n' "$target" "${executions:-no}" "$reached" "$broken"
done
exit "$status"
