{#- What the maintainer scripts do for configuration files, for directories that are links now and back, for
    capabilities, and on dpkg's triggers. Each macro may come to nothing. -#}
{%- macro files_preinst() %}
{% endmacro -%}
{%- macro files_postinst() %}
{% endmacro -%}
{%- macro files_prerm() %}
{% endmacro -%}
{%- macro files_postrm() %}
{% endmacro -%}
{%- macro run_triggers() %}
{% endmacro -%}
