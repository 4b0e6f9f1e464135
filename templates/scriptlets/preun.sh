{{- run_user_script() }}
{% if services or tree and tree.unowned %}
{{ after() }}
{% endif %}
{% if services %}

{% if init == "systemd" %}
{{ is_live() }}
{% endif %}
held={{ marks | sh }}
held=${held%/*}/held
withdraw() {
    # Another package of this transaction holds the service now.
    [ ! -e "$held/$1" ] || return 0
    {% if init == "systemd" %}
    command -v systemctl >/dev/null 2>&1 || return 0
    systemctl --no-reload disable "$1.service" >/dev/null 2>&1 || :
    if is_live; then systemctl stop "$1.service" >/dev/null 2>&1 || :; fi
    {% else %}
    if [ -x "$2" ]; then "$2" stop >/dev/null 2>&1 || :; fi
    if command -v chkconfig >/dev/null 2>&1; then
        chkconfig --del "$1" >/dev/null 2>&1 || :
    elif command -v update-rc.d >/dev/null 2>&1; then
        update-rc.d -f "$1" remove >/dev/null 2>&1 || :
    elif command -v insserv >/dev/null 2>&1; then
        insserv -r "$1" >/dev/null 2>&1 || :
    fi
    {% endif %}
}
if [ "$phase" = remove ]; then
    {% for service in services | reverse %}
    withdraw {{ service.id | sh }} {{ service.path | sh }}
    {% endfor %}
fi
{% endif %}
{% if tree and tree.unowned %}

# Bytecode made on this machine belongs to no package and would keep directories from going. In an upgrade the new
# version's is here already.
if [ "$phase" = remove ]; then
    {{ drop_bytecode(tree) }}
fi
{% endif %}
exit 0
