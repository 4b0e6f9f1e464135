{{ begin() }}
{{ only_inside() }}
{% if user.purge %}
if [ "${1:-}" = purge ]; then
    # While there still is what the package made.
    :
{{ run_script(user.purge) }}
fi
{% endif %}
{{ files_postrm() }}
{% if services %}
{{ package_notes() }}
{{- postrm_functions() }}
{% endif %}
case "${1:-}" in
    remove)
        {{ "phase=remove" if tree else ":" }}
{{ run_script(user.postun) }}
        {% if services %}
        {{ forget_processes() }}
        rm -rf "$notes"
        {% for service in services %}
        rm -f "$base/handed/"{{ service.id | sh }}
        {% endfor %}
        {{ tidy_package_notes() }}
        {% endif %}
        {% if tree %}
        {{ drop_leftovers(tree) }}
        {% endif %}
        {% if tree and tree.plugins %}
        {{ remove_plugins(tree.plugins) }}
        {% endif %}
        ;;
    purge)
        :
        {% if services %}
        {{ purge_services() }}
        rm -rf "$notes"
        {{ tidy_package_notes() }}
        {% endif %}
        {% if accounts | selectattr("remove") | list %}
        {{ remove_accounts() }}
        {% endif %}
        ;;
    upgrade)
        :
{{ run_script(user.postun) }}
        ;;
    abort-install | disappear)
        :
        {% if services %}
        rm -rf "$notes"
        {{ tidy_package_notes() }}
        {% endif %}
        ;;
    # failed-upgrade, abort-upgrade: the old version's postinst does what is to be done.
esac
exit 0
