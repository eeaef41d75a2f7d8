#!/usr/bin/env bash
# One shard of an experiment for each task of a Slurm array:
#
#   sbatch --array=1-8 slurm.sh EXPERIMENT.toml DIR
#
# Shard i of 8 goes to DIR/i, and `cratylus merge DIR/*` joins them. A task that is preempted, loses its
# node or runs out of time is queued again and goes on; the cells that it had finished are kept.
#
#   CRATYLUS       the program [default: cratylus, on the PATH]
#   SHARDS         how many shards there are, where the array holds only some: SHARDS=8 sbatch --array=3,5 slurm.sh …
#   MAX_RESTARTS   how often a task that ran out of time queues itself again [default: 20]

#SBATCH --job-name=cratylus
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=cratylus-%A-%a.log
# Two minutes before the time is over, this script is told, and not the program.
#SBATCH --signal=B:USR1@120
set -euo pipefail

stop() {
    echo "slurm.sh: $1" >&2
    exit 2
}

[ $# -eq 2 ] || stop "expected an experiment and a folder: sbatch --array=1-8 slurm.sh EXPERIMENT.toml DIR"
[ -n "${SLURM_ARRAY_TASK_ID:-}" ] || stop "this is no task of a Slurm array; submit it: sbatch --array=1-8 slurm.sh $1 $2"
experiment=$1
shard=$SLURM_ARRAY_TASK_ID
shards=${SHARDS:-$SLURM_ARRAY_TASK_COUNT}
cratylus=${CRATYLUS:-cratylus}
if [ "$shard" -lt 1 ] || [ "$shard" -gt "$shards" ]; then
    stop "task $shard is none of $shards shards; number the array from 1 (--array=1-$shards), or give SHARDS where it holds only some of them"
fi
command -v "$cratylus" >/dev/null || stop "there is no program $cratylus; set CRATYLUS to its path, and export it"

restarts=${SLURM_RESTART_COUNT:-0}
echo "slurm.sh: shard $shard/$shards, restarted $restarts times"
# In the background, because the shell hears of signals only while it waits.
"$cratylus" run "$experiment" --shard "$shard/$shards" --out "$2/$shard" --threads "${SLURM_CPUS_PER_TASK:-1}" &
program=$!

told=
for signal in USR1 TERM INT; do
    # The program ends as it does after Ctrl-C: it finishes or gives up its cells, and says which command goes on.
    trap "told=$signal; kill -INT $program 2>/dev/null || true" $signal
done
while :; do
    code=0
    wait "$program" || code=$?
    # A wait that a signal cut short leaves the program running.
    kill -0 "$program" 2>/dev/null || break
done

[ -n "$told" ] && [ "$code" -ne 0 ] || exit "$code"
if [ "$told" != USR1 ]; then
    # Cancelled, or preempted: then Slurm itself queues the task again.
    exit "$code"
fi
if [ "$restarts" -ge "${MAX_RESTARTS:-20}" ]; then
    echo "slurm.sh: out of time after $restarts restarts; the same sbatch goes on where it stopped" >&2
    exit "$code"
fi
echo "slurm.sh: out of time; queueing shard $shard/$shards again"
scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
