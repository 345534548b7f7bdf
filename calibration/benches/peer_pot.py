"""Times the joint discrepancies against POT and scikit-learn in one interleaved run.

    cargo build -p trueup-calibration --example joint
    python3 calibration/benches/peer_pot.py target/debug/examples/joint [REPEATS]

Both sides get the same standardised rows and the same number of threads (as many as there are
cores, or as OMP_NUM_THREADS and RAYON_NUM_THREADS say). Ours is timed from two samples to the
value, standardising included. Prints medians, ratios of medians, and both values.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import ot
import sklearn
from sklearn.metrics.pairwise import rbf_kernel
from scipy.spatial.distance import pdist

warnings.simplefilter("ignore")


def gaussians(a, b, width):
    return sum(rbf_kernel(a, b, gamma=1 / (2 * (c * width) ** 2)) for c in (0.5, 1, 2)) / 3


def mmd(x, y):
    # The same 512 evenly spaced rows.
    count = min(len(y), 512)
    width = np.median(pdist(y[[((2 * i + 1) * len(y)) // (2 * count) for i in range(count)]]))
    xy = gaussians(x, y, width).mean()
    return gaussians(x, x, width).mean() + gaussians(y, y, width).mean() - 2 * xy


def divergence(method):
    def run(x, y):
        return ot.bregman.empirical_sinkhorn_divergence(
            x, y, 1.0 * x.shape[1] / 2, method=method, numIterMax=1000, stopThr=1e-9
        )

    return run


CASES = [
    # Name, rows, width, ours, peer.
    ("sliced, 100 projections", 100_000, 10, "sliced-wasserstein(rows=100000)",
     lambda x, y: ot.sliced_wasserstein_distance(x, y, n_projections=100, seed=1)),
    ("sliced, 100 projections", 2_000, 10, "sliced-wasserstein",
     lambda x, y: ot.sliced_wasserstein_distance(x, y, n_projections=100, seed=1)),
    ("sinkhorn, log domain", 2_000, 10, "sinkhorn(rows=2000, epsilon=5, tolerance=0.00000001)",
     divergence("sinkhorn_log")),
    ("sinkhorn, plain kernel", 2_000, 10, "sinkhorn(rows=2000, epsilon=5, tolerance=0.00000001)",
     divergence("sinkhorn")),
    ("mmd", 2_000, 10, "mmd", mmd),
]


def main():
    binary, repeats = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print(f"POT {ot.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}")
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        for name, rows, width, ours, peer in CASES:
            x = rng.normal(0.2, 1.1, (rows, width))
            y = rng.normal(0.0, 1.0, (rows, width))
            y = (y - y.mean(0)) / y.std(0)
            files = [pathlib.Path(folder) / side for side in ("x", "y")]
            x.tofile(files[0])
            y.tofile(files[1])
            times, values = {"ours": [], "peer": []}, {}
            for _ in range(repeats):
                command = [binary, ours, str(width), *map(str, files), "1"]
                line = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
                values["ours"] = float(line[0])
                times["ours"].append(float(line[1]))
                start = time.perf_counter()
                values["peer"] = float(peer(x, y))
                times["peer"].append(time.perf_counter() - start)
            ours_s, peer_s = (statistics.median(times[side]) for side in ("ours", "peer"))
            print(
                f"{name:26} {rows:>7} x {width}: ours {1e3 * ours_s:9.1f} ms, peer {1e3 * peer_s:9.1f} ms, "
                f"{peer_s / ours_s:6.1f} times; values {values['ours']:.6f}, {values['peer']:.6f}; "
                f"peak {line[3]} MiB"
            )


if __name__ == "__main__":
    main()
