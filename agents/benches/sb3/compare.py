"""Runs Stable-Baselines3's PPO and trueup's in turns on CartPole-v1 and prints a Markdown table.

Usage, in the repository, after `pip install -r agents/benches/sb3/requirements.txt` and
`cargo build -p trueup-agents --example speed`:

    python3 agents/benches/sb3/compare.py --rounds 5 \
        --trueup 'target/debug/examples/speed --setting {setting} --compute {compute}
                  --iterations {iterations}'

The command of trueup is a template: {setting}, {compute} and {iterations} are filled in. It prints
one line of JSON with "steps" and "seconds" (other lines are passed over). Give the built program,
not `cargo run`: the memory is that of the process that is started.

In a round every program runs once for every setting, one after the other, so that what else the
machine does falls on all of them alike. A ratio is taken within a round; the table has the median
over rounds, and the range in brackets. Stable-Baselines3 runs with as many torch threads as
--sb3-threads says; with several numbers it runs with each and the fastest is compared with. Memory
is the peak resident set, read from Linux' /proc as the program runs.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

SETTINGS = {
    "s1": "8 x 256 steps, 10 epochs, minibatch 64",
    "s2": "64 x 128 steps, 4 epochs, minibatch 2048",
}
# Between looks at the memory of a running program, seconds.
LOOK = 0.02


class Failed(Exception):
    """A program failed, or did not print what it should."""


def peak_memory(process):
    """Peak resident set so far in MiB, or None where the process is gone."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return None


def result(text, command):
    """The last line of JSON with steps and seconds."""
    for line in reversed(text.splitlines()):
        try:
            found = json.loads(line)
            found["steps_per_second"] = found["steps"] / found["seconds"]
            return found
        except (ValueError, TypeError, KeyError, ZeroDivisionError):
            continue
    raise Failed(f"no JSON line with steps and seconds > 0 from: {shlex.join(command)}\n{text}")


def run(command, timeout):
    """What the command printed, with its peak memory and the load before it started."""
    load, memory = os.getloadavg()[0], 0.0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        try:
            process = subprocess.Popen(command, stdout=out, stderr=err)
        except OSError as error:
            raise Failed(f"{error}: {shlex.join(command)}") from error
        end = time.monotonic() + timeout
        while process.poll() is None:
            if time.monotonic() > end:
                process.kill()
                process.wait()
                raise Failed(f"not done after {timeout} s: {shlex.join(command)}")
            memory = max(memory, peak_memory(process) or 0.0)
            time.sleep(LOOK)
        for file in (out, err):
            file.seek(0)
        if process.returncode != 0:
            raise Failed(f"exit code {process.returncode}: {shlex.join(command)}\n{err.read()}")
        return result(out.read(), command) | {"memory": memory, "load": load}


def programs(args):
    """Name and command of each program, for a setting."""
    sb3 = Path(__file__).with_name("sb3_speed.py")

    def commands(setting):
        for threads in args.sb3_threads:
            command = [sys.executable, str(sb3), "--setting", setting]
            command += ["--iterations", str(args.sb3_iterations[setting])]
            yield f"Stable-Baselines3, {threads} thread(s)", command + ["--threads", str(threads)]
        for compute in args.compute:
            fields = {"setting": setting, "compute": compute}
            fields["iterations"] = args.iterations[setting]
            words = shlex.split(args.trueup)
            yield f"trueup, {compute}", [word.format(**fields) for word in words]

    return commands


def measure(args):
    """Results by setting, name and round."""
    commands, results = programs(args), defaultdict(lambda: defaultdict(list))
    for round_ in range(args.rounds):
        for setting in args.settings:
            for name, command in commands(setting):
                found = run(command, args.timeout)
                results[setting][name].append(found)
                rate, load = found["steps_per_second"], found["load"]
                note = f"round {round_ + 1} {setting} {name}: {rate:.0f} steps/s, load {load:.1f}"
                print(note, file=sys.stderr)
    return results


def spread(values, digits):
    low, high = min(values), max(values)
    return f"{statistics.median(values):,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def rows(runs):
    """Table rows of one setting; ratios are to the fastest Stable-Baselines3."""
    rates = {name: [r["steps_per_second"] for r in found] for name, found in runs.items()}
    peers = [name for name in rates if name.startswith("Stable-Baselines3")]
    peer = max(peers, key=lambda name: statistics.median(rates[name]))
    for name, found in runs.items():
        ratios = [mine / his for mine, his in zip(rates[name], rates[peer])]
        times = "1" if name == peer else spread(ratios, 2)
        memory = max(r["memory"] for r in found)
        yield f"| {name} | {spread(rates[name], 0)} | {times} | {memory:.0f} |"


def machine():
    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        cpu = names[0] if names else cpu
    except OSError:
        pass
    return f"{cpu}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release()}"


def table(args, results):
    loads = [r["load"] for runs in results.values() for found in runs.values() for r in found]
    peer = next(iter(results[args.settings[0]].values()))[0]
    versions = ", ".join(f"{name} {v}" for name, v in peer.get("versions", {}).items())
    lines = [
        f"{machine()}. {versions}.",
        f"Medians of {args.rounds} rounds (lowest to highest); load average before a run "
        f"{min(loads):.1f} to {max(loads):.1f}.",
    ]
    for setting in args.settings:
        lines += ["", f"{setting.upper()}: {SETTINGS[setting]}", ""]
        lines += ["| program | steps per second | times as fast | peak memory, MiB |"]
        lines += ["|---|---|---|---|", *rows(results[setting])]
    return "\n".join(lines)


def per_setting(text):
    """"4" or "s1=2,s2=6"."""
    if text.isdigit():
        return {setting: int(text) for setting in SETTINGS}
    counts = {k: int(v) for k, v in (part.split("=") for part in text.split(","))}
    if set(counts) != set(SETTINGS):
        raise ValueError(text)
    return counts


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trueup", help="command template; without it the peer runs alone")
    parser.add_argument("--compute", nargs="+", default=["cpu"], help="values of {compute}")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--iterations", type=per_setting, default="s1=50,s2=50", help="of trueup")
    parser.add_argument("--sb3-iterations", type=per_setting, default="s1=3,s2=8")
    parser.add_argument("--sb3-threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--timeout", type=float, default=600.0, help="of one run, seconds")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds is 1 or more")
    if not args.trueup:
        args.compute = []
        return args
    try:
        args.trueup.format(setting="s1", compute="cpu", iterations=1)
    except (KeyError, IndexError, ValueError) as error:
        parser.error(f"--trueup knows {{setting}}, {{compute}} and {{iterations}}, not {error}")
    return args


def main():
    args = arguments()
    try:
        print(table(args, measure(args)))
    except Failed as failed:
        sys.exit(f"compare.py: {failed}")


if __name__ == "__main__":
    main()
