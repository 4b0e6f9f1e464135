{% for account in accounts %}
if ! getent group {{ account.group | sh }} >/dev/null 2>&1; then
    groupadd -r {{ account.group | sh }} || exit 1
fi
if ! getent passwd {{ account.name | sh }} >/dev/null 2>&1; then
    useradd -r -M -g {{ account.group | sh }} -d {{ account.home | sh }} -s {{ account.shell | sh }} -c {{ account.comment | sh }} {{ account.name | sh }} || exit 1
fi
{% for group in account.groups %}
if getent group {{ group | sh }} >/dev/null 2>&1; then
    usermod -a -G {{ group | sh }} {{ account.name | sh }} >/dev/null 2>&1 || :
fi
{% endfor %}
{% endfor %}
{% if services %}

{{ before() }}
# Notes for the scriptlets after this one: which services are new, and which ran.
{{ is_live() }}
marks={{ marks | sh }}
rm -rf "$marks"
if [ "$phase" != none ] && (umask 077 && mkdir -p "$marks") 2>/dev/null; then
    note() {
        [ -e "$2" ] || touch "$marks/new.$1"
        is_live || return 0
        {% if init == "systemd" %}
        case "$(systemctl show -p ActiveState "$1.service" 2>/dev/null)" in
            *=active|*=activating|*=reloading) touch "$marks/ran.$1" ;;
        esac
        {% else %}
        if [ -x "$2" ] && "$2" status >/dev/null 2>&1; then touch "$marks/ran.$1"; fi
        {% endif %}
    }
    {% for service in services %}
    note {{ service.id | sh }} {{ service.path | sh }}
    {% endfor %}
fi
{% endif %}
{% if tree and tree.unowned %}
# Bytecode of the version before would be taken for that of the new one: it may be of the kind that is never checked.
{{ drop_bytecode(tree) }}
{% endif %}
{{- run_user_script() }}
exit 0
