{{ setup() }}
{{- run_user_script() }}
{% if tree or services or accounts | selectattr("remove") | list %}
{{ after() }}
{% endif %}
{% if services %}

{{ notes() }}
{{- own_notes() }}
{{- is_of_this_transaction() }}
{{ forget_services() }}
# Of a transaction that was cut off. Of two versions that it left, only the last to go is told that it is removed.
[ "$phase" != remove ] || rm -rf "$notes"
{% for service in services %}
is_of_this_transaction "$base/held/"{{ service.id | sh }} || rm -f "$base/held/"{{ service.id | sh }}
{% endfor %}
{{ tidy_notes() }}
{% endif %}
{% if tree %}
if [ "$phase" = remove ] && [ -d {{ tree.prefix | sh }} ]; then
    find {{ (tree.prefix ~ "/") | sh }} -xdev -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || :
    find {{ (tree.prefix ~ "/") | sh }} -xdev -depth -type d -exec rmdir {} \; 2>/dev/null || :
fi
{% endif %}
{% if tree and tree.plugins %}
{{ remove_plugins(tree.plugins) }}
{% endif %}
{% for account in accounts if account.remove %}
if [ "$phase" = remove ]; then
    if getent passwd {{ account.name | sh }} >/dev/null 2>&1; then
        userdel {{ account.name | sh }} >/dev/null 2>&1 || echo {{ ("warning: the account " ~ account.name ~ " could not be removed") | sh }} >&2
    fi
    {% if account.group == account.name %}
    if getent group {{ account.group | sh }} >/dev/null 2>&1; then
        groupdel {{ account.group | sh }} >/dev/null 2>&1 || :
    fi
    {% endif %}
fi
{% endfor %}
exit 0
