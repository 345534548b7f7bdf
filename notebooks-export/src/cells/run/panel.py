panel = pd.concat(
    [pd.DataFrame(c["panel"]).assign(calibrator=c["name"]) for c in summary["calibrators"]],
    ignore_index=True,
) if summary["calibrators"] else pd.DataFrame()
if len(panel):
    display(panel.pivot_table(index=["feature", "discrepancy"], columns="calibrator", values="value", sort=False)
        .join(panel.groupby(["feature", "discrepancy"])["floor"].first()))
