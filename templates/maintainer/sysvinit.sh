{#- Services as init scripts in Debian's maintainer scripts: registered by update-rc.d(8), and started by invoke-rc.d(8), which
    asks policy-rc.d (policy 9.3.3). A script is a configuration file, and stays with its links until the purge. -#}
{%- macro is_known() %}
# Were links for the script $1 made before, be they to stop it?
is_known() {
    for link in /etc/rc[0-6S].d/[SK][0-9][0-9]"$1"; do
        if [ -L "$link" ]; then return 0; fi
    done
    return 1
}
{% endmacro -%}
{%- macro invoke_function() %}
invoke() { run invoke-rc.d "$@"; }
{% endmacro -%}
{%- macro note_for_configuration() %}
{{ service_functions() }}
{{- is_enabled() }}
{{- is_cron() }}
{{- script_of() }}
{{- former_functions() }}
# Removed before, but not purged: what it was is known, only that it was started is not.
if [ "$1" = install ] && [ -n "${2:-}" ]; then touch "$notes/again"; fi
# Of an earlier attempt: what the operator has stopped since then stays so.
for note in "$notes"/ran.*; do
    [ -e "$note" ] || continue
    code=0
    run "/etc/init.d/${note##*/ran.}" status || code=$?
    if [ "$live" = no ] || [ "$code" -eq 3 ]; then rm -f "$note"; fi
done
# Is the configuration file $1 of another package that was removed?
is_left_behind() {
    owner=$(dpkg-query -S "$1" 2>/dev/null | sed 's/:.*//; q')
    [ -n "$owner" ] && [ "$owner" != {{ package | sh }} ] &&
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$owner" 2>/dev/null)" = config-files ]
}
# Service $1 of kind $2 with the script $3, which takes the place of those after it.
note() {
    id=$1 now=$2 script=$3
    shift 3
    before=
    [ ! -e "$script" ] || before=plain
    if is_cron "$id" "$script"; then before=cron; fi
    if [ "$before" = "$now" ]; then
        if is_left_behind "$script"; then touch "$notes/gone.$id"; fi
        if [ "$now" = plain ] && [ "$live" = yes ] && run "$script" status; then touch "$notes/ran.$id"; fi
        return 0
    fi
    # Of an earlier attempt: the former service may have been stopped already.
    [ ! -e "$notes/former.$id" ] || return 0
    if [ "$before" = plain ]; then note_former "$id" "$id"; fi
    note_formers "$id" "$@"
    [ -e "$notes/former.$id" ] || return 0
    for former in "$id" "$@"; do
        [ ! -e "$base/handed/$former" ] ||
            sed -i "s/^\($former [a-z]* [a-z]*\) stopped$/\1 running/" "$notes/former.$id"
    done
}
{% for service in services %}
note {{ service.id | sh }} {{ service.kind }} {{ service.path | sh }}{% for former in service.formerly %} {{ former | sh }}{% endfor %}

{% endfor %}
# A service that this version does not have can only be stopped by its script, which may be gone by then.
if [ "$1" = upgrade ]; then
    dpkg-query -L {{ package | sh }} 2>/dev/null | sed -n 's|^/etc/init\.d/\([^/]*\)$|\1|p' | while read -r name; do
        case $name in {% for service in services %}{{ service.id | sh }}{% if not loop.last %} | {% endif %}{% endfor %}) continue ;; esac
        [ ! -x "/etc/init.d/$name" ] || cp "/etc/init.d/$name" "$notes/script.$name"
    done
fi
{% endmacro -%}
{%- macro manage_services() %}
{{ service_functions() }}
{{- is_known() }}
{{- policy() }}
{{- invoke_function() }}
{{- script_of() }}
{{- drop_links() }}
{{- is_of_another() }}
# The script $1: as it was when it is known, and else with verb $2. `start` as $3 lets it be started, `again` also when it
# is disabled.
register() {
    verb=$2 start=$3
    if is_known "$1"; then
        verb=known
        if [ ! -e "$notes/again" ] && [ ! -e "$notes/gone.$1" ] && [ "$start" = start ]; then start="wait"; fi
    fi
    case $verb in
        no) run update-rc.d "$1" defaults-disabled || : ;;
        *) run update-rc.d "$1" defaults || : ;;
    esac
    [ "$live" = yes ] && make_notes || return 0
    case $start in
        start) touch "$notes/start.$1" ;;
        again) touch "$notes/stopped.$1" ;;
    esac
}
# What has another name or kind now ends while its script is still there.
retire() {
    script=$(script_of "$1") || return 0
    if [ "$live" = yes ]; then
        invoke "$1" stop || :
        # Made by its init script.
        rmdir "/run/$1" 2>/dev/null || :
    fi
    drop_links "$1" all
}
# Service $1 of kind $2, with verb $3, `start` or not as $4.
settle() {
    verb=$3 start=$4
    if [ -e "$notes/former.$1" ]; then
        verb=no start=wait
        while read -r name _ state activity; do
            retire "$name"
            [ "$state" != enabled ] || verb=enable
            [ "$activity" != running ] || start=again
        done <"$notes/former.$1"
    fi
    [ "$2" != plain ] || register "$1" "$verb" "$start"
}
# Scripts of the version before that no package has any more.
forget_scripts() {
    for script in "$notes"/script.*; do
        name=${script##*/script.}
        if [ ! -e "$script" ] || is_of_another "/etc/init.d/$name"; then continue; fi
        if [ "$live" = yes ] && ! is_denied "$name" stop; then
            run sh "$script" stop || :
            rmdir "/run/$name" 2>/dev/null || :
        fi
        drop_links "$name" all
    done
}
configure_services() {
    {% for service in services %}
    settle {{ service.id | sh }} {{ service.kind }} {{ service.verb }} {% if service.start %}start{% else %}wait{% endif %}

    {% endfor %}
    forget_scripts
}
# `start` or `restart` as $1 of the script $2, which ran, be it disabled; what it prints is in $3.
attempt() {
    if is_denied "$2" "$1" || run "/etc/init.d/$2" "$1"; then return 0; fi
    echo "warning: $2 could not be ${1}ed; see $3" >&2
}
# Service $1: `restart` or `keep` as $2; what it prints is in $3.
revive() {
    code=0
    run "/etc/init.d/$1" status || code=$?
    case $code in
        0) if [ -e "$notes/ran.$1" ] && [ "$2" = restart ]; then attempt restart "$1" "$3"; fi ;;
        # It ran and ended without a stop.
        1 | 2) if [ -e "$notes/ran.$1" ]; then attempt start "$1" "$3"; fi ;;
        *)
            if [ -e "$notes/stopped.$1" ]; then
                attempt start "$1" "$3"
            elif [ -e "$notes/start.$1" ]; then
                invoke "$1" start || echo "warning: $1 could not be started; see $3" >&2
            fi
            ;;
    esac
    rm -f "$notes/ran.$1" "$notes/stopped.$1" "$notes/start.$1"
}
revive_services() {
    [ -d "$notes" ] || return 0
    {% if "plain" in services | map(attribute="kind") | list %}
    if [ "$live" = yes ]; then
        {% for service in services if service.kind == "plain" %}
        revive {{ service.id | sh }} {% if service.restart %}restart{% else %}keep{% endif %} {{ service.log | sh }}
        {% endfor %}
    fi
    {% endif %}
    for note in "$notes"/former.*; do
        [ -e "$note" ] || continue
        while read -r name _; do drop_links "$name" dangling; done <"$note"
    done
}
# What was stopped for a removal that did not come about.
resume_services() {
    [ "$live" = yes ] || return 0
    for note in "$notes"/stopped.*; do
        name=${note##*/stopped.}
        if [ -e "$note" ] && ! run "/etc/init.d/$name" status; then attempt start "$name" "/var/log/$name.log"; fi
    done
}
{% endmacro -%}
{%- macro stop_and_note_services() %}
{{ service_functions() }}
{{- invoke_function() }}
# Service $1 with the script $2; $3 is `in-favour` when another package takes the place of this one.
end() {
    # Another package may have the service now, and it goes on.
    if [ ! -x "$2" ] || is_of_another "$2" || ! run "$2" status; then return 0; fi
    if make_notes; then touch "$notes/stopped.$1"; fi
    if [ "$3" = in-favour ] && mkdir -p "$base/handed"; then touch "$base/handed/$1"; fi
    invoke "$1" stop || :
}
if [ "$live" = yes ]; then
    {% for service in services | reverse %}
    end {{ service.id | sh }} {{ service.path | sh }} "${2:-}"
    {% endfor %}
fi
{% endmacro -%}
{%- macro postrm_functions() %}
{{ service_functions() }}
{{- invoke_function() }}
{{- is_of_another() }}
{{- drop_links() }}
{% endmacro -%}
{%- macro forget_processes() %}
{% if "plain" in services | map(attribute="kind") | list %}
# dpkg calls no prerm for what it had unpacked in part: then services run on.
end() {
    if [ -x "$2" ] && run "$2" status && ! is_of_another "$2"; then invoke "$1" stop || :; fi
}
if [ "$live" = yes ]; then
    {% for service in services | reverse if service.kind == "plain" %}
    end {{ service.id | sh }} {{ service.path | sh }}
    {% endfor %}
fi
{% endif %}
{% endmacro -%}
{%- macro purge_services() %}
# The links of script $1 and what it printed; another package may have it by now.
purge_script() {
    [ ! -e "/etc/init.d/$1" ] || return 0
    run update-rc.d "$1" remove || :
    drop_links "$1" dangling
    rm -f "/var/log/$1.log" "/var/log/$1.log".[0-9]* "/var/lib/misc/$1.pid"
}
{% for service in services %}
purge_script {{ service.id | sh }}
{% endfor %}
{% endmacro -%}
