{#- Services as init scripts: what each scriptlet does for them. A service is of the kind `plain`, or `cron`: its script
    is run by cron, and neither registered nor started. -#}
{%- macro service_functions() %}
{{ is_own_root() }}
live=no
# Is init running, at a runlevel, and is this its own root? A chroot or an image build says no.
if [ -e /proc/1/root/. ] && is_own_root; then
    case "$(runlevel 2>/dev/null)" in *\ [0-9S]) live=yes ;; esac
fi
run() { "$@" >/dev/null 2>&1 </dev/null; }
{% endmacro -%}
{%- macro is_enabled() %}
# Does init start the script $1?
is_enabled() {
    for link in /etc/rc[2-5].d/S[0-9][0-9]"$1" /etc/rc.d/rc[2-5].d/S[0-9][0-9]"$1"; do
        if [ -L "$link" ]; then return 0; fi
    done
    return 1
}
{% endmacro -%}
{%- macro is_cron() %}
# Does cron run $1 by its script $2? The file may also be somebody else's.
is_cron() { grep -qsF "$2 start" "/etc/cron.d/$1" "/etc/cron.d/$(printf %s "$1" | tr . _)"; }
{% endmacro -%}
{%- macro register() %}
register() {
    if command -v chkconfig >/dev/null 2>&1; then
        run chkconfig --add "$1" || :
        [ "$2" != enable ] || run chkconfig "$1" on || :
        [ "$2" != no ] || run chkconfig "$1" off || :
    elif command -v update-rc.d >/dev/null 2>&1; then
        run update-rc.d "$1" defaults || :
        [ "$2" != enable ] || run update-rc.d "$1" enable || :
        [ "$2" != no ] || run update-rc.d "$1" disable || :
    elif command -v insserv >/dev/null 2>&1; then
        [ "$2" = no ] || run insserv "$1" || :
    fi
}
{% endmacro -%}
{%- macro deregister() %}
deregister() {
    if command -v chkconfig >/dev/null 2>&1; then
        run chkconfig --del "$1" || :
    elif command -v update-rc.d >/dev/null 2>&1; then
        run update-rc.d -f "$1" remove || :
    elif command -v insserv >/dev/null 2>&1; then
        run insserv -r "$1" || :
    fi
}
{% endmacro -%}
{%- macro drop_links() %}
drop_links() {
    for link in /etc/rc[0-6S].d/[SK][0-9][0-9]"$1" /etc/rc.d/rc[0-6S].d/[SK][0-9][0-9]"$1"; do
        if [ -L "$link" ] && { [ "$2" = all ] || [ ! -e "$link" ]; }; then rm -f "$link"; fi
    done
}
{% endmacro -%}
{%- macro script_of() %}
script_of() {
    for script in "/etc/rc.d/init.d/$1" "/etc/init.d/$1"; do
        if [ -x "$script" ]; then printf '%s\n' "$script"; return; fi
    done
    return 1
}
{% endmacro -%}
{%- macro former_functions() %}
# Another service of the same build: none takes the place of another.
is_another() {
    [ "$2" != "$1" ] || return 1
    case $2 in {% for script in scripts %}{{ script | sh }}{% if not loop.last %} | {% endif %}{% endfor %}) return 0 ;; esac
    return 1
}
# A line of what service $1 takes the place of: name, kind, whether it is enabled, whether it runs.
note_former() {
    if is_another "$1" "$2" || ! script=$(script_of "$2") || is_cron "$2" "$script"; then return 0; fi
    state=disabled activity=stopped
    if is_enabled "$2"; then state=enabled; fi
    if [ "$live" = yes ] && run "$script" status; then activity=running; fi
    echo "$2 plain $state $activity" >>"$notes/former.$1"
}
note_formers() {
    id=$1
    shift
    for former; do
        note_former "$id" "$former"
        script_of "$former" >/dev/null || former=$former-1
        instance=1
        while [ "$former" = "${former%-*}-$instance" ] && script_of "$former" >/dev/null; do
            note_former "$id" "$former"
            instance=$((instance + 1))
            former=${former%-*}-$instance
        done
    done
}
{% endmacro -%}
{%- macro note_services() %}
{{ service_functions() }}
{{- is_enabled() }}
{{- is_cron() }}
{{- script_of() }}
{{ former_functions() }}
# Service $1 of kind $2 with the script $3, which takes the place of those after it.
note() {
    id=$1 now=$2 script=$3
    shift 3
    before=
    [ ! -e "$script" ] || before=plain
    if is_cron "$id" "$script"; then before=cron; fi
    if [ "$before" = "$now" ]; then
        if [ "$now" = cron ]; then return 0; fi
        if is_enabled "$id"; then touch "$notes/enabled.$id"; fi
        if [ "$live" = yes ] && run "$script" status; then touch "$notes/ran.$id"; fi
        return 0
    fi
    touch "$notes/new.$id"
    # Of a transaction that was cut off: the former service may have been stopped already.
    [ ! -e "$notes/former.$id" ] || return 0
    if [ "$before" = plain ]; then note_former "$id" "$id"; fi
    note_formers "$id" "$@"
}
{% for service in services %}
note {{ service.id | sh }} {{ service.kind }} {{ service.path | sh }}{% for former in service.formerly %} {{ former | sh }}{% endfor %}

{% endfor %}
{% endmacro -%}
{%- macro register_services() %}
{{ service_functions() }}
{{- register() }}
{{- deregister() }}
{{- drop_links() }}
{{- script_of() }}
# What has another name or kind now ends while its script is still there.
retire() {
    script=$(script_of "$1") || return 0
    if [ "$live" = yes ]; then run "$script" stop || :; fi
    deregister "$1"
    drop_links "$1" all
}
# Service $1 of kind $2, with verb $3, `start` or not as $4.
settle() {
    is_new "$1" || return 0
    verb=$3 start=$4
    if are_noted && [ -e "$notes/former.$1" ]; then
        verb=no start=wait
        while read -r name _ state activity; do
            retire "$name"
            [ "$state" != enabled ] || verb=enable
            [ "$activity" != running ] || start=start
        done <"$notes/former.$1"
    fi
    if [ "$2" = plain ]; then
        register "$1" "$verb"
        if [ "$start" = start ] && [ "$live" = yes ] && are_noted; then touch "$notes/start.$1"; fi
    fi
    rm -f "$notes/new.$1"
}
{% for service in services %}
settle {{ service.id | sh }} {{ service.kind }} {{ service.verb }} {% if service.start %}start{% else %}wait{% endif %}

{% endfor %}
{% endmacro -%}
{%- macro revive_services() %}
{{ service_functions() }}
{{- is_enabled() }}
{{- register() }}
{{- drop_links() }}
# Service $1 with the script $2: `restart` or `keep` as $3; what it prints is in $4.
revive() {
    # Disabled by the scriptlets of another package, which had a service of the same name.
    if [ -e "$notes/enabled.$1" ] && ! is_enabled "$1"; then register "$1" enable; fi
    [ "$live" = yes ] || return 0
    if [ -e "$notes/ran.$1" ] && [ "$3" = restart ]; then
        run "$2" restart || echo "warning: $1 could not be restarted; see $4" >&2
    elif [ -e "$notes/ran.$1" ] || [ -e "$notes/start.$1" ]; then
        run "$2" start || echo "warning: $1 could not be started; see $4" >&2
    fi
}
if are_noted; then
    {% for service in services if service.kind == "plain" %}
    revive {{ service.id | sh }} {{ service.path | sh }} {% if service.restart %}restart{% else %}keep{% endif %} {{ service.log | sh }}
    {% endfor %}
    for note in "$notes"/former.*; do
        [ -e "$note" ] || continue
        while read -r name _; do drop_links "$name" dangling; done <"$note"
    done
fi
{% endmacro -%}
{%- macro stop_services() %}
{{ service_functions() }}
{{- deregister() }}
withdraw() {
    # Another package of this transaction holds the service now.
    if is_held "$1"; then return 0; fi
    if [ "$live" = yes ] && [ -x "$2" ]; then run "$2" stop || :; fi
    deregister "$1"
}
if [ "$phase" = remove ]; then
    {% for service in services | reverse %}
    withdraw {{ service.id | sh }} {{ service.path | sh }}
    {% endfor %}
{% if "plain" in services | map(attribute="kind") | list %}
elif [ "$phase" = upgrade ]; then
    # A service that the new version does not have can only be stopped by its script, when it is known to be gone.
    if (umask 077 && mkdir -p "$base/scripts") 2>/dev/null; then
        {% for service in services if service.kind == "plain" %}
        cp {{ service.path | sh }} "$base/scripts/"{{ service.id | sh }} 2>/dev/null || :
        {% endfor %}
    fi
{% endif %}
fi
{% endmacro -%}
{%- macro forget_services() %}
{{ service_functions() }}
{{- drop_links() }}
# An init script $2 that is gone, with the package or with its new version, leaves neither a process nor a link.
forget() {
    if [ ! -e "$2" ]; then
        if [ "$live" = yes ] && [ -e "$base/scripts/$1" ]; then run sh "$base/scripts/$1" stop || :; fi
        drop_links "$1" dangling
    fi
    rm -f "$base/scripts/$1"
}
{% for service in services %}
forget {{ service.id | sh }} {{ service.path | sh }}
{% endfor %}
{% endmacro -%}
