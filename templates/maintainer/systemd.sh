{#- Services as systemd units in Debian's maintainer scripts. Whether a unit is enabled is kept as debhelper's packages keep
    it: by deb-systemd-helper(1p), whose state says that a unit was registered before and what links it had. Only it does
    not know instances: for these the same state is written here. -#}
{%- macro unit_places() %}
units=/usr/lib/systemd/system registered=/var/lib/systemd/deb-systemd-helper-enabled
{% endmacro -%}
{%- macro helper_function() %}
helper() { deb-systemd-helper "$@" >/dev/null 2>&1 </dev/null; }
{% endmacro -%}
{%- macro is_known() %}
# Was the unit $1 registered before, be it disabled now?
is_known() { [ -e "$registered/$1.dsh-also" ]; }
{% endmacro -%}
{%- macro invoke_function() %}
{{ policy() }}
# `start`, `restart` or `stop` as $1 of the unit $2, if policy-rc.d has nothing against it. A unit that is disabled and
# does not run is not started.
invoke() {
    if command -v deb-systemd-invoke >/dev/null 2>&1; then
        deb-systemd-invoke "$@" >/dev/null 2>&1 </dev/null
    else
        is_denied "$2" "$1" || systemctl "$@" >/dev/null 2>&1 </dev/null
    fi
}
{% endmacro -%}
{%- macro known_instances() %}
known_instances() {
    for file in "$registered/$1@"?*.service.dsh-also; do
        [ -e "$file" ] || continue
        file=${file##*/}
        echo "${file%.dsh-also}"
    done
}
{% endmacro -%}
{%- macro activity() %}
# `running`, `failed` or `stopped`.
activity_of() {
    if is_running "$1"; then
        echo running
    elif [ "$(ask is-failed "$1")" = failed ]; then
        echo failed
    else
        echo stopped
    fi
}
{% endmacro -%}
{%- macro note_for_configuration() %}
{{ service_functions() }}
{{- unit_places() }}
{{- is_known() }}
{{- is_running() }}
{{- activity() }}
{{- state_functions() }}
{{- units_function() }}
{{- kind_function() }}
{{- former_functions() }}
# Of an earlier attempt: what the operator has stopped since then stays so.
for note in "$notes"/ran.*; do
    [ -e "$note" ] || continue
    if [ "$live" = no ] || [ "$(activity_of "${note##*/ran.}")" = stopped ]; then rm -f "$note"; fi
done
# Removed before, but not purged: what it was is known, only that it was started is not.
if [ "$1" = install ] && [ -n "${2:-}" ]; then touch "$notes/again"; fi
# Since when the unit $1 runs: a restart of what it requires is a restart of it. Where the version before did not
# register it as this one does, whether it is enabled.
note_unit() {
    if [ "$live" = yes ] && is_running "$1"; then
        ask show -p InactiveExitTimestampMonotonic -p Job "$1" >"$notes/ran.$1"
    fi
    if [ "$2" = there ] && ! is_known "$1"; then enablement "$1" >"$notes/found.$1"; fi
}
# Has a package the units of the service $1? An attempt that was cut off may have unpacked them.
is_owned() {
    for file in "$1.service" "$1@.service"; do
        if dpkg-query -S "$units/$file" || dpkg-query -S "/lib/systemd/system/$file"; then return 0; fi
    done >/dev/null 2>&1
    return 1
}
# Service $1 of kind $2, which takes the place of those after it.
note() {
    id=$1 now=$2 before=$(kind_in "$1" "$units" /lib/systemd/system)
    shift 2
    if [ "$now" = target ]; then return 0; fi
    there=gone
    if [ "$before" = "$now" ]; then
        there="new"
        if is_owned "$id"; then there=there; fi
    fi
    # If it is known, another package had it, and was removed.
    [ -n "$before" ] || touch "$notes/gone.$id"
    for unit in $(units_of "$id" "$now"); do note_unit "$unit" "$there"; done
    if [ "$now" = socket ] && [ -e "$units/$id.socket" ]; then cksum <"$units/$id.socket" >"$notes/socket.$id"; fi
    # Of an earlier attempt: the former service may have been stopped already.
    if [ "$there" != gone ] || [ -e "$notes/former.$id" ]; then return 0; fi
    for former in "$id" "$@"; do
        note_former "$id" "$former"
        [ -e "$notes/former.$id" ] && [ -e "$base/handed/$former" ] || continue
        sed -i "s/^\($former [a-z]* [a-z]*\) stopped$/\1 running/" "$notes/former.$id"
    done
}
{% for service in services %}
note {{ service.id | sh }} {{ service.kind }}{% for former in service.formerly %} {{ former | sh }}{% endfor %}

{% endfor %}
{{ note_units_of_before() }}
{% endmacro -%}
{%- macro note_units_of_before() %}
# The units of the version before, for those that this one does not have.
if [ "$1" = upgrade ]; then
    dpkg-query -L {{ package | sh }} 2>/dev/null |
        sed -n 's,^\(/usr\)\{0\,1\}/lib/systemd/system/\([^/]*\.[a-z]*\)$,\2,p' >>"$notes/units"
    # Their directories below /run, which systemd does not remove once it has read that they have no file any more.
    [ "$live" = no ] || sort -u "$notes/units" | while read -r unit; do
        case $unit in
            *@.service) instances "${unit%@.service}" ;;
            *.service) echo "$unit" ;;
        esac
    done | while read -r unit; do
        ask show -p RuntimeDirectory "$unit" | sed -n 's/^RuntimeDirectory=\([^.]\)/\1/p' >"$notes/runtime.$unit"
    done
fi
{% endmacro -%}
{%- macro manage_services() %}
{{ service_functions() }}
{{- unit_places() }}
{{- orders() }}
{{- helper_function() }}
{{- is_known() }}
{{- invoke_function() }}
{{- is_running() }}
{{- activity() }}
{{- state_functions() }}
{{- wants_function() }}
{{- units_function() }}
{{- known_instances() }}
{{- deb_registration() }}
{{- deb_revival() }}
{% endmacro -%}
{%- macro deb_registration() %}
# deb-systemd-helper does this for other units than instances: links for what the unit $1 says that it is enabled for.
link_instance() {
    for wants in $(wants_of "$1"); do
        link=/etc/systemd/system/$wants.wants/$1
        if [ -L "$link" ] || ! mkdir -p "${link%/*}"; then continue; fi
        ln -s "$units/${1%%@*}@.service" "$link"
    done
}
# Notes that the unit $1 was registered, and the links that belong to it.
record() {
    case $1 in
        *@*)
            mkdir -p "$registered" && for wants in $(wants_of "$1"); do
                echo "/etc/systemd/system/$wants.wants/$1"
            done >"$registered/$1.dsh-also"
            ;;
        *) helper update-state "$1" || : ;;
    esac
}
add_links() {
    case $1:$2 in
        *@*:*) link_instance "$1" ;;
        *:new) helper reenable "$1" || tell --no-reload enable "$1" ;;
        *) helper enable "$1" || : ;;
    esac
}
# The unit $2 of $service: as it was when it is known, and else with verb $1; `start` as $3 lets it be started, `again` also when it is
# disabled.
register() {
    verb=$1 start=$3
    helper unmask "$2" || :
    if is_known "$2"; then
        # What it is enabled for may be something else now.
        if helper was-enabled "$2"; then add_links "$2" known; fi
        [ -e "$notes/again" ] || [ -e "$notes/gone.$service" ] || start="wait"
    else
        if [ -e "$notes/found.$2" ]; then
            start=wait verb=no
            if [ "$(cat "$notes/found.$2")" = enabled ]; then verb=enable; fi
        fi
        case $verb in
            # An administrator's rules decide; none can be asked for where there is no systemctl.
            preset) systemctl --root=/ --preset-mode=enable-only preset "$2" >/dev/null 2>&1 ||
                command -v systemctl >/dev/null 2>&1 || add_links "$2" new ;;
            enable) add_links "$2" new ;;
        esac
    fi
    record "$2"
    [ "$live" = yes ] && make_notes || return 0
    case $start in
        start) touch "$notes/start.$2" ;;
        again) touch "$notes/stopped.$2" ;;
    esac
}
# Nothing is left of the unit $1 but its file.
withdraw() {
    [ "$live" = no ] || invoke stop "$1" || :
    if [ -s "$notes/runtime.$1" ] && ! is_running "$1"; then
        for directory in $(cat "$notes/runtime.$1"); do rm -rf "/run/$directory"; done
    fi
    tell --no-reload disable "$1"
    helper purge "$1" || :
    rm -f "$registered/$1.dsh-also"
    for link in /etc/systemd/system/*.wants/"$1" /etc/systemd/system/*.requires/"$1"; do
        if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f "$link"; fi
    done
    [ "$live" = no ] || tell reset-failed "$1"
}
# What has another name or kind now ends.
retire() {
    for unit in $(units_of "$1" "$2") $(known_instances "$1"); do withdraw "$unit"; done
    [ "$2" = script ] || return 0
    script=/etc/init.d/$1
    if [ "$live" = yes ] && [ -x "$script" ] && "$script" status >/dev/null 2>&1 </dev/null; then
        invoke-rc.d "$1" stop >/dev/null 2>&1 </dev/null || :
    fi
    rm -f /etc/rc[0-6S].d/[SK][0-9][0-9]"$1"
}
# Service $1 of kind $2, with verb $3, `start` or not as $4, and $5 instances.
settle() {
    service=$1 verb=$3 start=$4
    if [ -e "$notes/former.$1" ]; then
        verb=no start=wait
        while read -r name kind state activity; do
            retire "$name" "$kind"
            [ "$state" != enabled ] || verb=enable
            [ "$activity" != running ] || start=again
        done <"$notes/former.$1"
    fi
    case $2 in
        template) settle_instances "$1" "$5" "$verb" "$start" ;;
        timer | socket | target) register "$verb" "$1.$2" "$start" ;;
        *) register "$verb" "$1.service" "$start" ;;
    esac
}
# Service $1 has $2 instances: those that were registered above are no more, while the operator's own are left alone.
settle_instances() {
    template=$1 count=$2 wanted=$3 beginning=$4 instance=1
    while [ "$instance" -le "$count" ]; do
        register "$wanted" "$template@$instance.service" "$beginning"
        instance=$((instance + 1))
    done
    for unit in $(known_instances "$template"); do
        instance=${unit#*@}
        instance=${instance%.service}
        case $instance in *[!0-9]*) continue ;; esac
        [ "$instance" -gt "$count" ] || continue
        withdraw "$unit"
        rm -f "$notes/ran.$unit"
    done
}
# Units of the version before that no package has any more.
forget_units() {
    [ -e "$notes/units" ] || return 0
    sort -u "$notes/units" | while read -r unit; do
        for file in "$units/$unit" "/lib/systemd/system/$unit" "/etc/systemd/system/$unit"; do
            if [ -e "$file" ]; then continue 2; fi
        done
        case $unit in
            *@.service) for instance in $(instances "${unit%@.service}"); do withdraw "$instance"; done ;;
            *) withdraw "$unit" ;;
        esac
        case $unit in *.timer) rm -f "/var/lib/systemd/timers/stamp-$unit" ;; esac
    done
}
configure_services() {
    [ "$live" = no ] || tell daemon-reload
    {% for service in services %}
    settle {{ service.id | sh }} {{ service.kind }} {{ service.verb }} {% if service.start %}start{% else %}wait{% endif %} {{ service.count }}
    {% endfor %}
    forget_units
}
{% endmacro -%}
{%- macro deb_revival() %}
{% set kinds = services | map(attribute="kind") | reject("eq", "target") | unique | list %}
# `start` or `restart` as $1 of the unit $2, which ran. A failure does not stop dpkg, but is said.
attempt() {
    if is_denied "$2" "$1" || systemctl "$1" "$2" >/dev/null 2>&1 </dev/null || [ "$(enablement "$2")" = masked ]; then
        return 0
    fi
    echo "warning: $2 could not be ${1}ed; see systemctl status $2" >&2
}
# The unit $1, which is new or was removed before: only when it is enabled.
begin_unit() {
    if is_running "$1" || invoke start "$1" || [ "$(enablement "$1")" != enabled ]; then return 0; fi
    echo "warning: $1 could not be started; see systemctl status $1" >&2
}
# Unit $1: `restart` or `keep` as $2; `follows` as $3 when a service that it requires may have taken it along.
revive() {
    activity=$(activity_of "$1")
    case $activity in
        failed) [ ! -e "$notes/ran.$1" ] || attempt start "$1" ;;
        running)
            if [ -e "$notes/ran.$1" ] && [ "$2" = restart ] && { [ "$3" != follows ] ||
                [ "$(ask show -p InactiveExitTimestampMonotonic -p Job "$1")" = "$(cat "$notes/ran.$1")" ]; }; then
                attempt restart "$1"
            fi
            ;;
        # What ran and was stopped since is the operator's doing.
        stopped)
            if [ -e "$notes/stopped.$1" ]; then attempt start "$1"; elif [ -e "$notes/start.$1" ]; then begin_unit "$1"; fi
            ;;
    esac
    rm -f "$notes/ran.$1" "$notes/stopped.$1" "$notes/start.$1"
}
{{ revival_functions(kinds) }}
{{- forget_formers_function() }}
revive_services() {
    [ -d "$notes" ] || return 0
    if [ "$live" = yes ]; then
        tell daemon-reload
        {% if kinds %}
{{ revive_each() }}
        {% endif %}
        resume_services
    fi
    forget_formers
}
# What was stopped for a removal that did not come about.
resume_services() {
    [ "$live" = yes ] || return 0
    for note in "$notes"/stopped.*; do
        if [ -e "$note" ] && ! is_running "${note##*/stopped.}"; then attempt start "${note##*/stopped.}"; fi
    done
}
{% endmacro -%}
{%- macro stop_and_note_services() %}
{{ service_functions() }}
units=/usr/lib/systemd/system
{{ invoke_function() }}
{{- is_running() }}
{{- ask_function() }}
{{- units_function() }}
# Another package has the service $1 now, and it goes on.
is_handed_on() {
    for file in "$units/$1@.service" "$units/$1.service" "$units/$1.target"; do
        if [ -e "$file" ] && is_of_another "$file"; then return 0; fi
    done
    return 1
}
# All of them, before the first stops and takes others along. $3 is `in-favour` when another package takes the place.
note_running() {
    if is_handed_on "$1"; then return 0; fi
    for unit in $(units_of "$1" "$2"); do
        is_running "$unit" || continue
        if make_notes; then touch "$notes/stopped.$unit"; fi
        if [ "$3" = in-favour ] && mkdir -p "$base/handed"; then touch "$base/handed/$1"; fi
    done
}
end() {
    if is_handed_on "$1"; then return 0; fi
    for unit in $(units_of "$1" "$2"); do
        if is_running "$unit"; then invoke stop "$unit" || :; fi
    done
}
if [ "$live" = yes ]; then
    {% for service in services | reverse %}
    note_running {{ service.id | sh }} {{ service.kind }} "${2:-}"
    {% endfor %}
    {% for service in services | reverse %}
    end {{ service.id | sh }} {{ service.kind }}
    {% endfor %}
fi
{% endmacro -%}
{%- macro postrm_functions() %}
{{ service_functions() }}
{{- unit_places() }}
{{- orders() }}
{{- helper_function() }}
{{- units_function() }}
{{- ask_function() }}
{{- is_running() }}
{{- invoke_function() }}
{% endmacro -%}
{%- macro forget_processes() %}
# What is enabled stays noted until the package is purged.
if [ "$live" = yes ]; then
    # dpkg calls no prerm for what it had unpacked in part: then services run on.
    {% for service in services | reverse %}
    for unit in $(units_of {{ service.id | sh }} {{ service.kind }}); do
        if [ ! -e "$units/$unit" ] && [ ! -e "$units/${unit%%@*}@.service" ] && is_running "$unit"; then invoke stop "$unit" || :; fi
    done
    {% endfor %}
    tell daemon-reload
    {% for service in services %}
    for unit in $(units_of {{ service.id | sh }} {{ service.kind }}); do
        if [ ! -e "$units/$unit" ] && [ ! -e "/etc/systemd/system/$unit" ]; then tell reset-failed "$unit"; fi
    done
    {% endfor %}
fi
{% for service in services %}
{% for path in service.sockets %}
if [ ! -e "$units/"{{ service.id | sh }}.socket ] && [ -S {{ path | sh }} ]; then
    rm -f {{ path | sh }}
fi
{% endfor %}
{% endfor %}
{% endmacro -%}
{%- macro purge_services() %}
{% if "template" in services | map(attribute="kind") | list %}
{{ known_instances() }}
{% endif %}
# Links and state of the units whose file $1 is gone; another package may have it by now.
purge_units() {
    [ ! -e "$units/$1" ] || return 0
    shift
    for unit; do
        helper purge "$unit" || :
        rm -f "$registered/$unit.dsh-also" "/var/lib/systemd/timers/stamp-$unit"
        for link in /etc/systemd/system/*.wants/"$unit" /etc/systemd/system/*.requires/"$unit"; do
            if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f "$link"; fi
        done
    done
}
{% for service in services %}
{% if service.kind == "template" %}
# shellcheck disable=SC2046
purge_units {{ service.id | sh }}@.service $(instances {{ service.id | sh }}; known_instances {{ service.id | sh }})
{% elif service.kind in ["timer", "socket", "target"] %}
purge_units {{ service.id | sh }}.{{ service.kind }} {{ service.id | sh }}.{{ service.kind }}
{% else %}
purge_units {{ service.id | sh }}.service {{ service.id | sh }}.service
{% endif %}
{% endfor %}
for directory in /etc/systemd/system/*.wants /etc/systemd/system/*.requires "$registered"/*.wants "$registered"; do
    [ ! -d "$directory" ] || rmdir "$directory" 2>/dev/null || :
done
[ "$live" = no ] || tell daemon-reload
{% endmacro -%}
