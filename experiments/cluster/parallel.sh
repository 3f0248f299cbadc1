#!/usr/bin/env bash
# A sweep on several machines without a scheduler, by GNU parallel over ssh.
#
#   experiments/cluster/parallel.sh FILE.toml RESULT.h5 SHARDS [HOSTS]
#
# HOSTS is a file with a host in each line (user@host, or 4/host for four shards at a time on it); without it all shards
# run here. RESULT.h5 lies in a folder that all hosts share; ECPHORY is the program there. Called again, it does what is
# missing.
set -euo pipefail
if [[ $# -lt 3 ]]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
ecphory=${ECPHORY:-ecphory}
file=$(realpath "$1")
result=$(realpath "$2")
shards=$3
hosts=(--sshlogin :)
[[ $# -lt 4 ]] || hosts=(--sshloginfile "$4")

# Exit 3 says that points failed: they are recorded, and the shard is done. --retries gives a shard whose machine went away
# to another one.
parallel "${hosts[@]}" --retries 3 --line-buffer --tagstring 'shard {}' \
  "$ecphory run '$file' --output '$result' --shard {}/$shards --resume || [ \$? -eq 3 ]" ::: $(seq "$shards")

exec "$ecphory" collect "${result%.*}.sweep" --output "$result"
