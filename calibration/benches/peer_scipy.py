"""Times scipy on the sizes of `discrepancy.rs`: medians in milliseconds, single process."""

import statistics
import sys
import time

import numpy as np
import scipy
from scipy import stats

REPEATS = 9
METRICS = {
    # The p-value costs extra: "asymp" is its cheapest form.
    "kolmogorov-smirnov": lambda u, v: stats.ks_2samp(u, v, method="asymp").statistic,
    "wasserstein-1": stats.wasserstein_distance,
    "energy": stats.energy_distance,
}


def main():
    print(f"scipy {scipy.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
    rng = np.random.default_rng(1)
    for rows in (24_000, 1_000_000):
        u, v = rng.lognormal(3.2, 0.7, rows), rng.lognormal(3.2, 0.7, rows)
        for name, metric in METRICS.items():
            times = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                metric(u, v)
                times.append(time.perf_counter() - start)
            print(f"{name:20} {rows:>9} rows {1e3 * statistics.median(times):9.3f} ms")


if __name__ == "__main__":
    main()
