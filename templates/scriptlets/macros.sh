{#- Pieces of more than one scriptlet. -#}
{%- macro setup() %}
{# A caller's environment may lack PATH, or set options of the shell (bash reads SHELLOPTS). #}
set +Cefu
PATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin
export PATH
{% endmacro -%}
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
{%- macro notes() %}
{# What one scriptlet leaves for the next. It outlives a boot, so that a transaction that was cut off can be done again
   from where it was. #}
base={{ notes_directory | sh }}
{% if format == "rpm" %}
# The package manager's process and when it was started: notes of one that was killed are not taken for this one's.
transaction() {
    read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id || boot=
    stat=$(cat "/proc/$PPID/stat" 2>/dev/null) || stat=
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    echo "$PPID ${20:-} $boot"
}
{% else %}
# dpkg configures in another process than it unpacks in, and goes on where it was cut off.
transaction() { echo dpkg; }
{% endif %}
{% endmacro -%}
{%- macro own_notes() %}
notes=$base/packages/{{ package | sh }}
{% endmacro -%}
{%- macro is_of_this_transaction() %}
is_of_this_transaction() { [ "$(cat "$1" 2>/dev/null)" = "$(transaction)" ]; }
{% endmacro -%}
{%- macro are_noted() %}
{{ own_notes() }}
{{- is_of_this_transaction() }}
are_noted() { is_of_this_transaction "$notes/transaction"; }
{% endmacro -%}
{%- macro tidy_notes() %}
for directory in "$base"/packages "$base"/held "$base"/scripts "$base"/moved "$base"; do
    [ ! -d "$directory" ] || rmdir "$directory" 2>/dev/null || :
done
{% endmacro -%}
{%- macro is_own_root() %}
{# A chroot has another root than process 1, also one that sees the machine's /run. #}
is_own_root() {
    first=$(stat -c %d:%i /proc/1/root/. 2>/dev/null) || first=
    [ -z "$first" ] || [ "$(stat -c %d:%i / 2>/dev/null)" = "$first" ]
}
{% endmacro -%}
{%- macro settle_moved(tree) %}
# Directories that are links now: %pretrans moved them aside. What the old version had in them goes: it is as old as that
# version's other files. What anybody else put there stays.
moved=$base/moved/{{ package | sh }}
if [ -e "$moved" ]; then
    while read -r age directory; do
        [ -d "$directory" ] && [ ! -L "$directory" ] || continue
        find "$directory" -xdev -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || :
        if [ "$age" -gt 0 ] && touch -d "@$age" "$moved.at" && touch -d "@$((age - 1))" "$moved.before"; then
            find "$directory" -xdev ! -type d -newer "$moved.before" ! -newer "$moved.at" -exec rm -f {} + || :
        fi 2>/dev/null
        find "$directory" -xdev -depth -type d -exec rmdir {} \; 2>/dev/null || :
        [ ! -d "$directory" ] || echo {{ ("warning: " ~ package ~ " has a link now in the place of a directory; what else was in it is kept in") | sh }} "$directory" >&2
    done <"$moved"
    rm -f "$moved" "$moved.at" "$moved.before"
fi
{% endmacro -%}
{%- macro drop_bytecode(tree) %}
[ ! -d {{ tree.prefix | sh }} ] || find {{ (tree.prefix ~ "/") | sh }} -xdev -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || :
{%- endmacro -%}
{%- macro run_user_script() %}
{% if user_script %}

user_script() {
    for directory in /tmp /var/tmp /run /; do
        file=$(mktemp "$directory/omnipack.XXXXXXXX" 2>/dev/null) && break
    done
    [ -n "$file" ] || return 1
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
