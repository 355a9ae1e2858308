#!/usr/bin/env bash
# Compares the public API with the last release (tag v*): what breaks it needs a new version. Installs cargo-semver-checks where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
tag=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || {
    echo "semver: there is no release (no tag v*) to compare with"
    exit 0
}
command -v cargo-semver-checks >/dev/null || cargo install --locked cargo-semver-checks
cargo semver-checks --package gemmule --baseline-rev "$tag"
