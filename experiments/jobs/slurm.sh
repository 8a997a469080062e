#!/usr/bin/env bash
# A run on several GPU nodes under Slurm; JAX finds the processes out by itself.
#
#   sbatch --nodes=4 experiments/jobs/slurm.sh s5wm_fourrooms \
#     /shared/runs/s5wm --gin_bindings="BATCH = 32"
#
# The first argument is an experiment, the second a run folder that all nodes
# see; what follows are further flags of the launcher. Data sets lie in
# TFDS_DATA_DIR. Before the time is over, and before a preemption, Slurm sends
# SIGTERM: the run is saved, ends with code 143, and is queued again.
#SBATCH --job-name=s4wm
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -uo pipefail

experiment="${1:?an experiment, such as s5wm_fourrooms}"
workdir="${2:?a run folder on shared storage}"
shift 2
export TFDS_DATA_DIR="${TFDS_DATA_DIR:-$(dirname "$workdir")/data}"

srun --kill-on-bad-exit=0 python -m experiments.launch \
  --distributed --gin_file="$experiment.gin" --workdir="$workdir" "$@" &
step=$!
trap 'wait "$step"' TERM
wait "$step"
code=$?
if [ "$code" = 143 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
