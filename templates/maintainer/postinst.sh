{{ begin() }}
{{ only_inside() }}
if [ "${1:-}" = triggered ]; then
:
{{ run_triggers() }}
exit 0
fi
{{ files_postinst() }}
{% if services %}
{{ package_notes() }}
{{- make_notes() }}
{{ manage_services() }}
{% endif %}
case "${1:-}" in
    configure) ;;
    abort-upgrade | abort-remove | abort-deconfigure)
        {% if services %}
        # What prerm stopped goes on. Nothing else has changed.
        resume_services
        rm -rf "$notes"
        {% for service in services %}
        rm -f "$base/handed/"{{ service.id | sh }}
        {% endfor %}
        {{ tidy_package_notes() }}
        {% endif %}
        exit 0
        ;;
    *) exit 0 ;;
esac
{% if tmpfiles %}
if command -v systemd-tmpfiles >/dev/null 2>&1; then
    systemd-tmpfiles --create {{ tmpfiles | sh }} >/dev/null 2>&1 || :
fi
{% endif %}
{% if services %}
configure_services
{% endif %}
{{- run_script(user.post) }}
{{ run_triggers() }}
{% if tree %}
{{ drop_other_series(tree) }}{{ compile_tree(tree) }}{% if tree.plugins %}
{{ report_plugins(tree.plugins) }}
{% endif %}
{% endif %}
{% if services %}
revive_services
rm -rf "$notes"
{{ tidy_package_notes() }}
{% endif %}
{{- run_script(user.posttrans) }}
exit 0
