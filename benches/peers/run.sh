#!/usr/bin/env bash
# Times gemmule beside scikit-image, ITK and, where there is a CUDA card, cuCIM and PyTorch: the same volume, the same scales, in turn.
#
#   benches/peers/run.sh                    5 rounds of 64 x 512 x 512 and 64 x 1024 x 1024: over an hour, and up to 16 GB, on 2 cores
#   benches/peers/run.sh --shape 64,512,512 --rounds 7
#   benches/peers/run.sh --quick            one round of 16 x 64 x 64: whether everything runs; its ratios say nothing
#   benches/peers/run.sh --help             the other options
#
# Makes target/peers-venv, builds gemmule's wheel into it (release profile; CARGO_TARGET_DIR and the like are heeded), and writes target/peers/peers.md and peers.json.
# Needs Rust and Python 3.11 with venv. GEMMULE_PEERS_CUDA=skip leaves out what needs a card, 4 GB to install.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=benches/peers
venv=target/peers-venv
case " $* " in *" --help "* | *" -h "*) exec python3 $here/compare.py --help ;; esac

python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' || {
    echo "run.sh: python3 is older than 3.11 or has no venv: install python3 (3.11 or later) and python3-venv" >&2
    exit 1
}

# Installs what a list pins, if it has changed since it was installed here.
install() {
    local list=$1 done=$venv/$1
    cmp -s "$here/$list" "$done" && return
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/$list" && cp "$here/$list" "$done"
}

[ -x $venv/bin/python ] || python3 -m venv $venv
install requirements.txt
if [ "${GEMMULE_PEERS_CUDA:-}" = skip ]; then
    echo "run.sh: cuCIM and PyTorch are not installed: GEMMULE_PEERS_CUDA=skip" >&2
elif nvidia-smi -L >/dev/null 2>&1; then
    install requirements-cuda.txt || echo "run.sh: cuCIM or PyTorch could not be installed: timed without" >&2
else
    echo "run.sh: cuCIM and PyTorch are not installed: nvidia-smi finds no card" >&2
fi
# The version stays the same from one commit to the next, so pip must be told.
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall ./bindings/python
exec "$venv/bin/python" $here/compare.py "$@"
