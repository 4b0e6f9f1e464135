{% if tmpfiles %}
if command -v systemd-tmpfiles >/dev/null 2>&1; then
    systemd-tmpfiles --create {{ tmpfiles | sh }} >/dev/null 2>&1 || :
fi
{% endif %}
{% if services %}

{{ before() }}
{{- is_live() }}
marks={{ marks | sh }}
# A service is registered when it is new on this machine; what the administrator made of it later stays.
is_new() {
    [ "$phase" != none ] || return 1
    [ -e "$marks/new.$1" ] || { [ "$phase" = install ] && [ ! -d "$marks" ]; }
}
# While this transaction lasts, another package that held the service before does not stop it.
(umask 077 && mkdir -p "${marks%/*}/held") 2>/dev/null || :
{% if init == "systemd" %}
if is_live; then systemctl daemon-reload >/dev/null 2>&1 || :; fi
register() {
    command -v systemctl >/dev/null 2>&1 || return 0
    [ "$2" = no ] || systemctl --no-reload "$2" "$1.service" >/dev/null 2>&1 || :
}
{% else %}
register() {
    if command -v chkconfig >/dev/null 2>&1; then
        chkconfig --add "$1" >/dev/null 2>&1 || :
        [ "$2" != enable ] || chkconfig "$1" on >/dev/null 2>&1 || :
        [ "$2" != no ] || chkconfig "$1" off >/dev/null 2>&1 || :
    elif command -v update-rc.d >/dev/null 2>&1; then
        update-rc.d "$1" defaults >/dev/null 2>&1 || :
        [ "$2" != no ] || update-rc.d "$1" disable >/dev/null 2>&1 || :
    elif command -v insserv >/dev/null 2>&1; then
        [ "$2" = no ] || insserv "$1" >/dev/null 2>&1 || :
    fi
}
{% endif %}
{% for service in services %}
{% set verb = {"preset": "preset", "yes": "enable", "no": "no"}[service.enable] %}
touch "${marks%/*}/held/"{{ service.id | sh }} 2>/dev/null || :
if is_new {{ service.id | sh }}; then
    register {{ service.id | sh }} {{ verb }}
    {% if service.start %}
    if is_live && [ -d "$marks" ]; then touch "$marks/start."{{ service.id | sh }}; fi
    {% endif %}
fi
{% endfor %}
{% endif %}
{{- run_user_script() }}
exit 0
