#!/usr/bin/env bash
# Builds what a release hands out, and tests what it built: binary, C library, Python wheel, SBOM, checksums.
#
#   dev/release.sh [FOLDER]         (default: target/release-VERSION)
#
# FOLDER gets gemmule-VERSION-TRIPLE.tar.gz (program), gemmule-c-VERSION-TRIPLE.tar.gz (header, libraries, pkg-config, CMake), the wheel, one CycloneDX
# document for each of the three, and SHA256SUMS. It is refused where something is not committed (GEMMULE_RELEASE_DIRTY=yes: a trial), or where versions differ.
# Needs a C compiler, pkg-config and Python 3.10; takes cargo-cyclonedx from PATH or installs it into target/tools, and maturin into target/tools/release.
# Archives hold no time of their own but that of the commit: the same commit and compiler give the same bytes of them where they give the same binaries.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

say() { printf '\n== %s\n' "$*"; }
fail() { echo "release: $*" >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
triple=$(rustc -vV | sed -n 's/^host: //p')
out=${1:-target/release-$version}
for manifest in bindings/*/Cargo.toml; do
    grep -q "^version = \"$version\"" "$manifest" || fail "$manifest is not of version $version, that of Cargo.toml: make them equal"
done
grep -q "^## $version" CHANGELOG.md || fail "CHANGELOG.md has no entry '## $version': write it"
if [ -n "$(git status --porcelain)" ]; then
    [ "${GEMMULE_RELEASE_DIRTY:-}" = yes ] || fail "the work tree has changes: commit them, or set GEMMULE_RELEASE_DIRTY=yes for a trial"
    say "A TRIAL: what is built is no commit"
fi
if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then fail "$out is not empty: name another folder, or delete it"; fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
epoch=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH=$epoch
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say "tools"
export PATH=$PATH:$root/target/tools/bin
command -v cargo-cyclonedx >/dev/null || cargo install --locked --debug --root target/tools cargo-cyclonedx@0.5.9
venv=$root/target/tools/release
[ -x "$venv/bin/maturin" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check "maturin>=1.9,<2"; }

say "program and C library"
cargo build --locked --release -p gemmule -p gemmule-c
built=${CARGO_TARGET_DIR:-$root/target}/release

pack() { # NAME: $work/NAME as NAME.tar.gz
    tar -C "$work" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner -cf - "$1" | gzip -n9 >"$out/$1.tar.gz"
}
program=gemmule-$version-$triple
mkdir "$work/$program"
install -m 755 "$built/gemmule" "$work/$program/"
strip "$work/$program/gemmule"
cp README.md CORRECTNESS.md CHANGELOG.md LICENSE-* "$work/$program/"
pack "$program"

library=gemmule-c-$version-$triple
bindings/c/install.sh "$work/$library" "$built"
cp LICENSE-* "$work/$library/"
pack "$library"

say "wheel"
"$venv/bin/maturin" build --locked --release --compatibility off --manifest-path bindings/python/Cargo.toml --out "$out"
wheels=("$out"/*.whl)
[ ${#wheels[@]} = 1 ] || fail "maturin made ${#wheels[@]} wheels, one is expected"

say "SBOM"
for package in . bindings/c bindings/python; do
    name=$(sed -n 's/^name = "\(.*\)"/\1/p' $package/Cargo.toml | head -1)
    # Written beside the manifest of every member of the workspace, whichever is asked for.
    cargo cyclonedx --quiet --format json --spec-version 1.5 --override-filename release-sbom --manifest-path $package/Cargo.toml
    mv "$package/release-sbom.json" "$out/$name-$version.cdx.json"
    rm -f release-sbom.json bindings/*/release-sbom.json
done

say "checksums"
(cd "$out" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)

# From here on only what lies in the folder is used.
say "smoke tests: checksums and SBOM"
(cd "$out" && sha256sum --check --quiet SHA256SUMS)
python3 - "$out" "$version" <<'PY'
import json, pathlib, subprocess, sys
out, version = pathlib.Path(sys.argv[1]), sys.argv[2]
for name in ("gemmule", "gemmule-c", "gemmule-python"):
    bom = json.loads((out / f"{name}-{version}.cdx.json").read_text())
    assert bom["bomFormat"] == "CycloneDX" and bom["metadata"]["component"]["name"] == name, name
    listed = {(c["name"], c["version"]) for c in bom["components"]}
    tree = subprocess.run(
        ["cargo", "tree", "--locked", "-p", name, "-e", "normal", "--prefix", "none", "--format", "{p}"],
        check=True, capture_output=True, text=True).stdout
    used = {(line.split()[0], line.split()[1].lstrip("v")) for line in tree.splitlines() if line}
    missing = used - listed - {(name, version)}
    assert not missing, f"the SBOM of {name} lacks {sorted(missing)}"
    print(f"{name}: {len(listed)} components, all {len(used)} crates of cargo tree among them")
PY

say "smoke test: program"
mkdir "$work/unpacked"
cd "$work/unpacked"
tar -xzf "$out/$program.tar.gz"
gemmule=$PWD/$program/gemmule
[ "$("$gemmule" --version)" = "gemmule $version" ] || fail "the program calls itself $("$gemmule" --version)"
"$gemmule" --quiet demo -o demo
[ "$(wc -l <demo/results/spines.csv)" -gt 5 ] || fail "the demo found no spines"

say "smoke test: C library"
tar -xzf "$out/$library.tar.gz"
export PKG_CONFIG_PATH=$PWD/$library/lib/pkgconfig
# shellcheck disable=SC2046 # flags are words
cc -std=c11 -Wall -Wextra -Werror -I"$root/bindings/c/tests" -o shared "$root/bindings/c/tests/program.c" $(pkg-config --cflags --libs gemmule) -lm
# shellcheck disable=SC2046
cc -std=c11 -I"$root/bindings/c/tests" -o static "$root/bindings/c/tests/program.c" $(pkg-config --cflags gemmule) "$library/lib/libgemmule.a" \
    $(pkg-config --static --libs-only-l gemmule | sed 's/-lgemmule//')
printf '[phantom]\nplanes = 14\nrows = 160\ncolumns = 200\n' >p.toml
"$gemmule" --quiet phantom --params p.toml --seed 3 --days 0,2 -o p >/dev/null
"$gemmule" --quiet detect p/s0.tif --backend cpu -o cli >/dev/null
for kind in shared static; do
    mkdir c-$kind
    cp cli/labels.tif c-$kind/
    LD_LIBRARY_PATH=$PWD/$library/lib ./$kind same p/s0.tif c-$kind
    LD_LIBRARY_PATH=$PWD/$library/lib ./$kind misuse
    cmp c-$kind/spines.csv cli/spines.csv
    cmp c-$kind/dendrites.csv cli/dendrites.csv
    echo "$kind library: the tables of the program, byte for byte"
done

say "smoke test: wheel, in a fresh environment"
python3 -m venv wheel
wheel/bin/pip install --quiet --disable-pip-version-check "$out"/*.whl
wheel/bin/python - "$version" cli/spines.csv <<'PY'
import sys
import gemmule
import pandas
assert gemmule.__version__ == sys.argv[1], gemmule.__version__
found = gemmule.detect(gemmule.read_stack("p/s0.tif"))
expected = pandas.read_csv(sys.argv[2])
assert len(found.spines) == len(expected) > 0, (len(found.spines), len(expected))
print(f"{len(found.spines)} spines, as many as the program finds")
PY
wheel/bin/gemmule --version

say "release $version: $out"
ls -l "$out"
