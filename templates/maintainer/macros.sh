{#- Pieces of more than one maintainer script of a Debian package. Each script is called in the states of policy 6.5, more
    than once when dpkg was cut off, and with the argument first that names the state. -#}
{%- macro begin() %}
{{ setup() }}
{% endmacro -%}
{%- macro only_inside() %}
# With --force-script-chrootless dpkg calls this on another root than its own: this machine is not to be touched then.
[ -z "${DPKG_ROOT:-}" ] || exit 0
{% endmacro -%}
{%- macro package_notes() %}
# What one maintainer script leaves for the next. It outlives a boot: dpkg goes on where it was cut off.
base={{ notes_directory | sh }}
notes=$base/packages/{{ package | sh }}
{% endmacro -%}
{%- macro make_notes() %}
make_notes() { (umask 077 && mkdir -p "$notes") 2>/dev/null; }
{% endmacro -%}
{%- macro tidy_package_notes() %}
for directory in "$base/packages" "$base/handed" "$base"; do
    [ ! -d "$directory" ] || rmdir "$directory" 2>/dev/null || :
done
{% endmacro -%}
{%- macro is_of_another() %}
# Is $1 in another package, too?
is_of_another() {
    dpkg-query -S "$1" 2>/dev/null | sed -n 's/: .*//p' | tr -d ' ' | tr , '\n' | sed 's/:.*//' |
        grep -qvxF {{ package | sh }}
}
{% endmacro -%}
{%- macro policy() %}
# Does policy-rc.d forbid to do $2 with the service $1 (invoke-rc.d(8))?
is_denied() {
    [ -x /usr/sbin/policy-rc.d ] || return 1
    code=0
    /usr/sbin/policy-rc.d "$1" "$2" >/dev/null 2>&1 </dev/null || code=$?
    [ "$code" -eq 101 ]
}
{% endmacro -%}
