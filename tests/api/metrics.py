#!/usr/bin/python3
"""Reads Prometheus' text format 0.0.4 from standard input, stricter than
Prometheus does, and prints a line for each sample: its value, its name, and
LABEL=VALUE for each label, separated by tabs.  Exits with what is wrong, if
anything is; with --compare, too, if another library reads something else.
"""

import itertools
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? "
                    r"(\d+(?:\.\d+)?)")
META = re.compile(rf"# (HELP|TYPE) ({NAME}) (.+)")
SUFFIXES = {"counter": {""}, "gauge": {""},
            "histogram": {"_bucket", "_sum", "_count"}}


def need(fact, *words):
    if not fact:
        sys.exit(" ".join(str(word) for word in words))


def unescape(value):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)


def read_labels(text, line):
    pairs = re.findall(LABEL, text or "")
    need(len({name for name, _ in pairs}) == len(pairs), "twice:", line)
    need(not any(name.startswith("__") for name, _ in pairs), line)
    return {name: unescape(value) for name, value in pairs}


def read(text):
    """Families in their order: (name, type, samples)."""
    need(text.endswith("\n"), "no line feed at the end")
    families, helped, seen = [], None, set()
    for line in text[:-1].split("\n"):
        meta, sample = META.fullmatch(line), SAMPLE.fullmatch(line)
        need(meta or sample, "neither comment nor sample:", repr(line))
        if meta and meta[1] == "HELP":
            need(meta[2] not in seen, "a second time:", line)
            seen.add(meta[2])
            helped = meta[2]
        elif meta:
            need(meta[2] == helped and meta[3] in SUFFIXES, line)
            families.append((meta[2], meta[3], []))
            helped = None
        else:
            need(families and not helped, "no TYPE before:", line)
            name, kind, samples = families[-1]
            need(sample[1] in {name + s for s in SUFFIXES[kind]},
                 f"not of {name}:", line)
            samples.append((sample[1], read_labels(sample[2], line),
                            float(sample[7])))
    return families


def judge_histogram(name, samples):
    """Each has growing buckets to +Inf, then its sum and its count."""
    def without_le(sample):
        return {k: v for k, v in sample[1].items() if k != "le"}

    for labels, group in itertools.groupby(samples, without_le):
        *buckets, total, count = group
        need(all(b[0] == f"{name}_bucket" and "le" in b[1]
                 for b in buckets), name, labels)
        bounds = [float(b[1]["le"]) for b in buckets]
        values = [b[2] for b in buckets]
        need(bounds == sorted(set(bounds)) and bounds[-1] == float("inf"),
             name, labels, bounds)
        need(values == sorted(values), name, labels, values)
        need(total[0] == f"{name}_sum" and count[0] == f"{name}_count" and
             count[2] == values[-1], name, labels, total, count)


def judge(families):
    samples = [s for family in families for s in family[2]]
    keys = [(name, tuple(sorted(labels.items())))
            for name, labels, _ in samples]
    need(len(set(keys)) == len(keys), "a series twice")
    for name, kind, own in families:
        need(name.startswith("switchboard_"), name)
        need((kind == "counter") == name.endswith("_total"), name, kind)
        if kind == "histogram":
            judge_histogram(name, own)
    return samples


def compare(text, samples):
    # Slow to load.
    from prometheus_client.parser import text_string_to_metric_families

    others = [(s.name, s.labels, s.value)
              for family in text_string_to_metric_families(text)
              for s in family.samples]
    need(others == samples, "a client library reads something else")


def main():
    text = sys.stdin.buffer.read().decode()
    samples = judge(read(text))
    if "--compare" in sys.argv:
        compare(text, samples)
    for name, labels, value in samples:
        print(f"{value:.15g}", name,
              *(f"{k}={v}" for k, v in labels.items()), sep="\t")


main()
