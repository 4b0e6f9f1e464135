{{ setup() }}
{{ make_accounts() }}
{% if services %}

# Notes for the scriptlets after this one: which services are new, which ran, which are enabled. Of a transaction that
# was cut off, what it has not come to is still to be done: `new.*`, `start.*`, `former.*`, `count.*`.
{{ notes() }}
{{- own_notes() }}
if (umask 077 && mkdir -p "$notes") 2>/dev/null; then
rm -f "$notes"/ran.* "$notes"/enabled.* "$notes"/socket.*
# Unless it is another version that comes: since the cut the operator has had the machine as it is.
if [ "$(cat "$notes/version" 2>/dev/null)" != {{ evr | sh }} ]; then
    rm -f "$notes"/new.* "$notes"/start.* "$notes"/former.* "$notes"/count.*
    echo {{ evr | sh }} >"$notes/version"
fi
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
