shown = next((f for f in series["features"] if f["name"] == feature and f["sides"]), None)
if shown is None:
    print("no such feature in this run; there are:", ", ".join(f["name"] for f in series["features"] if f["sides"]))
else:
    fig, ax = plt.subplots(figsize=(7, 4))
    for i, side in enumerate(shown["sides"]):
        style = dict(color="#9AA5B0", linewidth=6) if i == 0 else dict(color=colour.get(side["name"], "black"))
        if side["distribution"]:
            grid = side["distribution"]["quantiles"]
            share = [k / (len(grid) - 1) for k in range(len(grid))]
            ax.step(grid, share, where="post", label=side["name"], **style)
        else:
            ax.plot(series["kinds"][: len(side["shares"])], side["shares"][: len(series["kinds"])], "o", label=side["name"])
    ax.set_xlabel(f'{shown["title"]} ({shown["unit"]})' if shown["unit"] else shown["title"])
    ax.set_ylabel("share at or below" if shown["histogram"] else "share")
    ax.legend()
    plt.show()
