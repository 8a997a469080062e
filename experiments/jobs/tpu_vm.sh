#!/usr/bin/env bash
# A run on a TPU slice, asked for as a queued resource of Google Cloud.
#
#   PROJECT=mine ZONE=us-east5-b BUCKET=gs://mine REPOSITORY=URL REVISION=main \
#     bash experiments/jobs/tpu_vm.sh s5wm_fourrooms v5litepod-16 \
#     v2-alpha-tpuv5-lite --gin_bindings="BATCH = 16"
#
# Arguments: an experiment, the type of accelerator, the version of its runtime;
# what follows are further flags of the launcher. Each host mounts the bucket,
# and run folder and data set lie there. A preempted slice is asked for again by
# repeating the command: the run goes on from its last checkpoint.
set -euo pipefail

experiment="${1:?an experiment, such as s5wm_fourrooms}"
accelerator="${2:?a type such as v5litepod-16}"
runtime="${3:?a version such as v2-alpha-tpuv5-lite}"
shift 3
: "${PROJECT:?}" "${ZONE:?}" "${BUCKET:?}" "${REPOSITORY:?}" "${REVISION:=main}"
name="s4wm-${experiment//_/-}"
node=(--project="$PROJECT" --zone="$ZONE")

if ! gcloud compute tpus queued-resources describe "$name" "${node[@]}" \
  >/dev/null 2>&1; then
  gcloud compute tpus queued-resources create "$name" "${node[@]}" \
    --node-id="$name" --accelerator-type="$accelerator" \
    --runtime-version="$runtime" --spot
fi
until gcloud compute tpus queued-resources describe "$name" "${node[@]}" \
  --format='value(state.state)' | grep -q ACTIVE; do
  sleep 60
done

everywhere() {
  gcloud compute tpus tpu-vm ssh "$name" "${node[@]}" --worker=all \
    --command="$1"
}

everywhere "
  set -e
  command -v gcsfuse || { echo 'the runtime has no gcsfuse' >&2; exit 1; }
  mkdir -p ~/bucket
  mountpoint -q ~/bucket || gcsfuse --implicit-dirs '${BUCKET#gs://}' ~/bucket
  test -d ~/s4wm || git clone '$REPOSITORY' ~/s4wm
  cd ~/s4wm && git fetch && git checkout '$REVISION'
  pip install -q -e '.[tpu]'
"
everywhere "
  cd ~/s4wm
  TFDS_DATA_DIR=~/bucket/data python -m experiments.launch --distributed \
    --gin_file=$experiment.gin --workdir=\$HOME/bucket/runs/$experiment \
    $(printf '%q ' "$@") 2>&1 | tee -a ~/log.txt
"
