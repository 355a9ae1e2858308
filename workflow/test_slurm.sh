#!/usr/bin/env bash
# Runs a cohort of phantoms through workflow/Snakefile on a Slurm of Debian's packages, started here; kills a job in the middle; its tables must be those of one machine.
#
#   workflow/test_slurm.sh [ANIMALS]        (default 6: six series)
#
# As root on Debian or Ubuntu: installs slurmctld, slurmd and munge by apt and Snakemake by pip where they are missing. Its Slurm has ports, keys and folders of its own and is
# stopped at the end; KEEP=1 leaves its folder. GEMMULE names a built program; otherwise one is built.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD animals=${1:-6}
[ "$(id -u)" = 0 ] || { echo "test_slurm.sh: Slurm's daemons need root" >&2; exit 1; }

for program in slurmctld slurmd sbatch munged; do
    command -v $program >/dev/null || missing=1
done
if [ -n "${missing:-}" ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge python3 python3-venv >/dev/null
fi
venv=${SNAKEMAKE_VENV:-target/snakemake}
if ! [ -x "$venv/bin/snakemake" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r workflow/requirements.txt
fi
export PATH=$(realpath "$venv")/bin:$PATH
if [ -z "${GEMMULE:-}" ]; then cargo build --locked --release --quiet; GEMMULE=$root/target/release/gemmule; fi

dir=$(mktemp -d /tmp/gemmule-slurm.XXXXXX)
pids=()
stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    [ "$(readlink /etc/slurm/slurm.conf)" != "$dir/slurm.conf" ] || rm /etc/slurm/slurm.conf
    sleep 1
    if [ -n "${KEEP:-}" ]; then echo "kept: $dir"; else rm -rf "$dir"; fi
}
trap stop EXIT
mkdir -p "$dir"/{state,spool,munge}
chmod 755 "$dir"

# Munge, with a key and a socket of its own.
dd if=/dev/urandom of="$dir/munge/key" bs=1024 count=1 status=none
chmod 400 "$dir/munge/key"; chown -R munge: "$dir/munge"
install -d -o munge -m 755 "$dir/munge/run"
su munge -s /bin/sh -c "exec munged --foreground --key-file=$dir/munge/key --socket=$dir/munge/run/socket --pid-file=$dir/munge/run/pid --log-file=$dir/munge/run/log --seed-file=$dir/munge/run/seed" >"$dir/munged.out" 2>&1 &
pids+=($!)

host=$(hostname -s) cores=$(nproc) memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
port=$((20000 + RANDOM % 20000))
cat >"$dir/slurm.conf" <<CONF
ClusterName=gemmule
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$dir/munge/run/socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MinJobAge=3600
ReturnToService=2
InactiveLimit=0
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
# Jobs do not inherit SLURM_CONF: what they start finds the configuration where Debian has it.
[ ! -e /etc/slurm/slurm.conf ] || { echo "this machine has a Slurm of its own (/etc/slurm/slurm.conf): not touched" >&2; exit 1; }
mkdir -p /etc/slurm
ln -s "$dir/slurm.conf" /etc/slurm/slurm.conf
export SLURM_CONF=$dir/slurm.conf
for _ in $(seq 50); do [ -S "$dir/munge/run/socket" ] && break; sleep 0.2; done
slurmctld -D -f "$SLURM_CONF" >"$dir/slurmctld.out" 2>&1 & pids+=($!)
slurmd -D -f "$SLURM_CONF" >"$dir/slurmd.out" 2>&1 & pids+=($!)
for _ in $(seq 60); do sinfo -h -o %t 2>/dev/null | grep -q idle && break; sleep 0.5; done
sinfo || { cat "$dir"/slurm*.log "$dir"/slurm*.out; exit 1; }
sinfo -h -o %t | grep -q idle || { echo "the node is not idle"; tail -n 20 "$dir"/slurm*.log "$dir"/slurm*.out; exit 1; }

cd "$dir"
printf '[phantom]\nplanes = 10\nrows = 160\ncolumns = 224\ndendrites = 1\naxons = 0\ndensity_per_um = 0.6\n' >small.toml
"$GEMMULE" phantom --scenario vehicle --animals $((animals / 2)) --fovs 1 --days=-1,1 --params small.toml -o c --quiet >/dev/null
"$GEMMULE" cohort c/manifest.csv -o single --backend cpu --quiet >/dev/null
echo "one machine: done"

# A program that waits before it works, so that a job can be met in the middle; only in its first run.
cat >slow <<SLOW
#!/bin/sh
case "\$*" in *--shard\ 2/*) [ -e "$dir/slow.done" ] || { touch "$dir/slow.done"; sleep 300; } ;; esac
exec "$GEMMULE" "\$@"
SLOW
chmod +x slow
snakemake -s "$root/workflow/Snakefile" --profile "$root/workflow/profiles/slurm" --slurm-no-account --slurm-status-command squeue \
    --slurm-init-seconds-before-status-checks 5 --latency-wait 10 --config manifest=c/manifest.csv out=slurm gemmule="$dir/slow" threads=1 mem_mb=1000 minutes=10 \
    >snakemake.log 2>&1 & smk=$!
pids+=($smk)
for _ in $(seq 240); do
    [ -e "$dir/slow.done" ] && break
    kill -0 $smk 2>/dev/null || break
    sleep 0.5
done
[ -e "$dir/slow.done" ] || { echo "no job came to work"; tail -n 50 snakemake.log; tail -n 20 slurmctld.log slurmd.log; find .snakemake/slurm_logs -type f | head -n 1 | xargs -r tail -n 40; exit 1; }
sleep 1
# The job that sleeps is the one whose series has not been finished: kill -9 to all of its processes.
victim=$(for pid in $(pgrep -x sleep); do tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^SLURM_JOB_ID=//p'; done | head -n1)
[ -n "$victim" ] || { echo "the job to be killed is not there"; exit 1; }
scancel --full --signal=KILL "$victim"
echo "job $victim killed in the middle"
wait $smk || { tail -n 60 snakemake.log; cat slurm/logs/*/*.log | tail -n 20; exit 1; }
grep -c "Trying to restart job" snakemake.log | sed 's/^/restarted jobs: /'
grep -q "Trying to restart job" snakemake.log || { echo "no job was restarted"; exit 1; }

different=0
for table in cohort_long.csv cohort_long.parquet cohort_wide.csv effects.csv survival.csv series.csv exclusions.csv report.html; do
    cmp "single/$table" "slurm/$table" || different=1
done
[ $different = 0 ] || exit 1
awk 'FNR == 2 { n++; s += $1; if ($3 > m) m = $3 } END { printf "%d jobs, %.1f s each in the mean, %.0f MB at most\n", n, s / n, m }' slurm/benchmarks/*/*.tsv
echo "Slurm: tables byte-identical to those of one machine"
