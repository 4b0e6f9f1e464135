{{ setup() }}
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
# Notes for the scriptlets after this one: which services are new, which ran, which are enabled. Of a transaction that
# was cut off, what it has not come to is still to be done: `new.*`, `start.*`, `former.*`, `count.*`.
{{ notes() }}
{{- own_notes() }}
if [ "$phase" != none ] && (umask 077 && mkdir -p "$notes") 2>/dev/null; then
rm -f "$notes"/ran.* "$notes"/enabled.* "$notes"/socket.*
{% if format == "rpm" %}
{# dpkg configures what it has unpacked sooner or later, if with another version; of rpm's nobody may ever come back. #}
# Unless it is another version that comes: since the cut the operator has had the machine as it is.
if [ "$(cat "$notes/version" 2>/dev/null)" != {{ evr | sh }} ]; then
    rm -f "$notes"/new.* "$notes"/start.* "$notes"/former.* "$notes"/count.*
    echo {{ evr | sh }} >"$notes/version"
fi
{% endif %}
transaction >"$notes/transaction"
{{ note_services() }}
fi
{% endif %}
{% if tree and tree.unowned %}
# Bytecode of the version before would be taken for that of the new one: it may be of the kind that is never checked.
{{ drop_bytecode(tree) }}
{% endif %}
{{- run_user_script() }}
exit 0
