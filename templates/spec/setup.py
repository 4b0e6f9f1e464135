# -*- coding: utf-8 -*-
"""Installs what the project's own build backend would, with tools that know no pyproject.toml."""
import os

from setuptools import setup

tops = {{ tops | json }}
below_src = any(os.path.exists(os.path.join("src", top)) for top in tops)

setup(
    name={{ name | json }},
    version={{ version | json }},
    packages={{ packages | json }},
    py_modules={{ modules | json }},
    package_dir={"": "src"} if below_src else {},
    package_data={{ data | json }},
    entry_points={{ entry_points | json }},
    zip_safe=False,
)
