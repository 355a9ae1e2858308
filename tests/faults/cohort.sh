#!/usr/bin/env bash
# A cohort of 40 small series under 100 kills at random times and 20 injected faults; its tables must be those of an undisturbed run, byte by byte.
#
#   tests/faults/cohort.sh [KILLS [FAULTS [SERIES [SEED]]]]     (default: 100 20 40 1)
#
# Builds gemmule (GEMMULE=PROGRAM takes that one instead) and inject.c; needs a C compiler and Linux. Prints every fault, and at the end how many kills fell into work.
set -euo pipefail
cd "$(dirname "$0")/../.."
kills=${1:-100} faults=${2:-20} series=${3:-40} RANDOM=${4:-1}
[ -n "${GEMMULE:-}" ] || cargo build --locked --quiet
gemmule=$(realpath "${GEMMULE:-target/debug/gemmule}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cc -shared -fPIC -O1 -o "$dir/inject.so" tests/faults/inject.c -ldl
cd "$dir"
cat >small.toml <<'TOML'
[phantom]
planes = 10
rows = 160
columns = 224
dendrites = 1
axons = 0
density_per_um = 0.6
TOML
"$gemmule" phantom --scenario vehicle --animals $((series / 2)) --fovs 1 --days=-1,1 --params small.toml -o c --quiet >/dev/null
command=("$gemmule" cohort c/manifest.csv --backend cpu --quiet --no-pictures -o)
run() { "${command[@]}" "$1"; }
run whole >whole.log 2>&1 || { cat whole.log; exit 1; }
count=$(ls -d whole/series/*/* | wc -l)
echo "$count series, undisturbed: done"

again() { # takes a third of the series away, so that there is work left
    for folder in results/series/*/*; do [ $((RANDOM % 3)) = 0 ] && rm -rf "$folder"; done
    rm -f results/cohort_long.csv
}

killed=0
while [ "$killed" -lt "$kills" ]; do
    # Not through a function: the program itself must be the child that is killed, not a shell that waits for it.
    "${command[@]}" results >log 2>&1 &
    pid=$!
    sleep "$(printf '%d.%03d' $((RANDOM % 2)) $((50 + RANDOM % 900)))"
    kill -9 $pid 2>/dev/null || true
    status=0
    wait $pid 2>/dev/null || status=$?
    case $status in
        137) killed=$((killed + 1)) ;;
        0) again ;;
        *) echo "a run that was not killed ended with $status"; cat log; exit 1 ;;
    esac
done
echo "$killed kills while it worked"

errnos=(28 5 13 0) names=("disk full" "read or write error" "permission denied" "kill -9 in the middle of a write")
injected=0 tried=0
while [ "$injected" -lt "$faults" ]; do
    tried=$((tried + 1))
    [ $tried -gt $((faults * 20)) ] && { echo "faults have no effect"; exit 1; }
    again 2>/dev/null || true
    kind=$((RANDOM % 4))
    stack="c/m$(printf %02d $((1 + RANDOM % (series / 2))))"
    case $kind in
        1) fault="read:$stack:$((1 + RANDOM % 20)):5" ;;
        2) fault="open:$([ $((RANDOM % 2)) = 0 ] && echo "$stack" || echo .tmp/):$((1 + RANDOM % 9)):13" ;;
        *) files=(spines.csv dendrites.csv labels.tif tracks.csv values.csv new_spines.csv run.json .tmp effects.csv cohort_long report.html survival.csv)
            fault="write:${files[RANDOM % ${#files[@]}]}:$((1 + RANDOM % 12)):${errnos[kind]}" ;;
    esac
    if LD_PRELOAD=$dir/inject.so GEMMULE_FAULT=$fault bash -c '"$0" cohort c/manifest.csv -o results --backend cpu --quiet --no-pictures' "$gemmule" >log 2>&1; then continue; fi
    injected=$((injected + 1))
    echo "fault $injected: ${names[kind]} ($fault): $(tail -n1 log | cut -c1-120)"
done

run results >log 2>&1 || { cat log; exit 1; }
different=0
for table in cohort_long.csv cohort_long.parquet cohort_wide.csv effects.csv survival.csv series.csv exclusions.csv report.html; do
    cmp "whole/$table" "results/$table" || different=1
done
for folder in whole/series/*/*; do
    for table in tracks.csv links.csv dynamics.csv values.csv new_spines.csv session-0/spines.csv session-1/spines.csv; do
        cmp "$folder/$table" "results/${folder#whole/}/$table" || different=1
    done
done
[ $different = 0 ] && echo "after $killed kills and $injected faults all tables of $count series are byte-identical to the undisturbed run"
exit $different
