{{- run_user_script() }}
{% if tree or accounts | selectattr("remove") | list %}
{{ after() }}
{% endif %}
{% if services %}

{% if init == "systemd" %}
{{ is_live() }}
# A unit whose file is gone, with the package or with its new version, leaves neither a process nor a link.
if command -v systemctl >/dev/null 2>&1; then
    withdraw() {
        [ ! -e "$2" ] || return 0
        if is_live; then systemctl stop "$1.service" >/dev/null 2>&1 || :; fi
        systemctl --no-reload disable "$1.service" >/dev/null 2>&1 || :
        for link in /etc/systemd/system/*.wants/"$1.service"; do
            if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f "$link"; fi
        done
        if is_live; then systemctl reset-failed "$1.service" >/dev/null 2>&1 || :; fi
    }
    {% for service in services %}
    withdraw {{ service.id | sh }} {{ service.path | sh }}
    {% endfor %}
    if is_live; then systemctl daemon-reload >/dev/null 2>&1 || :; fi
fi
{% else %}
# Links of an init script that is gone, with the package or with its new version.
withdraw() {
    [ ! -e "$2" ] || return 0
    for link in /etc/rc[0-6S].d/[SK][0-9][0-9]"$1" /etc/rc.d/rc[0-6S].d/[SK][0-9][0-9]"$1"; do
        if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f "$link"; fi
    done
}
{% for service in services %}
withdraw {{ service.id | sh }} {{ service.path | sh }}
{% endfor %}
{% endif %}
{% endif %}
{% if tree %}
if [ "$phase" = remove ] && [ -d {{ tree.prefix | sh }} ]; then
    find {{ tree.prefix | sh }} -xdev -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || :
    find {{ tree.prefix | sh }} -xdev -depth -type d -exec rmdir {} \; 2>/dev/null || :
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
