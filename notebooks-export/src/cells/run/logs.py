rows = []
for path in sorted((run / "logs").glob("*.csv")):
    log = pd.read_csv(path, dtype={"user": str})
    events = log.dropna(subset=["tick"])
    counts = events.groupby("user").size().reindex(log["user"].unique(), fill_value=0)
    rows.append({
        "log": path.stem, "users": len(counts), "events": len(events),
        "events per user, mean": counts.mean(), "events per user, sd": counts.std(ddof=0),
        "median amount": events["amount"].median(),
    })
logs = pd.DataFrame(rows)
logs if len(logs) else print("the run stored no internal logs")
