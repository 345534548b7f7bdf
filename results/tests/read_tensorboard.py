"""Prints what TensorBoard reads from a log folder, as JSON.

    python3 read_tensorboard.py FOLDER

One entry a run: the tags with their (step, value) points, as TensorBoard shows them, and the number
of records in each of its files, each record checked. Written against tensorboard 2.21.
"""

import json
import os
import sys

from tensorboard.backend.event_processing import (
    event_file_loader,
    plugin_event_multiplexer,
    tag_types,
)
from tensorboard.util import tensor_util


def records(folder):
    """Number of whole events by file; a wrong check raises, a torn last record ends a file."""
    counts = {}
    for name in sorted(os.listdir(folder)):
        loader = event_file_loader.LegacyEventFileLoader(os.path.join(folder, name))
        counts[name] = len(list(loader.Load()))
    return counts


def main(folder):
    runs = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(folder)
    runs.Reload()
    answer = {}
    for run, tags in runs.Runs().items():
        points = {}
        for tag in tags[tag_types.TENSORS]:
            events = runs.Tensors(run, tag)
            value = lambda event: float(tensor_util.make_ndarray(event.tensor_proto))
            points[tag] = [[event.step, value(event)] for event in events]
        answer[run] = {"tags": points, "records": records(os.path.join(folder, run))}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
