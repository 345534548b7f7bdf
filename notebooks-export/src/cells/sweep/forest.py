# What a searcher proposed is judged on other users than the rest: it is not of the picture.
ranked = headline[(headline["phase"] != "search") & headline["objective"].notna()]
if len(ranked):
    fig, ax = plt.subplots(figsize=(8, 1 + 0.35 * len(ranked)))
    places = range(len(ranked))
    ax.hlines(places, ranked["low"], ranked["high"], color="#0072B2", linewidth=3)
    ax.plot(ranked["objective"], places, "o", color="#0072B2")
    ax.set_yticks(places, ranked["title"])
    ax.invert_yaxis()
    ax.set_xlabel(f"{words} (interquartile mean, 95% interval)")
    plt.show()
else:
    print("no run is done yet")
