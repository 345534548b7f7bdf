"""Times scipy and trueup on the same two samples, in turns, and prints medians and their ratio.

    cargo build --profile dev -p trueup-calibration --example time_distances
    python3 calibration/benches/peer_scipy.py target/debug/examples/time_distances [rows]

scipy runs in one process on one core, as it is used; trueup sorts the two sides in two threads.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy
from scipy import stats

ROUNDS = 5
METRICS = {
    # The p-value costs extra: "asymp" is its cheapest form.
    "kolmogorov-smirnov": lambda u, v: stats.ks_2samp(u, v, method="asymp").statistic,
    "wasserstein-1": stats.wasserstein_distance,
    "energy": stats.energy_distance,
}


def main():
    binary = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
    print(f"scipy {scipy.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
    rng = np.random.default_rng(1)
    u, v = rng.lognormal(3.2, 0.7, rows), rng.lognormal(3.25, 0.7, rows)
    theirs = {name: [] for name in METRICS}
    ours = {name: [] for name in METRICS}
    values = {}
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, name)) for name in ("internal", "external")]
        u.tofile(files[0])
        v.tofile(files[1])
        for _ in range(ROUNDS):
            for line in subprocess.check_output([binary, *files, "3"], text=True).splitlines():
                name, milliseconds, value = line.split()
                ours[name].append(float(milliseconds))
                values[name] = float(value)
            for name, metric in METRICS.items():
                start = time.perf_counter()
                value = metric(u, v)
                theirs[name].append(1e3 * (time.perf_counter() - start))
                assert abs(value - values[name]) < 1e-9 * (1 + abs(value)), (name, value, values)
    for name in METRICS:
        peer, own = statistics.median(theirs[name]), statistics.median(ours[name])
        ratios = sorted(a / b for a, b in zip(theirs[name], ours[name]))
        print(
            f"{name:20} {rows} rows: scipy {peer:9.1f} ms, trueup {own:8.1f} ms, "
            f"{peer / own:5.1f} times ({ratios[0]:.1f} to {ratios[-1]:.1f})"
        )


if __name__ == "__main__":
    main()
