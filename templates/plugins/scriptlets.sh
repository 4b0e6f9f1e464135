{#- What scriptlets do with the plugins of operators: nothing but to speak of them, and to remove them when asked. -#}
{%- macro report_plugins(plugins) %}
# Plugins are installed for one series of Python. No scriptlet uses the network, so that those of another series are the
# administrator's to install again.
plugins={{ plugins.directory | sh }}/lib
if [ ! -e "$plugins/python{{ plugins.series }}/requirements.txt" ]; then
    newest=
    for record in "$plugins"/python*/requirements.txt; do
        [ -s "$record" ] || continue
        if [ -z "$newest" ] || [ "$record" -nt "$newest" ]; then newest=$record; fi
    done
    if [ -n "$newest" ]; then
        series=${newest%/requirements.txt}
        series=${series##*/python}
        {
            printf '%s %s %s\n' {{ ("warning: " ~ plugins.application ~ " runs on Python " ~ plugins.series ~ " now, and its plugins were installed for Python") | sh }} "$series;" 'install them again with'
            printf '    %s%s\n' {{ (plugins.pip | sh ~ " install -r " ~ plugins.directory | sh ~ "/lib/python") | sh }} "$series/requirements.txt"
        } >&2
    fi
fi
{% endmacro -%}
{%- macro remove_plugins(plugins) %}
if [ "$phase" = remove ] && [ -d {{ plugins.directory | sh }} ] && [ ! -L {{ plugins.directory | sh }} ]; then
    {% if plugins.remove %}
    find {{ plugins.directory | sh }} -xdev ! -type d -exec rm -f {} + 2>/dev/null || :
    find {{ plugins.directory | sh }} -xdev -depth -type d -exec rmdir {} \; 2>/dev/null || :
    {% else %}
    # Only what is left when all plugins were uninstalled goes.
    if [ -z "$(find {{ plugins.directory | sh }} -xdev ! -type d ! \( -name requirements.txt -size 0 \) 2>/dev/null | head -n 1)" ]; then
        find {{ plugins.directory | sh }} -xdev -name requirements.txt -size 0 -exec rm -f {} + 2>/dev/null || :
        find {{ plugins.directory | sh }} -xdev -depth -type d -exec rmdir {} \; 2>/dev/null || :
    fi
    {% endif %}
    {% for parent in plugins.parents %}
    rmdir {{ parent | sh }} 2>/dev/null || :
    {% endfor %}
fi
{% endmacro -%}
