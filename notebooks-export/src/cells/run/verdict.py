calibrators = pd.DataFrame(summary["calibrators"]).set_index("name")
columns = ["gap_closed", "gap_closed_ci", "gap_closed_unseen", "c2st_auc", "c2st_auc_floor", "mean_excess"]
calibrators.reindex(columns=columns).sort_values("gap_closed", ascending=False)
