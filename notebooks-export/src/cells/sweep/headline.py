rows = []
for trial in summary["trials"]:
    own = runs[runs["trial"] == trial["trial"]]
    values = own["objective"].dropna()
    low, high = interval(values)
    rows.append({
        "trial": trial["trial"], "title": title(trial), "phase": trial["phase"], "seeds": len(values),
        "objective": iqm(values), "low": low, "high": high,
        **{name: iqm(own[name].dropna()) for name in ["gap_closed", "auc", "mean_excess"]},
    })
headline = pd.DataFrame(rows).set_index("trial").sort_values("objective", ascending=smaller)
print(words, "(smaller is better)" if smaller else "(larger is better)")
headline.dropna(axis="columns", how="all")
