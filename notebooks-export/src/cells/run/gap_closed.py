ranked = [c for c in summary["calibrators"] if c["gap_closed"] is not None]
ranked.sort(key=lambda c: c["gap_closed"])
if ranked:
    fig, ax = plt.subplots(figsize=(7, 1 + 0.5 * len(ranked)))
    for row, c in enumerate(ranked):
        low, high = c.get("gap_closed_ci") or [c["gap_closed"]] * 2
        ax.plot([low, high], [row, row], color=colour[c["name"]], linewidth=3)
        ax.plot(c["gap_closed"], row, "o", color=colour[c["name"]])
    ax.set_yticks(range(len(ranked)), [c["name"] for c in ranked])
    ax.axvline(0, color="grey")
    ax.axvline(1, color="grey")
    ax.set_xlabel("gap closed (median over metrics, 95% interval)")
    plt.show()
else:
    print("no gap closed: there is no uncalibrated simulation to compare with")
