for trial in summary["trials"]:
    here, there = headline.loc[trial["trial"], "objective"], trial["objective"]
    there = np.nan if there is None else there
    assert np.isclose(here, there, rtol=1e-9, atol=1e-12, equal_nan=True), (
        f'{title(trial)}: {here} here, {there} in summary.json. Export the sweep again.'
    )
print("agrees with summary.json")
