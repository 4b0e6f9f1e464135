{{ setup() }}
{{- run_user_script() }}
{% if services or tree and tree.unowned %}
{{ after() }}
{% endif %}
{% if services %}

{{ notes() }}
{{- is_of_this_transaction() }}
is_held() { is_of_this_transaction "$base/held/$1"; }
{{ stop_services() }}
{% endif %}
{% if tree and tree.unowned %}

# Bytecode made on this machine belongs to no package and would keep directories from going. In an upgrade the new
# version's is here already.
if [ "$phase" = remove ]; then
    {{ drop_bytecode(tree) }}
fi
{% endif %}
exit 0
