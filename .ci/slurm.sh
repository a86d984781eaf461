#!/usr/bin/env bash
# A quick run and a small sweep as arrays of a real Slurm, disturbed on the way, against the bytes of one machine:
#
#     .ci/slurm.sh HARNESS
#
# It needs root and Debian's slurm-wlm and munge, which it installs if they are not there. The Slurm is of this machine
# alone: two nodes of one core, whose daemons run under names of their own.
set -euo pipefail
harness=$(realpath "$1")
out=$(mktemp -d)
SLURM=$out/slurm

step() {
    printf '\n==> %s\n' "$*"
    "$@"
}

install() {
    type -P slurmctld slurmd munged >/dev/null && return
    step apt-get update --quiet
    step apt-get install --quiet --yes --no-install-recommends slurm-wlm munge
}

# Starts controller and nodes.
start() {
    mkdir -p "$SLURM/state" /run/munge
    [[ -s /etc/munge/munge.key ]] || mungekey --create --keyfile /etc/munge/munge.key
    chown -R munge: /etc/munge /run/munge
    pgrep -x munged >/dev/null || setpriv --reuid=munge --regid=munge --clear-groups munged
    cat >"$SLURM/slurm.conf" <<CONF
ClusterName=ci
SlurmctldHost=$(hostname -s)
AuthType=auth/munge
AuthInfo=cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$SLURM/state
SlurmdSpoolDir=$SLURM/%n
SlurmctldPidFile=$SLURM/slurmctld.pid
SlurmdPidFile=$SLURM/%n.pid
SlurmctldLogFile=$SLURM/slurmctld.log
SlurmdLogFile=$SLURM/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdTimeout=10
ReturnToService=2
NodeName=n1 NodeHostname=$(hostname -s) Port=17001 CPUs=1 RealMemory=4000
NodeName=n2 NodeHostname=$(hostname -s) Port=17002 CPUs=1 RealMemory=4000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    export SLURM_CONF=$SLURM/slurm.conf
    slurmctld
    node n1
    node n2
    within 60 "two idle nodes" two_idle
}

two_idle() {
    [[ $(sinfo --noheader --Node --states=idle | wc -l) == 2 ]]
}

# Starts the daemon of a node.
node() {
    mkdir -p "$SLURM/$1"
    slurmd -N "$1"
}

# Ends everything that was started.
stop() {
    local code=$? pid
    [[ $code == 0 ]] || { squeue; tail --lines=20 "$out"/*/slurm/*.log "$SLURM"/*.log; } >&2 || true
    scancel --user=root || true
    for pid in "$SLURM"/*.pid; do
        [[ -s $pid ]] && kill "$(<"$pid")" 2>/dev/null || true
    done
    rm -rf "$out"
}

# Waits at most $1 seconds for what $2 names, until the command that follows succeeds.
within() {
    local seconds=$1 what=$2
    shift 2
    for ((i = 0; i < 5 * seconds; i++)); do
        "$@" && return
        sleep 0.2
    done
    echo "waited $seconds s for $what" >&2
    return 1
}

# Whether a task is at work; its process is in task_pid then, and the number of its part in part.
at_work() {
    task_pid=$(pgrep --full --newest -- "^$harness run --part .* --out $run" || true)
    [[ -n $task_pid ]] || return
    part=$(tr '\0' '\n' <"/proc/$task_pid/cmdline" | sed -n 's,/.*,,; 4p')
    [[ -n $part && -n $(find "$run/parts/$(printf %02d "$part")-of-12" -name '*.ckpt' 2>/dev/null | head -n 1) ]]
}

# Whether a task has said that it is queued again after code $1.
queued_again() {
    grep -q "(code $1); queued again" "$run"/slurm/part-*.log
}

# Whether node $1 is in state $2.
node_is() {
    sinfo --noheader --Node --nodes="$1" --format=%T | grep -q "$2"
}

queue_is_empty() {
    local jobs
    jobs=$(squeue --noheader) && [[ -z $jobs ]]
}

# Whether job $1 has a task in state $2.
has_task() {
    squeue --noheader --array --job="$1" --format=%T 2>/dev/null | grep -q "$2"
}

# Compares every file of run $1 with that of run $2, but for what differs by its nature.
compare() {
    diff --recursive --brief --exclude=manifest.json --exclude=parts --exclude=slurm --exclude=plan.csv "$1" "$2"
}

install
trap stop EXIT
start

run=$out/run
step "$harness" run --preset quick --quiet --out "$out/one" >/dev/null
step "$harness" plan --preset quick --out "$run"
step "$harness" submit slurm "$run" --parts 12 --go | tee "$out/jobs"
first=$(sed -n 's/.*round 1 .*job //p' "$out/jobs")

echo "nothing is submitted again meanwhile"
if sh "$run/slurm/submit.sh"; then
    echo "submitted twice" >&2
    exit 1
fi

echo "a task is told that its time is up"
within 60 "a task" at_work
# The task is queued again so soon that scancel may find it gone, and would signal the next attempt as well.
scancel --signal=USR1 --batch "${first}_$part" &
scancel=$!
within 60 "that task in the queue again" queued_again 130
kill "$scancel" 2>/dev/null || true

echo "the program of a task is killed"
within 60 "a task" at_work
step kill -KILL "$task_pid"
within 60 "that task in the queue again" queued_again 137

echo "the daemon of a node is killed, and comes back"
step kill -KILL "$(<"$SLURM/n2.pid")"
within 60 "the node to be given up" node_is n2 down
node n2
within 60 "the node to come back" node_is n2 'idle\|alloc\|mix'

echo "a whole task is killed: its array fails, and what hangs on it is cancelled"
within 120 "a task that runs" has_task "$first" RUNNING
task=$(squeue --noheader --array --job="$first" --states=RUNNING --format=%i | head -n 1)
step scancel --signal=KILL --full "$task"
within 600 "the end of all jobs" queue_is_empty
[[ ! -e $run/claims.csv ]] || { echo "merged although a task was killed" >&2; exit 1; }

echo "submitted again, it goes on"
step "$harness" status "$run"
step sh "$run/slurm/submit.sh"
within 900 "the end of all jobs" queue_is_empty
step "$harness" status "$run"
step compare "$out/one" "$run"

echo "a sweep of small models"
sweep=(synth:synthsaebench-1k --k 4,8 --elements 256 --samples 16384 --quiet)
run=$out/sweep
step "$harness" sae train "${sweep[@]}" --out "$out/one-sweep" >/dev/null
step "$harness" sae plan "${sweep[@]}" --out "$run"
step "$harness" sae submit slurm "$run" --parts 3 --go
within 300 "the end of all jobs" queue_is_empty
step "$harness" sae status "$run"
step compare "$out/one-sweep" "$run"

printf '\nSlurm: all bytes are those of one machine\n'
