missing = runs[runs["objective"].isna()][["trial", "seed", "state", "message"]]
display(missing) if len(missing) else print("every run that has begun has one")
