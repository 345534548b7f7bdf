"""How long the machinery of sweeps takes, and how much memory: everything but the training.

    cargo build -p trueup
    python3 experiments/benches/sweeps.py [--binary target/debug/trueup] [--trials 10000] [--runs 2000]

Only Python's own library is needed. All is made in a temporary folder. Two sweeps:

- one of --trials trials, of which one is run and copied to all others with another result, so that
  there are as many finished runs; it times planning, `status`, the index, summary and report.
  Planning is timed twice: `trueup plan`, which writes nothing, and `trueup run` until the frozen plan
  is on disk.
- one of --runs runs of the smallest training there is, with one worker. The memory of the runner is
  looked at when a tenth, half and all of them have begun. The overhead of a run is its share of the
  wall time of the whole command (planning and summary too), less what the same training takes
  where one process does all seeds one after the other (`seeds = [1, 2, ...]`, `seconds` of its
  summary): leases, directories, provenance, logs, statuses, events, and all that is read again.

Each time is the median of three, but for the two long ones, which are taken once. Exit code 1 where
a bar is missed.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TASK = """name = "{name}"
{seeds}
[task]
environment = "CartPole-v1"
total_steps = 2
[task.update]
gamma = 0.99
learning_rate = 1e-3
epochs = 1
minibatches = 1
[task.network]
hidden = [4]
[task.sampling]
environments = 1
steps = 2
evaluation_episodes = 1
"""

SWEEP = """
[sweep]
seeds = {seeds}
[[sweep.groups]]
kind = "grid"
[sweep.groups.axes]
"task.update.learning_rate" = {{ low = 1e-5, high = 1e-1, scale = "log", points = {rows} }}
"task.update.gamma" = {{ low = 0.8, high = 0.999, points = {columns} }}
[launch]
jobs = 1
threads = 1
"""

# What a summary, an index or a report reads of a run.
KEPT = ["status.json", "summary.json", "config.toml", "provenance.json", "metrics.jsonl"]


class Bench:
    def __init__(self, binary, folder):
        self.binary, self.folder, self.rows = binary, Path(folder), []

    def start(self, *arguments):
        """Starts the command with its output thrown away."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [self.binary, *map(str, arguments)]
        return subprocess.Popen(command, cwd=self.folder, start_new_session=True, **quiet)

    def run(self, *arguments):
        """Seconds of a command."""
        begun = time.perf_counter()
        code = self.start(*arguments).wait()
        if code != 0:
            sys.exit(f"trueup {' '.join(map(str, arguments))} ended with {code}")
        return time.perf_counter() - begun

    def time(self, *arguments):
        return statistics.median(self.run(*arguments) for _ in range(3))

    def add(self, what, value, unit, bar=None):
        self.rows.append((what, value, unit, bar))
        print(f"  {what}: {value:.2f} {unit}", file=sys.stderr)

    def table(self):
        """Prints figures beside their bars; whether all are kept."""
        kept = True
        print("| what | figure | bar |\n|---|---:|---:|")
        for what, value, unit, bar in self.rows:
            words = ""
            if bar is not None:
                kept &= value <= bar
                words = f"{bar:g} {unit}" + ("" if value <= bar else ", **missed**")
            print(f"| {what} | {value:.2f} {unit} | {words} |")
        return kept


def config(folder, name, rows, columns, seeds=1):
    text = TASK.format(name=name, seeds="seed = 1")
    text += SWEEP.format(seeds=seeds, rows=rows, columns=columns)
    (folder / f"{name}.toml").write_text(text)


def wait(what, holds, process=None):
    begun = time.perf_counter()
    while not holds():
        if time.perf_counter() - begun > 600 or (process and process.poll() not in (None, 0)):
            sys.exit(f"waited in vain: {what}")
        time.sleep(0.002)
    return time.perf_counter() - begun


def copied_runs(bench, sweep):
    """Lets one run end and stops the sweep; then copies that run to all others."""
    process = bench.start("run", "large.toml")
    frozen = wait("a plan", (sweep / "plan.jsonl").exists, process)
    wait("a run", lambda: any(sweep.glob("runs/*/1/summary.json")), process)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    summaries = sorted(sweep.glob("runs/*/1/summary.json"))
    state = lambda run: json.loads((run / "status.json").read_text())["state"]
    first = next(path.parent for path in summaries if state(path.parent) == "done")
    model = {name: (first / name).read_text() for name in KEPT if (first / name).exists()}
    shutil.rmtree(sweep / "runs")
    shutil.rmtree(sweep / "leases", ignore_errors=True)
    shutil.rmtree(sweep / "failures", ignore_errors=True)
    lines = (sweep / "plan.jsonl").read_text().splitlines()[1:]
    for i, line in enumerate(lines):
        run = sweep / "runs" / json.loads(line)["trial"] / "1"
        run.mkdir(parents=True)
        summary = json.loads(model["summary.json"])
        for seed in summary["seeds"]:
            seed["evaluation_return"] = 10.0 + i * 7919 % 4900 / 10
        for name, text in model.items():
            (run / name).write_text(json.dumps(summary) if name == "summary.json" else text)
    return frozen


def large(bench, trials):
    rows = int(trials ** 0.5)
    config(bench.folder, "large", rows, trials // rows)
    count = rows * (trials // rows)
    bench.add(f"plan of {count:,} trials", bench.time("plan", "large.toml"), "s", 2)
    sweep = bench.folder / "runs" / "large"
    bench.add("the same until it is frozen on disk", copied_runs(bench, sweep), "s", 2)
    state = subprocess.run([bench.binary, "status", sweep, "--json"], capture_output=True, text=True)
    counts = json.loads(state.stdout)["counts"]
    if counts["done"] != count:
        sys.exit(f"the copied runs are not done: {counts}")
    bench.add(f"status of {count:,} finished runs", bench.time("status", sweep), "s", 1)
    index = bench.time("index", "--rebuild", "--root", bench.folder / "runs")
    bench.add(f"index of {count:,} finished runs, made anew", index, "s", 20)
    bench.add(f"summary of {count:,} finished runs", bench.time("conclude", sweep), "s")
    bench.add(f"report of {count:,} finished runs", bench.run("report", sweep), "s")
    size = (sweep / "report.html").stat().st_size / 1e6
    bench.add("size of its page", size, "MB")


def resident(pid):
    """Memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def processor():
    """Processor seconds of all processes that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += (task / "children").read_text().split()
    return found


def small(bench, runs):
    trials, seeds = (100, runs // 100) if runs >= 200 else (runs, 1)
    config(bench.folder, "small", 10 if trials == 100 else trials, 10 if trials == 100 else 1, seeds)
    count = trials * seeds
    folder = bench.folder / "runs" / "small" / "runs"
    begun, used = time.perf_counter(), processor()
    process = bench.start("run", "small.toml")
    memory, marks = [], [0.1, 0.5, 0.98]
    while process.poll() is None and len(memory) < len(marks):
        there = sum(1 for trial in folder.glob("*") for _ in trial.glob("*.log"))
        if there >= marks[len(memory)] * count:
            workers = [resident(child) for child in children(process.pid)]
            memory.append((resident(process.pid), *workers))
        time.sleep(0.1)
    if process.wait() != 0:
        sys.exit(f"the sweep of small runs ended with {process.returncode}")
    wall = (time.perf_counter() - begun) / count * 1000
    swept = (processor() - used) / count * 1000
    # The same training, seed by seed in one process.
    seeds = f"seeds = {list(range(1, count + 1))}"
    (bench.folder / "single.toml").write_text(TASK.format(name="single", seeds=seeds))
    used = processor()
    bench.run("run", "single.toml", "--threads", 1, "--out", "single")
    lone = (processor() - used) / count * 1000
    summary = next((bench.folder / "single").glob("*/summary.json"))
    alone = json.loads(summary.read_text())["seconds"] / count * 1000
    bench.add(f"one of {count:,} runs with one worker, all in all", wall, "ms")
    bench.add("the same training within one process", alone, "ms")
    bench.add("overhead of a run: the difference", wall - alone, "ms", 20)
    bench.add("the same in processor time, less that of the one process with its report", swept - lone, "ms")
    for share, (runner, *worker) in zip(("a tenth", "half", "all"), memory):
        bench.add(f"memory of the runner when {share} of them have begun", runner, "MB")
        if worker:
            bench.add("memory of its worker then", worker[0], "MB")
    if len(memory) == 3:
        grown = memory[2][0] - memory[0][0]
        bench.add("growth of the runner from a tenth to all", grown, "MB", 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="target/debug/trueup", type=Path)
    parser.add_argument("--trials", default=10_000, type=int)
    parser.add_argument("--runs", default=2_000, type=int)
    given = parser.parse_args()
    if not given.binary.exists():
        sys.exit(f"{given.binary} is not there: run `cargo build -p trueup`, or give --binary")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(given.binary.resolve(), folder)
        large(bench, given.trials)
        small(bench, given.runs)
        sys.exit(0 if bench.table() else 1)


if __name__ == "__main__":
    main()
