{% if tree and tree.compile %}
if [ -x {{ tree.python | sh }} ] && [ -d {{ tree.prefix | sh }} ]; then
    {{ tree.python | sh }} -E -s -m compileall -q{% if tree.unchecked_hash %} --invalidation-mode unchecked-hash{% endif %} {{ tree.prefix | sh }} >/dev/null 2>&1 || :
fi
{% endif %}
{% if tree and tree.plugins %}
{{ report_plugins(tree.plugins) }}
{% endif %}
{% if services %}
{{ is_live() }}
marks={{ marks | sh }}
# The old version's files are gone: what ran is started again, once, with the new ones.
if is_live && [ -d "$marks" ]; then
    revive() {
        {% if init == "systemd" %}
        if [ -e "$marks/ran.$1" ] && [ "$3" = restart ]; then
            systemctl restart "$1.service" >/dev/null 2>&1 || :
        elif [ -e "$marks/start.$1" ]; then
            systemctl start "$1.service" >/dev/null 2>&1 || :
        fi
        {% else %}
        if [ -e "$marks/ran.$1" ] && [ "$3" = restart ]; then
            "$2" restart >/dev/null 2>&1 || :
        elif [ -e "$marks/start.$1" ]; then
            "$2" start >/dev/null 2>&1 || :
        fi
        {% endif %}
    }
    {% for service in services %}
    revive {{ service.id | sh }} {{ service.path | sh }} {% if service.restart %}restart{% else %}keep{% endif %}

    {% endfor %}
fi
{% for service in services %}
rm -f "${marks%/*}/held/"{{ service.id | sh }}
{% endfor %}
rm -rf "$marks"
rmdir "${marks%/*}/held" "${marks%/*}" 2>/dev/null || :
{% endif %}
{{- run_user_script() }}
exit 0
