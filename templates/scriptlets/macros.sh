{#- Pieces of more than one scriptlet. -#}
{%- macro setup() %}
{# A caller's environment may lack PATH, or set options of the shell (bash reads SHELLOPTS). #}
set +Cefu
PATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin
export PATH
{% endmacro -%}
{%- macro before() %}
{# What is happening: `install` or `upgrade`, from what rpm passes. #}
if [ "${1:-1}" -gt 1 ]; then phase=upgrade; else phase=install; fi
{% endmacro -%}
{%- macro after() %}
{# `upgrade` or `remove`. #}
if [ "${1:-0}" -gt 0 ]; then phase=upgrade; else phase=remove; fi
{% endmacro -%}
{%- macro notes() %}
{# What one scriptlet leaves for the next. It outlives a boot, so that a transaction that was cut off can be done again
   from where it was. #}
base={{ notes_directory | sh }}
# The package manager's process and when it was started: notes of one that was killed are not taken for this one's.
transaction() {
    read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id || boot=
    stat=$(cat "/proc/$PPID/stat" 2>/dev/null) || stat=
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    echo "$PPID ${20:-} $boot"
}
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
{%- macro drop_other_series(tree) %}
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
{% endmacro -%}
{%- macro compile_tree(tree) %}
{% if tree.compile %}
if [ -x {{ tree.python | sh }} ] && [ -d {{ tree.prefix | sh }} ]; then
    {{ tree.python | sh }} -E -s -m compileall -q{% if tree.unchecked_hash %} --invalidation-mode unchecked-hash{% endif %} {{ tree.prefix | sh }} >/dev/null 2>&1 || :
fi
{% endif %}
{% endmacro -%}
{%- macro drop_bytecode(tree) %}
[ ! -d {{ tree.prefix | sh }} ] || find {{ (tree.prefix ~ "/") | sh }} -xdev -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || :
{%- endmacro -%}
{%- macro make_accounts() %}
{% for account in accounts %}
if ! getent group {{ account.group | sh }} >/dev/null 2>&1; then
    groupadd -r {{ account.group | sh }} || exit 1
fi
if ! getent passwd {{ account.name | sh }} >/dev/null 2>&1; then
    useradd -r -M -g {{ account.group | sh }} -d {{ account.home | sh }} -s {{ account.shell | sh }} -c {{ account.comment | sh }} {{ account.name | sh }} || exit 1
fi
{% for group in account.groups %}
if getent group {{ group | sh }} >/dev/null 2>&1; then
    usermod -a -G {{ group | sh }} {{ account.name | sh }} >/dev/null 2>&1 || :
fi
{% endfor %}
{% endfor %}
{% endmacro -%}
{%- macro remove_accounts() %}
{% for account in accounts if account.remove %}
    if getent passwd {{ account.name | sh }} >/dev/null 2>&1; then
        userdel {{ account.name | sh }} >/dev/null 2>&1 || echo {{ ("warning: the account " ~ account.name ~ " could not be removed") | sh }} >&2
    fi
    {% if account.group == account.name %}
    if getent group {{ account.group | sh }} >/dev/null 2>&1; then
        groupdel {{ account.group | sh }} >/dev/null 2>&1 || :
    fi
    {% endif %}
{% endfor %}
{% endmacro -%}
{%- macro drop_leftovers(tree) %}
if [ "$phase" = remove ] && [ -d {{ tree.prefix | sh }} ]; then
    find {{ (tree.prefix ~ "/") | sh }} -xdev -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || :
    find {{ (tree.prefix ~ "/") | sh }} -xdev -depth -type d -exec rmdir {} \; 2>/dev/null || :
fi
{% endmacro -%}
{%- macro run_user_script() %}
{{ run_script(user_script) }}
{%- endmacro -%}
{%- macro run_script(script) %}
{% if script %}

user_script() {
    for directory in /tmp /var/tmp /run /; do
        file=$(mktemp "$directory/omnipack.XXXXXXXX" 2>/dev/null) && break
    done
    [ -n "$file" ] || return 1
    cat >"$file" <<'{{ script.delimiter }}'
{{ script.text }}
{{ script.delimiter }}
    code=0
    {{ script.interpreter }} "$file" "$@" || code=$?
    rm -f "$file"
    return "$code"
}
{% if script.veto %}
user_script "$@" || exit $?
{% else %}
user_script "$@" || echo {{ ("warning: the " ~ script.kind ~ " script of " ~ package ~ " failed with exit code") | sh }} "$?" >&2
{% endif %}
{% endif %}
{% endmacro -%}
