# -*- coding: utf-8 -*-
"""Installs what the project's own build backend would, with tools that know no pyproject.toml."""
{% if otherwise %}
import io
{% endif %}
import os

from setuptools import setup

tops = {{ tops | json }}
below_src = any(os.path.exists(os.path.join("src", top)) for top in tops)

{% if otherwise %}

def version():
    """What the metadata of the sdist says."""
    if os.path.exists("PKG-INFO"):
        with io.open("PKG-INFO", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("Version:"):
                    return line.partition(":")[2].strip()
    return {{ otherwise | json }}


{% endif %}
setup(
    name={{ name | json }},
{% if marked %}
    version={{ marked | json }},
{% else %}
    version=version(),
{% endif %}
    packages={{ packages | json }},
    py_modules={{ modules | json }},
    package_dir={"": "src"} if below_src else {},
    package_data={{ data | json }},
    install_requires={{ requires | json }},
    entry_points={{ entry_points | json }},
    zip_safe=False,
)
