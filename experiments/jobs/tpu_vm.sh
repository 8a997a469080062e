#!/usr/bin/env bash
# A run on a TPU slice, asked for as a queued resource of Google Cloud.
#
#   PROJECT=mine ZONE=us-east5-b BUCKET=gs://mine REPOSITORY=URL REVISION=main \
#     bash experiments/jobs/tpu_vm.sh s5wm_fourrooms v5litepod-16 \
#     v2-alpha-tpuv5-lite --gin_bindings="BATCH = 16"
#
# Arguments: an experiment, the type of accelerator, the version of its runtime;
# what follows are further flags of the launcher. Each host mounts the bucket,
# and run folder and data set lie there; it needs a hierarchical namespace, for a
# checkpoint is committed by renaming its folder. A preempted slice is asked for
# again by repeating the command: the run goes on from its last checkpoint. A lost
# connection stops nothing; repeating the command follows the log again.
set -euo pipefail

experiment="${1:?an experiment, such as s5wm_fourrooms}"
accelerator="${2:?a type such as v5litepod-16}"
runtime="${3:?a version such as v2-alpha-tpuv5-lite}"
shift 3
: "${PROJECT:?}" "${ZONE:?}" "${BUCKET:?}" "${REPOSITORY:?}" "${REVISION:=main}"
name="s4wm-${experiment//_/-}"
node=(--project="$PROJECT" --zone="$ZONE")

state() {
  gcloud compute tpus queued-resources describe "$name" "${node[@]}" \
    --format='value(state.state)' 2>/dev/null || true
}

case "$(state)" in SUSPENDED | FAILED)  # A preempted request is not served again.
  gcloud compute tpus queued-resources delete "$name" "${node[@]}" --force --quiet
  ;;
esac
if [[ -z "$(state)" ]]; then
  gcloud compute tpus queued-resources create "$name" "${node[@]}" \
    --node-id="$name" --accelerator-type="$accelerator" \
    --runtime-version="$runtime" --spot
fi
until now="$(state)" && [[ $now == ACTIVE ]]; do
  case "$now" in SUSPENDED | FAILED)
    echo "the request is $now; repeat the command" >&2
    exit 1
    ;;
  esac
  sleep 60
done

everywhere() {
  gcloud compute tpus tpu-vm ssh "$name" "${node[@]}" --worker=all \
    --command="$1"
}

everywhere "
  set -e
  flock -n ~/lock true || exit 0  # It is running.
  command -v gcsfuse || { echo 'the runtime has no gcsfuse' >&2; exit 1; }
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo 'the runtime has no Python 3.11; take a newer one' >&2; exit 1; }
  mkdir -p ~/bucket
  mountpoint -q ~/bucket || gcsfuse --implicit-dirs '${BUCKET#gs://}' ~/bucket
  test -d ~/s4wm || git clone '$REPOSITORY' ~/s4wm
  cd ~/s4wm && git fetch && git checkout '$REVISION'
  python3 -m pip install -q -e '.[tpu]'
"
launch=$(printf '%q ' python3 -m experiments.launch --distributed \
  --gin_file="$experiment.gin" --workdir="../bucket/runs/$experiment" "$@")
everywhere "
  cd ~/s4wm
  export TFDS_DATA_DIR=~/bucket/data
  nohup setsid flock -n ~/lock bash -c $(printf '%q' "$launch; echo \$? >~/code") \
    >>~/log.txt 2>&1 </dev/null &
  sleep 5
  tail -n 50 -f ~/log.txt &
  follow=\$!
  flock ~/lock true
  sleep 1
  kill \$follow
  exit \$(cat ~/code)
"
