palette = ["#D55E00", "#E69F00", "#009E73", "#0072B2", "#CC79A7", "#56B4E9", "#000000", "#999999"]
told = [name for name in ["discrepancy", "return_last_100"] if (curves["name"] == name).any()]
if told:
    fig, ax = plt.subplots(figsize=(8, 4))
    steps = (curves["name"] == "env_steps").any()
    best = headline[headline["phase"] != "search"].index[: len(palette)]
    for colour, trial in zip(palette, best):
        own = curves[curves["trial"] == trial]
        if objective["calibrator"]:
            own = own[own["calibrator"] == objective["calibrator"]]
        values, along = (
            own[own["name"] == name].pivot_table(index="iteration", columns="seed", values="value")
            for name in [told[0], "env_steps"]
        )
        if values.empty:
            continue
        x = along.mean(axis=1).reindex(values.index) if steps else values.index
        middle = [iqm(row.dropna()) for _, row in values.iterrows()]
        band = np.array([interval(row.dropna(), draws=500) for _, row in values.iterrows()])
        ax.plot(x, middle, color=colour, label=headline.loc[trial, "title"])
        ax.fill_between(x, band[:, 0], band[:, 1], color=colour, alpha=0.2, linewidth=0)
    ax.set_xlabel("environment steps" if steps else "iteration")
    ax.set_ylabel("training discrepancy" if told[0] == "discrepancy" else "return")
    ax.legend(fontsize="small")
    plt.show()
else:
    print("nothing trained over iterations")
