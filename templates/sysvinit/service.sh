#!/bin/sh
#
# {{ id | comment }}: {{ description | comment }}
#
# chkconfig: {{ levels }} {{ start_priority }} {{ stop_priority }}
# description: {{ description | comment }}
#
### BEGIN INIT INFO
# Provides:          {{ id }}
# Required-Start:    $local_fs $remote_fs $network $syslog
# Required-Stop:     $local_fs $remote_fs $network $syslog
{% if should_start %}
# Should-Start:      {{ should_start | join(" ") }}
# Should-Stop:       {{ should_start | join(" ") }}
{% endif %}
{% if start_before %}
# X-Start-Before:    {{ start_before | join(" ") }}
# X-Stop-After:      {{ start_before | join(" ") }}
{% endif %}
# Default-Start:{% if default_start %}     {{ default_start }}{% endif %}

# Default-Stop:{% if default_stop %}      {{ default_stop }}{% endif %}

# Short-Description: {{ description | comment }}
### END INIT INFO

# Exit codes are those of the LSB (Linux Standard Base Core, "Init Script Actions").

name={{ id | sh }}
program={{ argv[0] | sh }}
python={{ python | sh }}
run_pid_file={{ pid_file | sh }}
# Where /var/run is read-only; a place for files that have no directory of their own (FHS 3.0, 5.8.5).
other_pid_file=/var/lib/misc/{{ id | sh }}.pid
lock_file=/var/lock/subsys/{{ id | sh }}
log={{ log | sh }}
# How long a service has to live, in seconds, to count as started, and how long it has for its end before it is killed.
start_wait=3
stop_timeout={{ stop_timeout }}
# Other values of start_wait and stop_timeout can be set here.
for defaults in /etc/default/{{ id | sh }} /etc/sysconfig/{{ id | sh }}; do
    # shellcheck disable=SC1090
    if [ -r "$defaults" ]; then . "$defaults"; fi
done
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# Becomes the service: its own session, its account, its log, its environment and nothing of the caller's.
launcher=$(cat <<'{{ delimiter }}'
{{ launcher }}
{{ delimiter }}
)

locked='' mark=''
say() { echo "$name: $*"; }
complain() { echo "$name: $*" >&2; }

# Seconds since the machine was started; a clock that nobody sets.
uptime_seconds() {
    read -r uptime _ </proc/uptime
    echo "${uptime%%.*}"
}

pause() { sleep 0.1 2>/dev/null || sleep 1; }

# Prints when process $1 was started, in ticks since boot; fails when it is gone or only waited for (proc(5)).
start_of() {
    facts=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # shellcheck disable=SC2086
    set -- ${facts##*) }
    case $1 in Z | X | x) return 1 ;; esac
    echo "${20}"
}

# One start or stop at a time. What is locked is this script itself, so that no lock is ever left behind.
lock() {
    [ -z "$locked" ] && [ -r "$0" ] || return 0
    locked=yes
    exec 9<"$0"
    code=0
    "$python" -E -s -S -c 'import fcntl, signal, sys
signal.signal(signal.SIGALRM, lambda *_: sys.exit(75))
signal.alarm(int(sys.argv[1]))
fcntl.flock(9, fcntl.LOCK_EX)' $((start_wait + stop_timeout + 30)) 2>/dev/null || code=$?
    [ "$code" -ne 75 ] || { complain "another start or stop is still going on"; return 1; }
}
{% if scheduled %}

unlock() {
    exec 9<&-
    locked=''
}
{% endif %}

# Sets pid to the process in the pid file. It fails when there is none, when it is dead, and when its number now
# belongs to another process, which was started at another time.
find_running() {
    pid='' started='' mark=''
    for pid_file in "$other_pid_file" "$run_pid_file"; do
        [ -r "$pid_file" ] || continue
        { read -r pid; read -r started; read -r mark; } <"$pid_file"
        case $mark in *[!0-9a-f]*) mark='' ;; esac
        case $pid in '' | *[!0-9]*) pid=''; continue ;; esac
        if [ "$(start_of "$pid")" = "${started:-none}" ]; then return 0; fi
    done
    return 1
}

# Is process $1, or one of its group, left? It is in its own group only after a moment. Those that are dead and only
# waited for do not count.
group_lives() {
    ! start_of "$1" >/dev/null || return 0
    kill -0 "-$1" 2>/dev/null || return 1
    for stat in /proc/[0-9]*/stat; do
        facts=$(cat "$stat" 2>/dev/null) || continue
        # shellcheck disable=SC2086
        set -- "$1" ${facts##*) }
        [ "$4" = "$1" ] || continue
        case $2 in Z | X | x) ;; *) return 0 ;; esac
    done
    return 1
}

# Processes of this start of the service that left group $1 for a session of their own: they still have the mark of the
# start in their environment. Not looked for when the service itself runs this script, which then has the mark, too.
strays() {
    if [ -z "$mark" ] || [ "${INVOCATION_ID:-}" = "$mark" ]; then return 0; fi
    # Paths below /proc have no blanks.
    # shellcheck disable=SC2013
    for stray in $(grep -ls "INVOCATION_ID=$mark" /proc/[0-9]*/environ 2>/dev/null); do
        stray=${stray#/proc/}
        stray=${stray%/environ}
        facts=$(cat "/proc/$stray/stat" 2>/dev/null) || continue
        # shellcheck disable=SC2086
        set -- "$1" ${facts##*) }
        case $2 in Z | X | x) continue ;; esac
        [ "$4" = "$1" ] || echo "$stray"
    done
}

lives() { { [ -n "$1" ] && group_lives "$1"; } || [ -n "$(strays "$1")" ]; }

# The group of a dead main process still is the service's, as long as its number is no other process's.
group_is_ours() {
    [ -n "$pid" ] && [ "$pid" -gt 1 ] || return 1
    find_running && return 0
    [ -n "$pid" ] && [ ! -d "/proc/$pid" ]
}

write_pid_file() {
    for pid_file in "$run_pid_file" "$other_pid_file"; do
        rm -f "$pid_file.new" 2>/dev/null
        (umask 022 && printf '%s\n%s\n%s\n' "$1" "$2" "$mark" >"$pid_file.new") 2>/dev/null &&
            mv -f "$pid_file.new" "$pid_file" 2>/dev/null && return 0
        rm -f "$pid_file.new" 2>/dev/null
    done
    return 1
}

drop_pid_files() { rm -f "$run_pid_file" "$other_pid_file" 2>/dev/null || :; }

start() {
    if find_running; then
        say "already running (pid $pid)"
        return 0
    fi
    [ "$(id -u)" = 0 ] || { complain "only root can start it"; return 4; }
    [ -x "$program" ] || { complain "$program is not installed"; return 5; }
    lock || return 1
    if find_running; then
        say "already running (pid $pid)"
        return 0
    fi
    drop_pid_files
    mark=$(tr -d - </proc/sys/kernel/random/uuid 2>/dev/null)
{% if required %}
    start_required || return 1
{% endif %}
    prepare || return 1
{% if scheduled %}
    launch &
    pid=$!
    record || return 1
    # From here on it may be stopped.
    unlock
    main=$pid code=0
    wait "$main" || code=$?
    find_running || :
    [ "$pid" != "$main" ] || drop_pid_files
    if [ "$code" -ne 0 ]; then
        failed "it ended with exit code $code"
        ! command -v logger >/dev/null 2>&1 || logger -t "$name" "it ended with exit code $code"
        return 1
    fi
    say "has run"
{% elif oneshot %}
    launch || { code=$?; failed "it ended with exit code $code"; return 1; }
    note_run || complain "cannot write $run_pid_file"
    [ ! -d /var/lock/subsys ] || touch "$lock_file" 2>/dev/null || :
    say "started"
{% else %}
    launch &
    pid=$!
    watch || return 1
    record || return 1
    [ ! -d /var/lock/subsys ] || touch "$lock_file" 2>/dev/null || :
    say "started"
{% endif %}
}
{% if not oneshot or scheduled %}

# Notes the process, or ends it: one that nobody knows of could not be stopped.
record() {
    write_pid_file "$pid" "$(start_of "$pid")" && return 0
    complain "cannot write $run_pid_file"
    terminate "$pid"
    return 1
}
{% endif %}
{% if required %}

# Services of the same application without which it cannot run.
start_required() {
    for script in {% for path in required %}{{ path | sh }} {% endfor %}; do
        if [ ! -x "$script" ]; then
            complain "$script is not installed"
            return 1
        fi
        "$script" status >/dev/null 2>&1 || "$script" start || return 1
    done
}
{% endif %}

{% if directories %}
# Directory $4 with mode $1, owner $2 and group $3. One that is there is left alone. The service may own the directory
# above, and must not lead root to another place: the launcher sees to that.
make_directory() {
    [ ! -d "$4" ] || return 0
    reason=$("$python" -E -s -S -c "$launcher" directory "$1" "$2" "$3" "$4" 2>&1) || complain "$reason"
}

{% endif %}
# What has to be there before the service: a directory below /run is gone after every boot.
prepare() {
{% for directory in directories %}
    make_directory {{ directory.mode }} {{ directory.owner | sh }} {{ directory.group | sh }} {{ directory.path | sh }}
{% endfor %}
    return 0
}

launch() {
    umask {{ umask }}
    cd / || return 1
    {{ "" if oneshot and not scheduled else "exec " }}"$python" -E -s -S -c "$launcher" run \
        {{ user | sh }} {{ group | sh }} {{ working_directory | sh }} "$log" {{ environment_file | sh }} \
{% for option in options %}
        {{ option | sh }} \
{% endfor %}
        -- "INVOCATION_ID=$mark" \
{% for assignment in environment %}
        {{ assignment | sh }} \
{% endfor %}
        --{% for word in argv %} {{ word | sh }}{% endfor %}

}

# Waits until the service has lived long enough.
watch() {
    until=$(($(uptime_seconds) + start_wait + 1))
    while [ "$(uptime_seconds)" -lt "$until" ]; do
        if ! start_of "$pid" >/dev/null; then
            code=0
            wait "$pid" || code=$?
            failed "it ended at once with exit code $code"
            return 1
        fi
        pause
    done
}

failed() {
    complain "start failed: $1"
    [ ! -r "$log" ] || { complain "the end of $log:"; tail -n 15 "$log" >&2; }
}

# Sends signal $1 to group $2 and to what left it.
signal_all() {
    [ -z "$2" ] || kill "-$1" "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null || :
    for stray in $(strays "$2"); do kill "-$1" "$stray" 2>/dev/null || :; done
}

# Ends group $1 and what left it: TERM, and KILL for what is left after stop_timeout.
terminate() {
    signal_all TERM "$1"
    until=$(($(uptime_seconds) + stop_timeout + 1))
    while lives "$1"; do
        if [ "$(uptime_seconds)" -ge "$until" ]; then
            complain "still running after $stop_timeout seconds, killing it"
            signal_all KILL "$1"
            until=$(($(uptime_seconds) + 10))
            while lives "$1"; do
                [ "$(uptime_seconds)" -lt "$until" ] || return 1
                pause
            done
        fi
        pause
    done
}

stop() {
    if [ "$(id -u)" = 0 ]; then lock || return 1; fi
    find_running || :
    group=''
    if group_is_ours; then group=$pid; fi
    if lives "$group"; then
        [ "$(id -u)" = 0 ] || { complain "only root can stop it"; return 4; }
        terminate "$group" || { complain "cannot be stopped"; return 1; }
    fi
{% for path in socket_paths %}
    [ ! -S {{ path | sh }} ] || rm -f {{ path | sh }}
{% endfor %}
    drop_pid_files
    rm -f "$lock_file" 2>/dev/null || :
    say "stopped"
}

reload() {
{% if reload %}
    find_running || { complain "is not running"; return 7; }
    {% if reload.signal %}
    kill -s {{ reload.signal }} "$pid"
    {% else %}
    {% for word in reload.words %}{% if word is none %}"$pid"{% else %}{{ word | sh }}{% endif %} {% endfor %}

    {% endif %}
{% else %}
    complain "cannot reload"
    return 3
{% endif %}
}

{% if oneshot and not scheduled %}
# The file outside of /var/run outlives a boot, after which the service has to run again.
boot() { cat /proc/sys/kernel/random/boot_id 2>/dev/null; }
note_run() { touch "$run_pid_file" 2>/dev/null || boot 2>/dev/null >"$other_pid_file"; }

{% endif %}
status() {
{% if oneshot and not scheduled %}
    if [ -e "$run_pid_file" ] || { [ -n "$(boot)" ] && [ "$(cat "$other_pid_file" 2>/dev/null)" = "$(boot)" ]; }; then
        say "has run"
        return 0
    fi
{% else %}
    if find_running; then
        say "is running (pid $pid)"
        return 0
    fi
    for pid_file in "$run_pid_file" "$other_pid_file"; do
        if [ -e "$pid_file" ]; then
            say "is dead, but $pid_file is there"
            return 1
        fi
    done
    if [ -e "$lock_file" ]; then
        say "is dead, but $lock_file is there"
        return 2
    fi
{% endif %}
    say "is not running"
    return 3
}

{% if stays %}
# It is a configuration file, and stays when the package is removed (Debian policy 9.3.2).
if [ ! -x "$program" ]; then
    case "${1:-}" in
        status) ;;
        # It may have been left running when its files went.
        stop) find_running || exit 0 ;;
        *) exit 0 ;;
    esac
fi

{% endif %}
case "${1:-}" in
    start) start ;;
    stop) stop ;;
    restart) stop && start ;;
    try-restart | condrestart) if status >/dev/null; then stop && start; fi ;;
    reload) reload ;;
    force-reload) {% if reload %}reload{% else %}if status >/dev/null; then stop && start; fi{% endif %} ;;
    status) status ;;
    *)
        echo "usage: $0 {start|stop|restart|try-restart|condrestart|reload|force-reload|status}" >&2
        exit 2
        ;;
esac
