"""Asks the solver of dnf about a repository: who provides what, and what can be installed.

Arguments: the repository, a directory for dnf's own files, a file with a JSON array of {"provides": text} and
{"install": name}. Standard output: a JSON array of lists of packages, and of booleans.
"""

import json
import os
import sys

import dnf
import hawkey

repository, scratch, questions = sys.argv[1:]
base = dnf.Base()
for setting in ("cachedir", "persistdir", "installroot", "logdir"):
    os.makedirs(f"{scratch}/{setting}")
    setattr(base.conf, setting, f"{scratch}/{setting}")
base.conf.substitutions["releasever"] = "1"
base.conf.substitutions["arch"] = base.conf.substitutions["basearch"] = "x86_64"
base.repos.add_new_repo("repository", base.conf, baseurl=[f"file://{repository}"])
base.fill_sack(load_system_repo=False)


def provides(text):
    try:
        query = base.sack.query().filter(provides=hawkey.Reldep(base.sack, text))
    except hawkey.ValueException:
        # Nothing in the repository has the name.
        return []
    return sorted(f"{package.name}-{package.evr}.{package.arch}" for package in query)


def install(name):
    goal = hawkey.Goal(base.sack)
    goal.install(select=hawkey.Selector(base.sack).set(name=name))
    return goal.run()


answers = [provides(ask["provides"]) if "provides" in ask else install(ask["install"]) for ask in json.load(open(questions))]
json.dump(answers, sys.stdout)
