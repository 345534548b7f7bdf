import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib import font_manager

run = Path(folder) if (Path(folder) / "summary.json").exists() else Path(".")
summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
series = json.loads((run / "series.json").read_text(encoding="utf-8"))

# Names may be Korean: take a font that has the letters, where there is one.
known = {font.name for font in font_manager.fontManager.ttflist}
korean = ["Noto Sans KR", "Noto Sans CJK KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo"]
plt.rcParams["font.family"] = [name for name in korean if name in known][:1] + ["DejaVu Sans"]
plt.rcParams["axes.unicode_minus"] = False
plt.rcParams["axes.grid"] = True
plt.rcParams["grid.alpha"] = 0.3

# The palette of Okabe and Ito, one colour a calibrator as in the report.
palette = ["#D55E00", "#E69F00", "#009E73", "#0072B2", "#CC79A7", "#56B4E9"]
names = [calibrator["name"] for calibrator in summary["calibrators"]]
colour = {name: palette[i % len(palette)] for i, name in enumerate(names)}
