{#- Services as systemd units: what each scriptlet does for them. A service is of the kind `plain` (`<id>.service`),
    `template` (`<id>@1.service`...), `timer` (`<id>.timer`, whose job `<id>.service` is), `socket` (`<id>.socket`) or
    `target`. -#}
{%- macro service_functions() %}
{{ is_own_root() }}
# Is the service manager of this machine running, and is this its own root? A chroot or an image build says no.
live=no
if [ -d /run/systemd/system ] && is_own_root; then live=yes; fi
{% endmacro -%}
{%- macro files_and_orders() %}
units=/usr/lib/systemd/system
{{ orders() }}
{% endmacro -%}
{%- macro orders() %}
tell() { systemctl "$@" >/dev/null 2>&1 || :; }
{% endmacro -%}
{%- macro is_running() %}
is_running() {
    case "$(ask show -p ActiveState "$1")" in
        *=active | *=activating | *=reloading | *=refreshing) return 0 ;;
    esac
    return 1
}
{% endmacro -%}
{%- macro ask_function() %}
ask() { systemctl "$@" 2>/dev/null; }
{% endmacro -%}
{%- macro state_functions() %}
{{ ask_function() }}
enablement() {
    case "$(ask is-enabled "$1")" in
        *masked*) echo masked ;;
        *enabled*) echo enabled ;;
        *) echo disabled ;;
    esac
}
{% endmacro -%}
{%- macro wants_function() %}
# What the unit $1 says that it is enabled for.
wants_of() {
    case $1 in *@*) unit_file=${1%%@*}@.service ;; *) unit_file=$1 ;; esac
    sed -n 's/^WantedBy=//p' "$units/$unit_file" 2>/dev/null
}
{% endmacro -%}
{%- macro instances_function() %}
# Instances of the service $1 that are loaded or enabled; the operator may have more of them than the package.
instances() {
    {
        [ "$live" = no ] || systemctl list-units --all --full --no-legend --no-pager "$1@*.service"
        ls /etc/systemd/system/*.wants /etc/systemd/system/*.requires
    } 2>/dev/null | tr -s '[:blank:]' '\n' | sort -u | while read -r unit; do
        case $unit in "$1@"?*.service) printf '%s\n' "$unit" ;; esac
    done
}
{% endmacro -%}
{%- macro units_function() %}
{{ instances_function() }}
# The units of the service $1 of the kind $2, first the one that is enabled and started.
units_of() {
    case $2 in
        template) instances "$1" ;;
        timer | socket) printf '%s\n' "$1.$2" "$1.service" ;;
        target) printf '%s\n' "$1.target" ;;
        *) printf '%s\n' "$1.service" ;;
    esac
}
{% endmacro -%}
{%- macro kind_function() %}
# Of which kind the service $1 is in the directories after it; nothing when it is not there.
kind_in() {
    service=$1
    shift
    for directory; do
        for kind in timer socket; do
            if [ -e "$directory/$service.$kind" ]; then echo "$kind"; return; fi
        done
        if [ -e "$directory/$service@.service" ]; then echo template; return; fi
        if [ -e "$directory/$service.service" ]; then echo plain; return; fi
    done
}
{% endmacro -%}
{%- macro former_functions() %}
# A line of what service $1 takes the place of: name, kind, whether it is enabled, whether it runs.
note_former() {
    kind=$(kind_in "$2" /usr/lib/systemd/system /lib/systemd/system /etc/systemd/system)
    state=disabled activity=stopped
    if [ -z "$kind" ]; then
        if [ -x "/etc/init.d/$2" ] || [ -x "/etc/rc.d/init.d/$2" ]; then
            kind=script
        elif [ "$1" != "$2" ] && is_left_over "$2"; then
            kind=plain
        else
            return 0
        fi
    fi
    for unit in $(units_of "$2" "$kind"); do
        [ "$state" = enabled ] || state=$(enablement "$unit")
        if [ "$live" = yes ] && is_running "$unit"; then
            case $kind:$unit in timer:*.service) ;; *) activity=running ;; esac
        fi
    done
    if [ "$kind" = script ]; then
        for link in /etc/rc[2-5].d/S[0-9][0-9]"$2" /etc/rc.d/rc[2-5].d/S[0-9][0-9]"$2"; do
            if [ -L "$link" ] && [ "$state" != masked ]; then state=enabled; fi
        done
        if [ "$live" = yes ] && script_status "$2"; then activity=running; fi
    fi
    echo "$2 $kind $state $activity" >>"$notes/former.$1"
}
# Its package was removed just before, and has left it running, or links to it.
is_left_over() {
    for link in /etc/systemd/system/*.wants/"$1.service"; do
        if [ -L "$link" ]; then state=enabled; fi
    done
    [ "$state" = enabled ] || { [ "$live" = yes ] && is_running "$1.service"; }
}
script_status() {
    for script in "/etc/init.d/$1" "/etc/rc.d/init.d/$1"; do
        if [ -x "$script" ]; then "$script" status >/dev/null 2>&1 </dev/null; return; fi
    done
    return 1
}
{% endmacro -%}
{%- macro note_services() %}
units=/usr/lib/systemd/system
{{ service_functions() }}
{{- is_running() }}
{{- state_functions() }}
{{- wants_function() }}
{{- units_function() }}
{{ kind_function() }}
note_unit() {
    if [ "$(enablement "$1")" = enabled ]; then wants_of "$1" >"$notes/enabled.$1"; fi
    if [ "$live" = yes ] && is_running "$1"; then touch "$notes/ran.$1"; fi
}
{{ former_functions() }}
# Service $1 of kind $2, which takes the place of those after it.
note() {
    id=$1 now=$2
    shift 2
    if [ "$now" = target ]; then
        [ -e "$units/$id.target" ] || touch "$notes/new.$id"
        return 0
    fi
    if [ "$(kind_in "$id" "$units")" = "$now" ]; then
        case $now in
            timer) note_unit "$id.timer" ;;
            *) for unit in $(units_of "$id" "$now"); do note_unit "$unit"; done ;;
        esac
        [ "$now" != socket ] || cksum <"$units/$id.socket" >"$notes/socket.$id"
        if [ "$now" = template ] && [ ! -e "$notes/count.$id" ]; then
            sed -n 's/^Instances=//p' "$units/$id@.service" >"$notes/count.$id"
        fi
        return 0
    fi
    touch "$notes/new.$id"
    # Of a transaction that was cut off: the former service may have been stopped already.
    [ ! -e "$notes/former.$id" ] || return 0
    for former in "$id" "$@"; do note_former "$id" "$former"; done
}
{% for service in services %}
note {{ service.id | sh }} {{ service.kind }}{% for former in service.formerly %} {{ former | sh }}{% endfor %}

{% endfor %}
{% endmacro -%}
{%- macro register_services() %}
{{ service_functions() }}
{{ orders() }}
{{- units_function() }}
[ "$live" = no ] || tell daemon-reload
# The unit $2, which is new, with verb $1; `start` as $3 lets it be started when the transaction is over.
register() {
    [ "$1" = no ] || tell --no-reload "$1" "$2"
    if [ "$3" = start ] && [ "$live" = yes ] && are_noted; then touch "$notes/start.$2"; fi
}
# What has another name or kind now ends while its files are still there.
retire() {
    for unit in $(units_of "$1" "$2"); do
        [ "$live" = no ] || tell stop "$unit"
        tell --no-reload disable "$unit"
    done
    [ "$2" = script ] || return 0
    for script in "/etc/init.d/$1" "/etc/rc.d/init.d/$1"; do
        if [ "$live" = yes ] && [ -x "$script" ] && "$script" status >/dev/null 2>&1 </dev/null; then
            "$script" stop >/dev/null 2>&1 </dev/null || :
        fi
    done
    rm -f /etc/rc[0-6S].d/[SK][0-9][0-9]"$1" /etc/rc.d/rc[0-6S].d/[SK][0-9][0-9]"$1"
}
# Instances from $2 to $3 of service $1, with verb $4 and `start` as $5.
register_instances() {
    instance=$2
    while [ "$instance" -le "$3" ]; do
        register "$4" "$1@$instance.service" "$5"
        instance=$((instance + 1))
    done
}
# Service $1 has $2 instances now: those that it had above are no more, while the operator's own are left alone.
resize() {
    read -r old 2>/dev/null <"$notes/count.$1" || return 0
    case $old in '' | *[!0-9]*) return 0 ;; esac
    register_instances "$1" $((old + 1)) "$2" "$3" "$4"
    instance=$(($2 + 1))
    while [ "$instance" -le "$old" ]; do
        unit=$1@$instance.service
        [ "$live" = no ] || tell stop "$unit"
        tell --no-reload disable "$unit"
        rm -f "$notes/ran.$unit" "$notes/enabled.$unit"
        instance=$((instance + 1))
    done
}
# Service $1 of kind $2, with verb $3, `start` or not as $4, and $5 instances.
settle() {
    if ! is_new "$1"; then
        if [ "$2" = template ] && are_noted; then resize "$1" "$5" "$3" "$4"; fi
        return 0
    fi
    verb=$3 start=$4
    if are_noted && [ -e "$notes/former.$1" ]; then
        verb=no start=wait
        while read -r name kind state activity; do
            retire "$name" "$kind"
            [ "$state" != enabled ] || verb=enable
            [ "$activity" != running ] || start=start
        done <"$notes/former.$1"
    fi
    case $2 in
        template) register_instances "$1" 1 "$5" "$verb" "$start" ;;
        timer | socket | target) register "$verb" "$1.$2" "$start" ;;
        *) register "$verb" "$1.service" "$start" ;;
    esac
    rm -f "$notes/new.$1"
}
{% for service in services %}
settle {{ service.id | sh }} {{ service.kind }} {{ service.verb }} {% if service.start %}start{% else %}wait{% endif %} {{ service.count }}
{% endfor %}
# Since when it runs: a restart of what it requires is a restart of it.
for note in "$notes"/ran.*; do
    if [ -e "$note" ]; then systemctl show -p InactiveExitTimestampMonotonic -p Job "${note##*/ran.}" >"$note" 2>/dev/null || :; fi
done
{% endmacro -%}
{%- macro revival_functions(kinds) %}
{% if "socket" in kinds %}
# The sockets of service $1 stay open, unless they are others now.
revive_socket() {
    if [ -e "$notes/ran.$1.socket" ] && [ "$2" = restart ] &&
        [ "$(cat "$notes/socket.$1" 2>/dev/null)" != "$(cksum <"$units/$1.socket")" ]; then
        tell stop "$1.service"
        attempt restart "$1.socket"
        if [ -e "$notes/ran.$1.service" ]; then attempt start "$1.service"; fi
        return 0
    fi
    revive "$1.socket" keep alone
    revive "$1.service" "$2" "$3"
}
{% endif %}
{% if "template" in kinds %}
revive_instances() {
    for note in "$notes/ran.$1@"*.service{% if format == "deb" %} "$notes/stopped.$1@"*.service{% endif %} "$notes/start.$1@"*.service; do
        [ -e "$note" ] || continue
        unit=${note##*/}
        unit=${unit#*.}
        case $note in
            */start.*) if [ -e "$notes/ran.$unit" ]; then continue; fi ;;
        esac
        revive "$unit" "$2" "$3"
    done
}
{% endif %}
{% endmacro -%}
{%- macro forget_formers_function() %}
# Nothing is left of what the services take the place of, once its files are gone.
forget_formers() {
    for note in "$notes"/former.*; do
        [ -e "$note" ] || continue
        while read -r name kind _; do
            [ "$name" != "${note##*/former.}" ] || continue
            for link in /etc/systemd/system/*.wants/"$name"[.@]* /etc/systemd/system/*.requires/"$name"[.@]* \
                /etc/rc[0-6S].d/[SK][0-9][0-9]"$name" /etc/rc.d/rc[0-6S].d/[SK][0-9][0-9]"$name"; do
                if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f "$link"; fi
            done
            [ "$live" = yes ] || continue
            for unit in $(units_of "$name" "$kind"); do
                case "$(ask show -p LoadState "$unit")" in
                    *=not-found) tell stop "$unit"; tell reset-failed "$unit" ;;
                esac
            done
        done <"$note"
    done
}
{% endmacro -%}
{%- macro revive_each() %}
        {% for service in services if service.kind != "target" %}
        {% set restart = "restart" if service.restart else "keep" %}
        {% set follows = "follows" if service.follows else "alone" %}
        {% if service.kind == "template" %}
        revive_instances {{ service.id | sh }} {{ restart }} {{ follows }}
        {% elif service.kind == "socket" %}
        revive_socket {{ service.id | sh }} {{ restart }} {{ follows }}
        {% elif service.kind == "timer" %}
        revive {{ service.id | sh }}.timer keep alone
        {% else %}
        revive {{ service.id | sh }}.service {{ restart }} {{ follows }}
        {% endif %}
        {% endfor %}
{% endmacro -%}
{%- macro revive_services() %}
{{ service_functions() }}
units=/usr/lib/systemd/system
{{ orders() }}
{{- wants_function() }}
{{- state_functions() }}
{{- units_function() }}
{% set kinds = services | map(attribute="kind") | reject("eq", "target") | unique | list %}
{% if kinds %}
{{ is_running() }}
# `start` or `restart` as $1 of the unit $2. A failure does not stop the package manager, but is said.
attempt() {
    if systemctl "$@" >/dev/null 2>&1 || [ "$(enablement "$2")" = masked ]; then return 0; fi
    echo "warning: $2 could not be ${1}ed; see systemctl status $2" >&2
}
# Unit $1: `restart` or `keep` as $2; `follows` as $3 when a service that it requires may have taken it along.
revive() {
    if [ -e "$notes/ran.$1" ]; then
        if [ "$2" = keep ]; then
            is_running "$1" || attempt start "$1"
        elif [ "$3" != follows ] ||
            [ "$(ask show -p InactiveExitTimestampMonotonic -p Job "$1")" = "$(cat "$notes/ran.$1")" ]; then
            attempt restart "$1"
        fi
    elif [ -e "$notes/start.$1" ]; then
        attempt start "$1"
    fi
}
{% endif %}
{{ revival_functions(kinds) }}
# What another package's scriptlets disabled, which had a service of the same name; and what other targets start now.
keep_enabled() {
    for note in "$notes"/enabled.*; do
        [ -e "$note" ] || continue
        unit=${note##*/enabled.}
        case "$(enablement "$unit")" in
            enabled) [ "$(cat "$note")" = "$(wants_of "$unit")" ] || tell --no-reload enable "$unit" ;;
            disabled) tell --no-reload enable "$unit" ;;
        esac
    done
}
{{ forget_formers_function() }}
if are_noted; then
    keep_enabled
    if [ "$live" = yes ]; then
        tell daemon-reload
{{ revive_each() }}    fi
    forget_formers
fi
{% endmacro -%}
{%- macro stop_services() %}
{{ service_functions() }}
{{ orders() }}
{{- units_function() }}
withdraw() {
    # Another package of this transaction holds the service now.
    if is_held "$1"; then return 0; fi
    for unit in $(units_of "$1" "$2"); do
        tell --no-reload disable "$unit"
        [ "$live" = no ] || tell stop "$unit"
    done
}
if [ "$phase" = remove ]; then
    {% for service in services | reverse %}
    withdraw {{ service.id | sh }} {{ service.kind }}
    {% endfor %}
fi
{% endmacro -%}
{%- macro forget_services() %}
{{ service_functions() }}
{{- files_and_orders() }}
{% if "template" in services | map(attribute="kind") | list %}
{{- instances_function() }}
{% endif %}
# A unit whose file $1 is gone, with the package or with its new version, leaves neither a process nor a link.
forget() {
    [ ! -e "$units/$1" ] || return 0
    shift
    for unit; do
        [ "$live" = no ] || tell stop "$unit"
        tell --no-reload disable "$unit"
        for link in /etc/systemd/system/*.wants/"$unit" /etc/systemd/system/*.requires/"$unit"; do
            if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f "$link"; fi
        done
        [ "$live" = no ] || tell reset-failed "$unit"
    done
}
{% for service in services %}
{% if service.kind == "template" %}
# shellcheck disable=SC2046
forget {{ service.id | sh }}@.service $(instances {{ service.id | sh }})
{% elif service.kind in ["timer", "socket"] %}
forget {{ service.id | sh }}.{{ service.kind }} {{ service.id | sh }}.{{ service.kind }}
forget {{ service.id | sh }}.service {{ service.id | sh }}.service
{% elif service.kind == "target" %}
forget {{ service.id | sh }}.target {{ service.id | sh }}.target
if [ ! -e "$units/"{{ service.id | sh }}.target ]; then
    rm -rf /etc/systemd/system/{{ service.id | sh }}.target.wants
fi
{% else %}
forget {{ service.id | sh }}.service {{ service.id | sh }}.service
{% endif %}
{% if service.kind == "timer" %}
# When it ran last: systemd.timer(5), "Persistent=".
[ -e "$units/"{{ service.id | sh }}.timer ] || rm -f /var/lib/systemd/timers/stamp-{{ service.id | sh }}.timer
{% endif %}
{% for path in service.sockets %}
if [ ! -e "$units/"{{ service.id | sh }}.socket ] && [ -S {{ path | sh }} ]; then
    rm -f {{ path | sh }}
fi
{% endfor %}
{% endfor %}
[ "$live" = no ] || tell daemon-reload
{% endmacro -%}
