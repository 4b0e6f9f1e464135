{{ setup() }}
{% if tmpfiles %}
if command -v systemd-tmpfiles >/dev/null 2>&1; then
    systemd-tmpfiles --create {{ tmpfiles | sh }} >/dev/null 2>&1 || :
fi
{% endif %}
{% if services %}

{{ before() }}
{{ notes() }}
{{- are_noted() }}
# A service is registered when it is new on this machine; what the administrator made of it later stays.
is_new() {
    if are_noted; then [ -e "$notes/new.$1" ]; else [ "$phase" = install ]; fi
}
# While this transaction lasts, another package that held the service before does not stop it.
if (umask 077 && mkdir -p "$base/held") 2>/dev/null; then
    {% for service in services %}
    transaction >"$base/held/"{{ service.id | sh }}
    {% endfor %}
fi
{{ register_services() }}
{% endif %}
{{- run_user_script() }}
exit 0
