#!/usr/bin/env bash
# Passes or fails the whole project: formatting, lints, docs, tests on the CPU and on a GPU adapter.
#
#   ./test.sh
#
# Needs Rust. Where no Vulkan, Metal or DX12 adapter is found it installs Mesa's software driver by apt (as root or
# with sudo), and Chromium where there is none. Nothing skips silently: no adapter is a failure unless GEMMULE_GPU_TESTS=skip, and no browser one
# unless GEMMULE_BROWSER_TESTS=skip.
# What gemmule writes is read back by Python libraries, which are installed by pip into target/formats-python: GEMMULE_PYTHON_TESTS=skip leaves that out.
# GEMMULE_DATA=DIR names the folder of the real data sets, for the tests that need them.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

adapters() { cargo run --quiet -- bench --list --quiet; }

# Installs packages, as root or with sudo; the first argument says what is missing.
install() {
    local missing=$1; shift
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "no $missing, and neither root nor sudo to install one" >&2; return 1; }
        as_root=(sudo)
    fi
    command -v apt-get >/dev/null || { echo "no $missing, and no apt-get to install one" >&2; return 1; }
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

install_software_driver() { install "adapter" libvulkan1 mesa-vulkan-drivers; }

browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

say "build"
cargo build --locked

if [ "${GEMMULE_GPU_TESTS:-}" = skip ]; then
    say "GPU TESTS ARE SKIPPED: GEMMULE_GPU_TESTS=skip"
else
    say "adapters"
    adapters || { install_software_driver && adapters; } || {
        echo "test.sh: no GPU adapter: install a Vulkan driver, or set GEMMULE_GPU_TESTS=skip" >&2
        exit 1
    }
fi

if [ "${GEMMULE_BROWSER_TESTS:-}" = skip ]; then
    say "REPORTS ARE NOT OPENED IN A BROWSER: GEMMULE_BROWSER_TESTS=skip"
else
    say "browser"
    browser || { install "browser" chromium && browser; } || {
        echo "test.sh: no Chromium: install it, or set GEMMULE_BROWSER_TESTS=skip" >&2
        exit 1
    }
fi

if [ "${GEMMULE_PYTHON_TESTS:-}" = skip ]; then
    say "NO OTHER LIBRARY READS WHAT IS WRITTEN: GEMMULE_PYTHON_TESTS=skip"
else
    say "other libraries"
    venv=target/formats-python
    if ! cmp -s fixtures/microscopes.txt "$venv/installed.txt"; then
        python3 -c 'import ensurepip' 2>/dev/null || install "python3 with venv" python3 python3-venv
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r fixtures/microscopes.txt
        cp fixtures/microscopes.txt "$venv/installed.txt"
    fi
    export GEMMULE_PYTHON=$PWD/$venv/bin/python
fi

say "format"
cargo fmt --check
say "lints"
cargo clippy --locked --all-targets -- -D warnings
say "library without the command line"
cargo clippy --locked --no-default-features --lib -- -D warnings
say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet
say "tests"
cargo test --locked
say "all passed"
