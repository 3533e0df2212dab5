#!/bin/sh
# Regenerates the files `*-day-*` of the corpora: records all replies of the simulator, and keeps those that reach code that the
# handwritten inputs do not.
set -eu
cd "$(dirname "$0")/.."
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
FUZZ_SEEDS="$seeds" cargo test -p wechat-simulator --test it responses_are_valid_fuzz_inputs
for folder in "$seeds"/*; do
    target=$(basename "$folder")
    corpus="fuzz/corpus/$target"
    rm -f "$corpus"/*-day-*
    mkdir "$seeds/kept"
    # Handwritten inputs come first and count as known.
    cp "$corpus"/* "$seeds/kept"
    cargo +nightly fuzz run --features libfuzzer ${FUZZ_FLAGS-} "$target" "$seeds/kept" "$folder" -- -merge=1 -timeout=20 -rss_limit_mb=4096 >"$seeds/log" 2>&1 || { tail "$seeds/log"; exit 1; }
    for seed in "$folder"/*; do
        # libFuzzer names the kept inputs after their SHA-1.
        if [ -e "$seeds/kept/$(sha1sum "$seed" | cut -d ' ' -f 1)" ]; then
            cp "$seed" "$corpus"
        fi
    done
    rm -r "$seeds/kept"
    echo "$target: $(find "$folder" -type f | wc -l) replies or scripts, $(find "$corpus" -name '*-day-*' | wc -l) kept"
done
