"""The command line, the order of the runs, and the tables."""

import argparse
import json
import os
import platform
import shutil
import sys
from pathlib import Path

from .applications import prepare
from .contenders import CONTENDERS, Scene
from .measure import CommandFailed, medians, size_of
from .tools import Interpreter, Tools

APPLICATIONS = ("cdhboot", "native", "payload")

# Contender, other, quantity, factor, and whether the quotient must stay below or reach the factor.
GOALS = (
    ("omnipack", "floor", "wall", 1.15, "at most"),
    ("omnipack-deb", "floor", "wall", 1.15, "at most"),
    ("omnipack-rebuild", "floor-rebuild", "wall", 1.3, "at most"),
    ("omnipack-deb-rebuild", "floor-rebuild", "wall", 1.3, "at most"),
    ("rpmvenv", "omnipack", "wall", 5, "at least"),
    ("fpm", "omnipack", "wall", 5, "at least"),
    ("dh-virtualenv", "omnipack-deb", "wall", 5, "at least"),
    ("fpm-deb", "omnipack-deb", "wall", 5, "at least"),
    ("rpmvenv", "omnipack-rebuild", "wall", 30, "at least"),
    ("fpm", "omnipack-rebuild", "wall", 30, "at least"),
    ("dh-virtualenv", "omnipack-deb-rebuild", "wall", 30, "at least"),
    ("fpm-deb", "omnipack-deb-rebuild", "wall", 30, "at least"),
)
PEAK_GOAL = 150_000_000


def arguments():
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(prog="benches/run", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the median counts (default: 3)")
    parser.add_argument("--app", action="append", choices=APPLICATIONS, help="only this one; may be given again")
    parser.add_argument("--only", help="only these contenders, with commas: " + ",".join(c.name for c in CONTENDERS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to this file")
    parser.add_argument("--python", default="3.11", help="series that everyone builds for (default: 3.11)")
    parser.add_argument("--distribution", default="rocky-9", help="omnipack's target (default: rocky-9)")
    parser.add_argument("--deb-distribution", default="debian-12", help="omnipack's target for Debian packages (default: debian-12)")
    parser.add_argument("--omnipack", help="the binary (default: target/release/omnipack)")
    parser.add_argument("--work", type=Path, default=cache / "omnipack-bench", help="where wheels and tools are kept")
    return parser.parse_args()


def main():
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    python = Interpreter.find(options.python)
    tools = Tools(options.work, options.omnipack and os.path.abspath(options.omnipack))
    wanted = set((options.only or ",".join(c.name for c in CONTENDERS)).split(","))
    contenders = [contender for contender in CONTENDERS if contender.name in wanted]
    report = {"machine": f"{os.cpu_count()} x {platform.machine()}", "python": options.python, "applications": {}}
    for name in options.app or APPLICATIONS:
        application = prepare(name, options.work, tools, python)
        scenes = options.work / "run"
        shutil.rmtree(scenes, ignore_errors=True)
        results, failures = measure_all(contenders, application, scenes, tools, python, options)
        shutil.rmtree(scenes, ignore_errors=True)
        print_table(name, contenders, results, failures)
        goals = judge(results)
        print_goals(goals)
        report["applications"][name] = {
            "results": {key: value.as_dict() for key, value in results.items()},
            "not measured": failures,
            "goals": goals,
        }
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def measure_all(contenders, application, scenes, tools, python, options):
    """The medians of each contender, and why there are none. The runs alternate: what else the machine does in a
    minute hits every contender alike."""
    failures = {contender.name: reason for contender in contenders if (reason := missing(contender, tools))}
    runs = {contender.name: [] for contender in contenders if contender.name not in failures}
    for number in range(options.runs):
        for contender in contenders:
            if contender.name in failures:
                continue
            print(f"{application.name}: {contender.title}, run {number + 1}", file=sys.stderr)
            outcome = measure(contender, application, scenes, tools, python, options)
            if isinstance(outcome, str):
                failures[contender.name] = outcome
            else:
                runs[contender.name].append(outcome)
    return {name: medians(outcomes) for name, outcomes in runs.items() if name not in failures}, failures


def missing(contender, tools):
    """The first of its programs that cannot be had."""
    return next((reason for program in contender.needs if (reason := tools.why_not(program))), None)


def measure(contender, application, scenes, tools, python, options):
    """Cost and size of one run, or why there is none."""
    folder = scenes / contender.name
    shutil.rmtree(folder, ignore_errors=True)
    scene = Scene(
        application, tools, python, options.distribution, options.deb_distribution, folder, scenes / f"{contender.name}.log",
        {"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": "1577836800", "UV_CACHE_DIR": str(options.work / "uv")},
    )  # fmt: skip
    scene.output.mkdir(parents=True)
    try:
        contender.prepare(scene)
        os.sync()
        cost = contender.build(scene)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return str(error)
    size = size_of(scene.output)
    shutil.rmtree(folder, ignore_errors=True)
    return (cost, size) if size else "left no package"


def print_table(name, contenders, results, failures):
    floor = results.get("floor")
    print(f"\n{name}\n{'':44}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'out MB':>9}   of the floor: wall   CPU  peak  size")
    for contender in contenders:
        result = results.get(contender.name)
        if result is None:
            print(f"{contender.title:44}  not measured: {failures[contender.name].splitlines()[0]}")
            continue
        line = f"{contender.title:44}{result.wall:9.2f}{result.cpu:9.2f}{result.peak / 1e6:9.0f}{result.size / 1e6:9.1f}"
        if floor:
            pairs = ((result.wall, floor.wall), (result.cpu, floor.cpu), (result.peak, floor.peak), (result.size, floor.size))
            line += " " * 14 + "".join(f"{mine / theirs:6.2f}" for mine, theirs in pairs)
        print(line)


def judge(results):
    """Every goal that can be judged: what it says, what was reached, whether it is met."""
    judged = []
    for name, other, quantity, factor, relation in GOALS:
        if name in results and other in results:
            quotient = getattr(results[name], quantity) / getattr(results[other], quantity)
            met = quotient <= factor if relation == "at most" else quotient >= factor
            judged.append(
                {"goal": f"{name} / {other}: {relation} {factor}", "reached": round(quotient, 3), "met": met}
            )
    for name in (name for name in results if name.startswith("omnipack")):
        peak = results[name].peak
        judged.append({"goal": f"{name}: peak at most 150 MB", "reached": peak / 1e6, "met": peak <= PEAK_GOAL})
    return judged


def print_goals(goals):
    for goal in goals:
        print(f"  {'met   ' if goal['met'] else 'MISSED'} {goal['goal']} (reached {goal['reached']:.2f})")
