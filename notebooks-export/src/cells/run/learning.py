path = run / "metrics.jsonl"
# A line without its end was torn by a crash.
lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
metrics = pd.json_normalize([json.loads(line) for line in lines if line])
if "values.discrepancy" in metrics:
    fig, ax = plt.subplots(figsize=(7, 3.5))
    along = "values.env_steps" if "values.env_steps" in metrics else "iteration"
    for name, own in metrics.dropna(subset=["values.discrepancy"]).groupby("calibrator"):
        ax.plot(own[along], own["values.discrepancy"], color=colour.get(name, "black"), label=name)
    ax.set_xlabel("environment steps" if along != "iteration" else "iteration")
    ax.set_ylabel("training discrepancy")
    ax.set_ylim(bottom=0)
    ax.legend()
    plt.show()
else:
    print("nothing trained over iterations")
