#!/usr/bin/env bash
# Fuzzes every reader, every table and the C ABI with libFuzzer and AddressSanitizer, on the stable compiler.
#
#   fuzz/run.sh [EXECUTIONS_IN_ALL] [TARGET...]         (default: 10000000, all targets)
#
# GEMMULE_FUZZ_JOBS targets run at a time (default: one per core). Needs a C++ compiler. Seeds are fuzz/seeds/TARGET and files of fixtures/microscopes; what is found
# goes to target/fuzz/. The random seed of every run is printed.
# Ends with the count of executions, the largest peak of memory, and 1 if anything panicked, leaked, hung or took more than 512 MiB.
set -uo pipefail
cd "$(dirname "$0")/.."
total=${1:-10000000}
shift || true

triple=$(rustc -vV | sed -n 's/^host: //p')
RUSTC_BOOTSTRAP=1 RUSTFLAGS="--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares" \
    cargo build --locked --release --manifest-path fuzz/Cargo.toml --target "$triple" --target-dir target/fuzz/build || exit 1
# A copy: a build beside a long run must not change what runs.
cp "target/fuzz/build/$triple/release/fuzz" target/fuzz/fuzz.$$
trap 'rm -f target/fuzz/fuzz.$$' EXIT

if [ $# -gt 0 ]; then targets=("$@"); else
    mapfile -t targets < <(sed -n '/const TARGETS/,/];/p' fuzz/src/targets.rs | grep -o '"[^"]*"' | tr -d '"')
    targets+=(c-abi)
fi
seeds_of() { # TARGET: files of other folders that are seeds as well
    local f=fixtures/microscopes
    case $1 in
        tiff) echo "$f"/*.tif "$f"/prairie/*Ch1_000001.ome.tif ;;
        ome-companion) echo "$f"/ome-companion/day.companion.ome ;;
        prairie) echo "$f"/prairie/TSeries-001.xml ;;
        thor) echo "$f"/thor-*/Experiment.xml ;;
        zarr2) echo "$f"/*.zarr/.zattrs "$f"/*.zarr/0/.zattrs ;;
        zarr3) echo "$f"/*.zarr/zarr.json "$f"/*.zarr/*/zarr.json ;;
        zarr-chunk) echo "$f"/bioformats2raw.zarr/0/0/*/0/0 ;;
        zip) echo "$f"/folder.zarr.zip "$f"/*.ozx ;;
        interventions) echo src/interventions/interventions.toml ;;
        *) ;;
    esac
}

# A table takes a third of a millisecond, a recording one to four, a program of calls, which may detect spines, twenty: each gets executions after its cost.
weight() { case $1 in c-abi) echo 4 ;; tiff | ome-companion | prairie | thor | zarr* | zip | manifest*) echo 8 ;; *) echo 64 ;; esac; }
sum=0
for t in "${targets[@]}"; do sum=$((sum + $(weight "$t"))); done

fuzz() { # TARGET: runs it and writes one line to target/fuzz/TARGET.result
    local t=$1 runs=$(((total * $(weight "$1") + sum - 1) / sum)) seed=$((RANDOM * 32768 + RANDOM + 1)) max_len=4096 start=$SECONDS status=0 file
    local corpus=target/fuzz/corpus/$t artifacts=target/fuzz/artifacts/$t/ log=target/fuzz/$t.log
    mkdir -p "$corpus" "$artifacts"
    for file in fuzz/seeds/"$t"/* $(seeds_of "$t"); do [ -f "$file" ] && cp "$file" "$corpus/$(sha256sum "$file" | cut -c1-16)"; done
    case $t in tiff | zip | interventions) max_len=16384 ;; c-abi) max_len=1024 ;; esac
    ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=5:detect_leaks=1 GEMMULE_FUZZ_TARGET=$t RAYON_NUM_THREADS=2 \
        target/fuzz/fuzz.$$ "$corpus" -runs="$runs" -seed="$seed" -rss_limit_mb=512 -malloc_limit_mb=256 -timeout=20 -max_len=$max_len \
        -artifact_prefix="$artifacts" -print_final_stats=1 -verbosity=1 >"$log" 2>&1 || status=1
    # With digits: else the end of manifest takes away the folder of manifest-toml.
    rm -rf /dev/shm/gemmule-fuzz-"$t"-[0-9]*
    local done_ rss
    done_=$(sed -n 's/^stat::number_of_executed_units: //p' "$log"); rss=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
    echo "$status ${done_:-0} ${rss:-0}" >"target/fuzz/$t.result"
    echo "$t: ${done_:-0} executions in $((SECONDS - start)) s, seed $seed, peak ${rss:-?} MiB, corpus $(ls "$corpus" | wc -l) files"
    [ $status = 0 ] || echo "FAILED: $t, see $log and $artifacts"
}

jobs=${GEMMULE_FUZZ_JOBS:-$(nproc)}
for t in "${targets[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    rm -f "target/fuzz/$t.result"
    fuzz "$t" &
done
wait

failed=0 executed=0 peak=0
for t in "${targets[@]}"; do
    # A run that was ended from outside has left no result.
    status=1 done_=0 rss=0
    [ -f "target/fuzz/$t.result" ] && read -r status done_ rss <"target/fuzz/$t.result"
    executed=$((executed + done_)); [ "$rss" -gt $peak ] && peak=$rss
    [ "$status" = 0 ] || failed=1
done
echo "in all: $executed executions, largest peak $peak MiB, $([ $failed = 0 ] && echo "no panic, leak, hang or excess of memory" || echo "FAULTS FOUND")"
exit $failed
