#!/usr/bin/env bash
# Fuzzes every reader and every table with libFuzzer and AddressSanitizer, on the stable compiler.
#
#   fuzz/run.sh [EXECUTIONS_IN_ALL] [TARGET...]         (default: 10000000, all targets)
#
# Needs a C++ compiler. Seeds are fuzz/seeds/TARGET and files of fixtures/microscopes; what is found goes to target/fuzz/. The random seed of every run is printed.
# Ends with the count of executions, the largest peak of memory, and 1 if anything panicked, leaked, hung or took more than 512 MiB.
set -uo pipefail
cd "$(dirname "$0")/.."
total=${1:-10000000}
shift || true

export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
triple=$(rustc -vV | sed -n 's/^host: //p')
cargo build --release --manifest-path fuzz/Cargo.toml --target "$triple" --target-dir target/fuzz/build || exit 1
binary=target/fuzz/build/$triple/release/fuzz

if [ $# -gt 0 ]; then targets=("$@"); else
    mapfile -t targets < <(sed -n '/const TARGETS/,/];/p' fuzz/src/targets.rs | grep -o '"[^"]*"' | tr -d '"')
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
        long) echo fuzz/seeds/long/* ;;
        *) ;;
    esac
}

# Tables take microseconds, recordings a hundred times as long: they get a tenth of the executions each.
weight() { case $1 in tiff | ome-companion | prairie | thor | zarr* | zip | manifest*) echo 1 ;; *) echo 8 ;; esac; }
sum=0
for t in "${targets[@]}"; do sum=$((sum + $(weight "$t"))); done

failed=0 executed=0 peak=0
for t in "${targets[@]}"; do
    runs=$(((total * $(weight "$t") + sum - 1) / sum))
    corpus=target/fuzz/corpus/$t; artifacts=target/fuzz/artifacts/$t/; log=target/fuzz/$t.log
    mkdir -p "$corpus" "$artifacts"
    for file in fuzz/seeds/"$t"/* $(seeds_of "$t"); do [ -f "$file" ] && cp "$file" "$corpus/$(sha256sum "$file" | cut -c1-16)"; done
    seed=$((RANDOM * 32768 + RANDOM + 1))
    max_len=4096; case $t in tiff | zip) max_len=16384 ;; interventions) max_len=16384 ;; esac
    ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=5:detect_leaks=1 GEMMULE_FUZZ_TARGET=$t RAYON_NUM_THREADS=2 \
        "$binary" "$corpus" -runs="$runs" -seed="$seed" -rss_limit_mb=512 -malloc_limit_mb=256 -timeout=20 -max_len=$max_len \
        -artifact_prefix="$artifacts" -print_final_stats=1 -verbosity=1 >"$log" 2>&1 || { failed=1; echo "FAILED: $t, see $log and $artifacts"; }
    done_=$(sed -n 's/^stat::number_of_executed_units: //p' "$log"); rss=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
    echo "$t: ${done_:-0} executions, seed $seed, peak ${rss:-?} MiB, corpus $(ls "$corpus" | wc -l) files"
    executed=$((executed + ${done_:-0})); [ "${rss:-0}" -gt $peak ] && peak=$rss
    rm -rf /dev/shm/gemmule-fuzz-"$t"-*
done
echo "in all: $executed executions, largest peak $peak MiB, $([ $failed = 0 ] && echo "no panic, leak, hang or excess of memory" || echo "FAULTS FOUND")"
exit $failed
