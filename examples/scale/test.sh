#!/usr/bin/env bash
# Kills launchers, their workers and the program half way, starts them again, and compares what comes of it
# with an undisturbed run on this machine: the same bytes, and nothing that was there is computed again.
#
#   CRATYLUS   the program [default: cratylus, on the PATH]
#   PYTHON     a Python that has Ray, for ray_cells.py [default: python3]
#
# There is no Slurm in it: slurm.sh is started with the variables that Slurm sets, and an scontrol that only
# notes what it was asked.
set -uo pipefail
cd "$(dirname "$0")"
program=$(command -v "${CRATYLUS:-cratylus}") || {
    echo "test.sh: there is no program ${CRATYLUS:-cratylus}; set CRATYLUS to its path" >&2
    exit 2
}
program=$(realpath "$program")
python=${PYTHON:-python3}
# A short path, because Ray makes sockets in it.
tmp=$(mktemp -d /tmp/launch.XXXXXX)
passed=0 failed=0 skipped=0 cluster=

leave() {
    [ -z "$cluster" ] || { kill -TERM "$cluster" && wait "$cluster"; } 2>/dev/null
    if [ "$failed" -eq 0 ]; then rm -rf "$tmp"; else echo "what was left is in $tmp" >&2; fi
}
trap leave EXIT

check() {
    local title=$1
    shift
    if "$@" >"$tmp/check.log" 2>&1; then
        passed=$((passed + 1)) && echo "ok      $title"
    else
        failed=$((failed + 1)) && echo "FAILED  $title"
        sed 's/^/        /' "$tmp/check.log"
    fi
}

skip() {
    skipped=$((skipped + 1))
    echo "SKIPPED $1"
}

# Long enough that there is a half way: some 24 cells of half a second.
cat >"$tmp/experiment.toml" <<'TOML'
name = "launched"
seed = 7
replicas = 12

[population]
size = 1000

[game]
kind = "coordination"
names = ["Q", "M"]
memory = 3

[agents]
kind = "best-response"

[stop]
interactions = 40_000_000

[record]
interactions = false

[sweep]
"population.size" = [500, 1000]
TOML

# Stands in for the program, and notes which files were there before they are joined.
mkdir "$tmp/bin"
cat >"$tmp/bin/cratylus" <<SH
#!/usr/bin/env bash
[ "\$1" != merge ] || find "$tmp" -path '*/parts/*.runs.parquet' -printf '%p %i %T@\\n' >"$tmp/before-merge"
exec "$program" "\$@"
SH
cat >"$tmp/bin/scontrol" <<SH
#!/usr/bin/env bash
echo "\$*" >>"$tmp/scontrol"
SH
chmod +x "$tmp/bin/cratylus" "$tmp/bin/scontrol"
export CRATYLUS=$tmp/bin/cratylus PATH=$tmp/bin:$PATH

list() { # the finished files of cells, with the numbers and times that change when a file is written again
    find "$@" -path '*/parts/*.runs.parquet' -printf '%p %i %T@\n' 2>/dev/null | sort
}

n_cells() { list "$@" | wc -l; }

half_way() { # DIR CELLS: waits until so many are there
    for _ in $(seq 600); do
        [ "$(n_cells "$1")" -lt "$2" ] || return 0
        sleep 0.05
    done
    echo "after 30 seconds there were only $(n_cells "$1") cells in $1"
    return 1
}

same() { # the tables of two run directories
    cmp "$1/runs.parquet" "$2/runs.parquet" && cmp "$1/measures.parquet" "$2/measures.parquet"
}

kept() { # FILE: what was there when something was killed was there, untouched, when all was joined
    [ -s "$1" ] || { echo "nothing was there"; return 1; }
    ! comm -23 <(sed 's#//*#/#g' "$1" | sort) <(sed 's#//*#/#g' "$tmp/before-merge" | sort) | grep .
}

gone() { # PATTERN: within ten seconds no program works on what it names
    for _ in $(seq 100); do
        pgrep -f -- "$1" >/dev/null || return 0
        sleep 0.1
    done
    pgrep -af -- "$1"
    return 1
}

ended() { # PID: within two seconds; a process that nobody has reaped yet has no command line
    for _ in $(seq 20); do
        [ -n "$(tr -d '\0' <"/proc/$1/cmdline" 2>/dev/null)" ] || return 0
        sleep 0.1
    done
    ps -p "$1" -o pid,ppid,stat,args
    return 1
}

between() { # NUMBER LOW HIGH, both left out
    [ "$1" -gt "$2" ] && [ "$1" -lt "$3" ] || { echo "$1 is not between $2 and $3"; return 1; }
}

check "an undisturbed run is what the others are compared with" "$program" run "$tmp/experiment.toml" --quiet --out "$tmp/whole"
[ "$failed" -eq 0 ] || exit 1

echo "Slurm: slurm.sh, without Slurm"
export SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_JOB_ID=77 SLURM_CPUS_PER_TASK=1
dir=$tmp/slurm
shard() { SLURM_ARRAY_TASK_ID=$1 SLURM_RESTART_COUNT=$2 exec bash ./slurm.sh "$tmp/experiment.toml" "$dir"; }

(shard 1 0) >"$tmp/slurm.log" 2>&1 &
task=$!
check "a task begins" half_way "$dir/1" 2
kill -USR1 $task
check "out of time, it ends well" wait $task
check "and has itself queued again" grep -qx 'requeue 77_1' "$tmp/scontrol"
list "$dir" >"$tmp/slurm.before"
check "half way" between "$(n_cells "$dir/1")" 1 8
(MAX_RESTARTS=1 shard 1 1) >"$tmp/slurm.log" 2>&1
check "queued again, it goes on to its end" test "$(n_cells "$dir/1")" -eq 8

(shard 2 0) >"$tmp/slurm.log" 2>&1 &
task=$!
half_way "$dir/2" 2
kill -TERM $task
wait $task
check "preempted, it ends with an error, and leaves queueing to Slurm" test $? -ne 0 -a "$(wc -l <"$tmp/scontrol")" -eq 1
list "$dir/2" >>"$tmp/slurm.before"
(shard 2 1) >"$tmp/slurm.log" 2>&1

(MAX_RESTARTS=0 shard 3 0) >"$tmp/slurm.log" 2>&1 &
task=$!
half_way "$dir/3" 2
kill -USR1 $task
wait $task
check "after too many restarts it ends with an error" test $? -ne 0 -a "$(wc -l <"$tmp/scontrol")" -eq 1
(shard 3 0) >"$tmp/slurm.log" 2>&1 &
task=$!
half_way "$dir/3" 5
pkill -KILL -P $task
wait $task
check "where the program is killed, so does the task" test $? -eq 137
list "$dir/3" >>"$tmp/slurm.before"
(shard 3 1) >"$tmp/slurm.log" 2>&1
check "the shards are joined" cratylus merge "$dir/1" "$dir/2" "$dir/3" --out "$tmp/slurm.merged"
check "to the bytes of the undisturbed run" same "$tmp/whole" "$tmp/slurm.merged"
check "and nothing was computed twice" kept "$tmp/slurm.before"
check "an array that is not numbered from 1 is refused" bash -c "! SLURM_ARRAY_TASK_ID=5 bash ./slurm.sh $tmp/experiment.toml $dir && SHARDS=8 SLURM_ARRAY_TASK_ID=5 bash ./slurm.sh $tmp/experiment.toml $tmp/other"
unset SLURM_ARRAY_TASK_COUNT SLURM_ARRAY_JOB_ID SLURM_CPUS_PER_TASK

echo "GNU parallel: parallel.sh"
if parallel --version 2>/dev/null | grep -q '^GNU parallel'; then
    dir=$tmp/parallel
    export JOBS=2
    bash ./parallel.sh "$tmp/experiment.toml" "$dir" >"$tmp/parallel.log" 2>&1 &
    task=$!
    check "it begins" half_way "$dir" 4
    pkill -KILL -P $task
    kill -KILL $task
    wait $task 2>/dev/null
    # Programs that were playing finish their cells.
    check "killed, it leaves nothing behind that goes on for ever" gone "--out $dir"
    list "$dir" >"$tmp/parallel.before"
    check "half way" between "$(n_cells "$dir")" 3 24
    bash ./parallel.sh "$tmp/experiment.toml" "$dir" >"$tmp/parallel.log" 2>&1 &
    task=$!
    half_way "$dir" 12
    check "a program is killed" kill -KILL "$(pgrep -o -f -- "$program run .* --out $dir")"
    check "the same command goes on to the end" wait $task
    check "with the bytes of the undisturbed run" same "$tmp/whole" "$dir"
    check "and nothing was computed twice" kept "$tmp/parallel.before"
    sed 's/seed = 7/seed = 8/' "$tmp/experiment.toml" >"$tmp/changed.toml"
    check "a changed experiment is refused" bash -c "! bash ./parallel.sh $tmp/changed.toml $dir && test ! -e $dir.cells.new"
    # A cell that fails three times is reported, and tried again by the next call.
    cat >"$tmp/bin/failing" <<SH
#!/usr/bin/env bash
[[ "\$*" != *"--cell \$(tail -1 $tmp/second.cells 2>/dev/null)"* ]] || exit 1
exec "$program" "\$@"
SH
    chmod +x "$tmp/bin/failing"
    sed 's/40_000_000/1000/' "$tmp/experiment.toml" >"$tmp/short.toml"
    check "a cell that fails again and again is an error" bash -c "! CRATYLUS=failing bash ./parallel.sh $tmp/short.toml $tmp/second"
    check "and the next call tries it" bash ./parallel.sh "$tmp/short.toml" "$tmp/second"
else
    skip "GNU parallel is not installed; it is the package parallel on Debian, Ubuntu and Fedora"
fi

echo "Ray: ray_cells.py"
if "$python" -c 'import ray' 2>/dev/null; then
    dir=$tmp/ray
    export RAY_USAGE_STATS_ENABLED=0
    # Newer versions ask for a token where the user has one. This cluster has its own, and the user's is left alone.
    RAY_AUTH_TOKEN=$("$python" -c 'import secrets; print(secrets.token_hex(32))')
    export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
    port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$python" -m ray.scripts.scripts start --head --block --node-ip-address=127.0.0.1 \
        --port="$port" --num-cpus=2 --include-dashboard=false --disable-usage-stats --temp-dir="$tmp/r" >"$tmp/cluster.log" 2>&1 &
    cluster=$!
    driver() { exec "$python" ./ray_cells.py "$tmp/experiment.toml" --out "$dir" --address "127.0.0.1:$port" >"$tmp/driver.log" 2>&1; }
    up() {
        for _ in $(seq 120); do
            ! grep -q 'Ray runtime started' "$tmp/cluster.log" || return 0
            sleep 1
        done
        cat "$tmp/cluster.log"
        return 1
    }
    check "a Ray of two workers is up" up
    [ "$failed" -eq 0 ] || exit 1

    driver &
    task=$!
    check "a driver begins" half_way "$dir" 3
    kill -KILL $task
    wait $task 2>/dev/null
    check "the driver is killed, and the programs that it had started end" gone "--out $dir"
    list "$dir" >"$tmp/ray.before"
    check "half way" between "$(n_cells "$dir")" 2 24
    driver &
    task=$!
    half_way "$dir" 10
    # The parent of a program is a worker.
    victim=$(pgrep -o -f -- "$program run .* --out $dir")
    worker=$(ps -o ppid= -p "${victim:-0}" | tr -d ' ')
    check "a worker is killed" kill -KILL "${worker:-none}"
    check "and its program with it" ended "${victim:-0}"
    check "the second driver goes on to the end" wait $task
    check "with the bytes of the undisturbed run" same "$tmp/whole" "$dir"
    check "and nothing was computed twice" kept "$tmp/ray.before"
    check "started once more, it finds all done" "$python" ./ray_cells.py "$tmp/experiment.toml" --out "$dir" --address "127.0.0.1:$port"
else
    skip "Ray is not installed for $python; pip install -r requirements.txt, and PYTHON names the Python that has it"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
