{{ setup() }}
base={{ notes_directory | sh }}
{% if tree %}
{{ drop_other_series(tree) }}{% if tree.prepared %}
{{ settle_moved(tree) }}
{% endif %}
{{ compile_tree(tree) }}{% if tree.plugins %}
{{ report_plugins(tree.plugins) }}
{% endif %}
{% endif %}
{% if services %}
{{ notes() }}
# The old version's files are gone: what ran is started again, once, with the new ones.
{{ are_noted() }}
{{- revive_services() }}
{% for service in services %}
rm -f "$base/held/"{{ service.id | sh }}
{% endfor %}
rm -rf "$notes"
{% endif %}
{{ tidy_notes() }}
{{- run_user_script() }}
exit 0
