#!/usr/bin/env bash
# A sweep as a Slurm job array, one task for each shard.
#
#   sbatch --array=1-16 experiments/cluster/slurm.sh FILE.toml RESULT.h5 [OPTIONS of ecphory run]
#   ecphory collect RESULT.sweep        when squeue shows no task any more
#
# RESULT.h5 lies in a folder that all nodes share; ECPHORY is the program there. Submitted again, it does what is missing;
# SHARDS=16 before sbatch says how many there are when only some of them are submitted.
#SBATCH --job-name=ecphory
#SBATCH --output=%x-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --cpus-per-task=2
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
set -u
shard=$SLURM_ARRAY_TASK_ID/${SHARDS:-$SLURM_ARRAY_TASK_COUNT}

# Two minutes before the time is over Slurm sends USR1 to this script, which hands it on: ecphory commits what is done and
# ends with 128 + 10. When the task is cancelled, preempted or requeued, Slurm sends TERM to ecphory too.
trap '[[ -z ${program:-} ]] || kill -USR1 "$program"' USR1
trap 'ended_by_slurm=yes' TERM

"${ECPHORY:-ecphory}" run "$1" --output "$2" --shard "$shard" --threads "${SLURM_CPUS_PER_TASK:-1}" --resume "${@:3}" &
program=$!
wait "$program"
code=$?
while kill -0 "$program" 2>/dev/null; do # a signal has ended the wait, not the program
  wait "$program"
  code=$?
done

# Stopped by USR1 (138), or killed (137), as by the kernel when memory runs out: what was committed is kept, and the next turn
# does the rest. After TERM Slurm itself queues the task again where it should be.
killed=$((code == 137 && ${SLURM_RESTART_COUNT:-0} < 20))
if [[ -z ${ended_by_slurm:-} && ($code -eq 138 || $killed -eq 1) ]]; then
  echo "shard $shard was stopped ($code) and is queued again"
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
