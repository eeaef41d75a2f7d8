#!/usr/bin/env bash
# A process for each cell of an experiment, under GNU parallel, all in one run directory:
#
#   parallel.sh EXPERIMENT.toml DIR
#
# The same command goes on after an interruption. A cell that fails is tried three times in each call.
#
#   CRATYLUS   the program [default: cratylus, on the PATH]
#   JOBS       how many processes at once [default: one for each core]
#   PARALLEL   further options for GNU parallel itself, which reads this variable, such as --sshloginfile
set -euo pipefail

stop() {
    echo "parallel.sh: $1" >&2
    exit 2
}

[ $# -eq 2 ] || stop "expected an experiment and a folder: parallel.sh EXPERIMENT.toml DIR"
cratylus=${CRATYLUS:-cratylus}
command -v "$cratylus" >/dev/null || stop "there is no program $cratylus; set CRATYLUS to its path"
# Another program of this name is in the package moreutils.
parallel --version 2>/dev/null | grep -q '^GNU parallel' || stop "GNU parallel is not installed; it is the package parallel on Debian, Ubuntu and Fedora"
experiment=$1 dir=$2
log=$dir.joblog cells=$dir.cells

mkdir -p "$(dirname "$dir")"
trap 'rm -f "$cells.new" "$log.new"' EXIT
"$cratylus" plan "$experiment" --json | sed -n 's/.*"hash": *"\([0-9a-f]*\)".*/\1/p' >"$cells.new"
if [ -e "$cells" ] && ! cmp -s "$cells" "$cells.new"; then
    stop "$dir was begun with other cells: the experiment or a file it reads has changed. Use another folder, or remove $cells, $log and $dir"
fi
mv "$cells.new" "$cells"
# GNU parallel leaves out what its log holds, what failed too. So that goes.
if [ -e "$log" ]; then
    awk -F '\t' 'NR == 1 || ($7 == 0 && $8 == 0)' "$log" >"$log.new"
    mv "$log.new" "$log"
fi

if ! parallel ${JOBS:+--jobs "$JOBS"} --joblog "$log" --resume --retries 3 \
    "$cratylus" run "$experiment" --quiet --threads 1 --cell {} --out "$dir" :::: "$cells"; then
    echo "parallel.sh: some cells failed; what they said is above, and $log has their exit codes. The same command tries them again" >&2
    exit 1
fi
"$cratylus" merge "$dir"
