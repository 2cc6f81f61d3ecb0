"""Frames that are written once and filled for several labels: `<a/b>` is the wording of each label in turn, and a list named `word~` has one half a label."""

import re


def side(template, index):
    """The wording of the label with this index."""
    template = re.sub(r"<([^<>]*)>", lambda m: m.group(1).split("/")[index], template)
    return template.replace("~}", "%d}" % index)


def paired(frames, labels):
    return [(label, group, side(template, index)) for group, template in frames.items() for index, label in enumerate(labels)]


def halves(name, pairs):
    """Lists `name0`, `name1`, … of pairs written "first/second"."""
    columns = list(zip(*(pair.split("/") for pair in pairs)))
    return {"%s%d" % (name, i): list(column) for i, column in enumerate(columns)}
