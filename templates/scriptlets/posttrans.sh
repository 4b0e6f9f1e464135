{{ setup() }}
base={{ notes_directory | sh }}
{% if tree %}
# Bytecode that root's runs made belongs to no package, and kept the directory of another Python's version: it goes
# where the modules that it was made of are gone.
for library in {{ tree.prefix | sh }}/lib/python[0-9]*.[0-9]*; do
    if [ -L "$library" ] || [ ! -d "$library" ] || [ "$library" = {{ (tree.prefix ~ "/lib/python" ~ tree.series) | sh }} ]; then continue; fi
    find "$library" -xdev -depth -type d -name __pycache__ -exec sh -c '
        for cache; do
            for source in "${cache%/*}"/*.py; do [ -e "$source" ] || rm -rf "$cache"; break; done
        done' sh {} + 2>/dev/null || :
    find "$library" -xdev -depth -type d -exec rmdir {} \; 2>/dev/null || :
done
{% if format == "rpm" %}
{{ settle_moved(tree) }}
{% endif %}
{% if tree.compile %}
if [ -x {{ tree.python | sh }} ] && [ -d {{ tree.prefix | sh }} ]; then
    {{ tree.python | sh }} -E -s -m compileall -q{% if tree.unchecked_hash %} --invalidation-mode unchecked-hash{% endif %} {{ tree.prefix | sh }} >/dev/null 2>&1 || :
fi
{% endif %}
{% if tree.plugins %}
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
