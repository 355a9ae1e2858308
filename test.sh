#!/usr/bin/env bash
# Passes or fails the whole project: formatting, lints, docs, tests on the CPU and on a GPU adapter, and the bindings for C, Java, Python and napari.
#
#   ./test.sh
#
# Needs Rust. What else there must be it installs by apt (as root or with sudo) and pip (into target/venv). Nothing skips silently; these variables, set to skip, leave
# out what needs:
#   GEMMULE_GPU_TESTS       a Vulkan, Metal or DX12 adapter (Mesa's software driver is installed where there is none)
#   GEMMULE_BROWSER_TESTS   Chromium
#   GEMMULE_C_TESTS         gcc, g++, pkg-config, cmake, valgrind
#   GEMMULE_JAVA_TESTS      javac and JNA
#   GEMMULE_PYTHON_TESTS    Python 3.10 or later with venv: the bindings, napari, and other libraries that read what gemmule writes
#   GEMMULE_NAPARI_TESTS    napari (some 300 MB) and a virtual display
# GEMMULE_DATA=DIR names the folder of the real data sets, for the tests that need them.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

# Whether what a variable names is left out; says so.
skips() {
    local variable=$1; shift
    [ "${!variable:-}" = skip ] || return 1
    say "$* SKIPPED: $variable=skip"
}

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

adapters() { target/debug/gemmule bench --list --quiet; }

browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

c_tools() { for tool in gcc g++ pkg-config cmake valgrind; do command -v $tool >/dev/null || return 1; done; }

java_tools() { command -v javac >/dev/null && [ -f /usr/share/java/jna.jar ]; }

python_tools() { python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

# What Qt needs of a display that is none.
display_tools() { command -v xvfb-run >/dev/null && ldconfig -p | grep -q libxcb-cursor && ldconfig -p | grep -q libEGL; }

# Runs a check of tools; if it fails, installs the packages and checks again.
need() {
    local check=$1 what=$2 variable=$3; shift 3
    say "$what"
    "$check" || { install "$what" "$@" && "$check"; } || {
        echo "test.sh: no $what: install it, or set $variable=skip" >&2
        exit 1
    }
}

say "build"
# One selection of packages for everything: another has other features, and wgpu would be built once more.
cargo build --locked --workspace --lib --bins --tests --examples

skips GEMMULE_GPU_TESTS "GPU TESTS ARE" || need adapters "GPU adapter" GEMMULE_GPU_TESTS libvulkan1 mesa-vulkan-drivers
skips GEMMULE_BROWSER_TESTS "OPENING REPORTS IN A BROWSER IS" || need browser "Chromium" GEMMULE_BROWSER_TESTS chromium

if ! skips GEMMULE_PYTHON_TESTS "READING WHAT IS WRITTEN BY OTHER LIBRARIES IS"; then
    need python_tools "Python 3.10" GEMMULE_PYTHON_TESTS python3 python3-venv
    formats=target/formats-python
    if ! cmp -s fixtures/microscopes.txt "$formats/installed.txt"; then
        rm -rf "$formats"
        python3 -m venv "$formats"
        "$formats/bin/pip" install --quiet --disable-pip-version-check -r fixtures/microscopes.txt
        cp fixtures/microscopes.txt "$formats/installed.txt"
    fi
    export GEMMULE_PYTHON=$PWD/$formats/bin/python
fi

say "format"
cargo fmt --all --check
say "lints"
cargo clippy --locked --workspace --all-targets -- -D warnings
say "library without the command line"
cargo clippy --locked --no-default-features --lib -- -D warnings
say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
say "tests"
cargo test --locked --workspace
say "semantic versions"
dev/semver.sh

if ! skips GEMMULE_C_TESTS "C AND C++ TESTS ARE"; then
    need c_tools "C compilers, CMake and valgrind" GEMMULE_C_TESTS gcc g++ libc6-dev pkg-config cmake make valgrind
    bindings/c/tests/programs.sh target/debug target/debug/gemmule
    if ! skips GEMMULE_JAVA_TESTS "JAVA TESTS ARE"; then
        need java_tools "JDK and JNA" GEMMULE_JAVA_TESTS default-jdk-headless libjna-java
        bindings/c/tests/java.sh target/debug
    fi
fi

if ! skips GEMMULE_PYTHON_TESTS "PYTHON AND NAPARI TESTS ARE"; then
    say "the wheel, as README.md says"
    [ -x target/venv/bin/python ] || python3 -m venv target/venv
    extras=arrow,test
    if ! skips GEMMULE_NAPARI_TESTS "NAPARI TESTS ARE"; then
        need display_tools "virtual display" GEMMULE_NAPARI_TESTS xvfb xauth libegl1 libgl1 libglx-mesa0 libdbus-1-3 libfontconfig1 \
            libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 \
            libxcb-shape0 libxcb-xinerama0 libxcb-xkb1
        extras=$extras,napari,window
    fi
    target/venv/bin/pip install --quiet --disable-pip-version-check "./bindings/python[$extras]"
    target/venv/bin/pip check --disable-pip-version-check
    say "Python and napari"
    case $extras in
        *napari*) xvfb-run -a -s "-screen 0 1600x1000x24" target/venv/bin/python -m pytest -q bindings/python ;;
        *) target/venv/bin/python -m pytest -q bindings/python ;;
    esac
fi
say "all passed"
