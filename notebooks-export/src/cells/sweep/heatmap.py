panel = metrics[metrics["calibrator"] == objective["calibrator"]].merge(
    runs[["trial", "seed"] + ([trained_on] if trained_on in runs else [])], on=["trial", "seed"]
)
panel = panel[panel["trial"].isin(headline.index[headline["phase"] != "search"])]
if len(panel):
    row = trained_on if trained_on in panel else "title"
    panel = panel.join(headline["title"], on="trial")
    panel["measured on"] = panel["feature"] + " : " + panel["discrepancy"]
    shown = "gap_closed" if panel["gap_closed"].notna().any() else "excess"
    keep = dict(index=row, columns="measured on", sort=False)
    grid = panel.pivot_table(values=shown, aggfunc=lambda values: iqm(values.dropna()), **keep)
    optimised = panel.pivot_table(values="optimised", aggfunc="max", **keep)
    optimised = optimised.reindex(index=grid.index, columns=grid.columns)
    fig, ax = plt.subplots(figsize=(3 + 0.35 * grid.shape[1], 3 + 0.35 * grid.shape[0]))
    scale = dict(vmin=0, vmax=1, cmap="viridis") if shown == "gap_closed" else dict(cmap="viridis_r")
    image = ax.imshow(grid.to_numpy(dtype=float), aspect="auto", **scale)
    where = np.argwhere(optimised.to_numpy(dtype=float) == 1)
    ax.plot(where[:, 1], where[:, 0], "o", color="white", markeredgecolor="black")
    ax.grid(False)
    ax.set_xticks(range(grid.shape[1]), grid.columns, rotation=90)
    ax.set_yticks(range(grid.shape[0]), grid.index)
    ax.set_xlabel("measured on")
    ax.set_ylabel("trained on" if row == "title" else f"trained on: {row}")
    fig.colorbar(image, label=shown.replace("_", " "))
    plt.show()
else:
    print("no panel: nothing was measured against real users yet")
