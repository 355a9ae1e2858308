#!/usr/bin/env bash
# Spines of a volume far larger than the memory allowed: an OME-Zarr of 20 GB, or a TIFF, within 2 GiB.
#
#   tests/large/run.sh [PLANES [ROWS_AND_COLUMNS [LIMIT [FILE]]]]     (default: 1280 2048 2GiB large.zarr)
#   tests/large/run.sh 500 2048 2GiB large.tif                        a TIFF of 16 bit, 4.2 GB, which takes as much of the disk
#
# Builds gemmule, or takes the program that GEMMULE names. Needs target/venv with tifffile (test.sh makes it), Linux, and some 200 MB of disk. Fails if the peak of memory is above the limit, or if what is found in each of the
# three places where a small field lies is not what is found in that field alone, give or take what noise decides.
set -euo pipefail
cd "$(dirname "$0")/../.."
planes=${1:-1280} side=${2:-2048} limit=${3:-2GiB} file=${4:-large.zarr}
[ -n "${GEMMULE:-}" ] || cargo build --locked --release --quiet
gemmule=${GEMMULE:-$PWD/target/release/gemmule} python=$PWD/target/venv/bin/python
dir=$(mktemp -d "$PWD/target/large-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
# Planes of one stack move as one: fields that each move by themselves would be no such stack.
printf '[phantom]\nplanes = 64\nrows = 1024\ncolumns = 1024\nplane_jitter_um = 0.0\n' >field.toml
# Its dendrite lies in the middle, so that the first planes hold neuropil and noise only.
printf '[phantom]\nplanes = 128\nrows = 512\ncolumns = 512\ndendrites = 1\naxons = 0\nplane_jitter_um = 0.0\n' >empty.toml
for name in field empty; do "$gemmule" phantom --params $name.toml --seed 1 -o $name --quiet >/dev/null; done
"$python" "$OLDPWD/tests/large/make.py" "$file" "$planes" "$side" "$side" field/stack.tif empty/stack.tif >corners
"$gemmule" info "$file"
"$gemmule" detect field/stack.tif -o alone --backend cpu --quiet >/dev/null
"$python" - "$gemmule" "$limit" "$file" <<'PY'
import csv, os, re, resource, subprocess, sys, time

gemmule, limit, file = sys.argv[1:]
units = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
number, unit = re.fullmatch(r"([\d.]+)(\w+)", limit).groups()
begun = time.time()
subprocess.run([gemmule, "detect", file, "-o", "found", "--backend", "cpu", "--quiet", "--memory-limit", limit], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
peak = used.ru_maxrss * 1024

def heads(path, corner=(0, 0, 0)):
    places = [[float(row[f"{axis}_um"]) for axis in "zyx"] for row in csv.DictReader(open(path))]
    return [[v - c * um for v, c, um in zip(place, corner, (1.0, 0.1, 0.1))] for place in places]

alone, worst = heads("alone/spines.csv"), 1.0
for corner in (tuple(map(int, line.split())) for line in open("corners")):
    found = heads("found/spines.csv", corner)
    near = lambda a, b: abs(a[0] - b[0]) < 1.5 and (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2 < 0.25
    share = sum(any(near(a, b) for b in found) for a in alone) / len(alone)
    print(f"field at voxel {corner}: {share:.3f} of its {len(alone)} spines")
    worst = min(worst, share)
parts = [os.path.join(d, f) for d, _, names in os.walk(file) for f in names] or [file]
size = sum(os.stat(part).st_size for part in parts)
print(f"{time.time() - begun:.0f} s, {used.ru_utime + used.ru_stime:.0f} CPU-s, peak {peak / 2**20:.0f} MiB of {limit}, {size / 1e9:.1f} GB of files")
sys.exit(not (alone and worst >= 0.9 and peak <= float(number) * units[unit]))
PY
