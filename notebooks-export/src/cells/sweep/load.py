import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import font_manager

sweep = Path(folder)
summary = json.loads((sweep / "summary.json").read_text(encoding="utf-8"))
runs, calibrators, metrics, curves = (
    pd.read_parquet(sweep / "tables" / f"{name}.parquet")
    for name in ["runs", "calibrators", "metrics", "curves"]
)
objective = summary["objective"]
smaller = objective["direction"] == "minimize"
words = objective["metric"] + (f' of {objective["calibrator"]}' if objective["calibrator"] else "")


def title(trial):
    """What a trial sets, in words."""
    return " ".join(f'{v["path"].split(".")[-1]}={v["label"]}' for v in trial["values"]) or "as written"


def iqm(values, axis=-1):
    """Mean without the lowest and the highest quarter, rounded down to whole values."""
    values = np.sort(np.asarray(values, dtype=float), axis=axis)
    count = values.shape[axis]
    if count == 0:
        return np.nan
    return np.take(values, np.arange(count // 4, count - count // 4), axis=axis).mean(axis=axis)


def interval(values, draws=2000, level=0.95):
    """Percentile interval of the interquartile mean, from a bootstrap; a single value has none."""
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return [np.nan, np.nan]
    again = np.random.default_rng(0).choice(values, (draws, len(values)))
    return np.quantile(iqm(again), [(1 - level) / 2, (1 + level) / 2]).tolist()


# Names may be Korean: take a font that has the letters, where there is one.
known = {font.name for font in font_manager.fontManager.ttflist}
korean = ["Noto Sans KR", "Noto Sans CJK KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo"]
plt.rcParams["font.family"] = [name for name in korean if name in known][:1] + ["DejaVu Sans"]
plt.rcParams["axes.unicode_minus"] = False
plt.rcParams["axes.grid"] = True
plt.rcParams["grid.alpha"] = 0.3
