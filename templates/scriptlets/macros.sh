{#- Pieces of more than one scriptlet. -#}
{%- macro before() %}
{# What is happening: `install`, `upgrade` or `none`, from what the package manager passes. #}
{% if format == "rpm" %}
if [ "${1:-1}" -gt 1 ]; then phase=upgrade; else phase=install; fi
{% else %}
{# Debian policy 6.5: preinst install|upgrade, postinst configure <most recently configured version>. #}
case "${1:-}:${2:-}" in
    install:*|configure:) phase=install ;;
    upgrade:*|configure:*) phase=upgrade ;;
    *) phase=none ;;
esac
{% endif %}
{% endmacro -%}
{%- macro after() %}
{# `upgrade`, `remove` or `none`. #}
{% if format == "rpm" %}
if [ "${1:-0}" -gt 0 ]; then phase=upgrade; else phase=remove; fi
{% else %}
case "${1:-}" in
    remove) phase=remove ;;
    upgrade|deconfigure) phase=upgrade ;;
    *) phase=none ;;
esac
{% endif %}
{% endmacro -%}
{%- macro is_live() %}
{# Is the service manager of this machine running, and is this its own root? A chroot or an image build says no. #}
{% if init == "systemd" %}
is_live() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }
{% else %}
is_live() {
    [ "$(stat -c %d:%i / 2>/dev/null)" = "$(stat -c %d:%i /proc/1/root/. 2>/dev/null)" ] || return 1
    case "$(PATH=$PATH:/sbin runlevel 2>/dev/null)" in *\ [0-9S]) return 0 ;; esac
    return 1
}
{% endif %}
{% endmacro -%}
{%- macro drop_bytecode(tree) %}
[ ! -d {{ tree.prefix | sh }} ] || find {{ tree.prefix | sh }} -xdev -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || :
{%- endmacro -%}
{%- macro run_user_script() %}
{% if user_script %}

user_script() {
    file=$(mktemp "${TMPDIR:-/tmp}/omnipack.XXXXXXXX") || return 1
    cat >"$file" <<'{{ user_script.delimiter }}'
{{ user_script.text }}
{{ user_script.delimiter }}
    code=0
    {{ user_script.interpreter }} "$file" "$@" || code=$?
    rm -f "$file"
    return "$code"
}
{% if user_script.veto %}
user_script "$@" || exit $?
{% else %}
user_script "$@" || echo {{ ("warning: the " ~ user_script.kind ~ " script of " ~ package ~ " failed with exit code") | sh }} "$?" >&2
{% endif %}
{% endif %}
{% endmacro -%}
