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
{{ drop_leftovers(tree) }}
{% endif %}
{% if tree and tree.plugins %}
{{ remove_plugins(tree.plugins) }}
{% endif %}
{% if accounts | selectattr("remove") | list %}
if [ "$phase" = remove ]; then
{{ remove_accounts() }}
fi
{% endif %}
exit 0
