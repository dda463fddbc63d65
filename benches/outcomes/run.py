"""What floorcast, the HPA and foresight cost at equal service, over traces, start-up times and sizes. See README.md."""

import argparse
import itertools
import json
import os
import subprocess
import sys
from datetime import datetime

POLICIES = ["hpa", "hpa-tuned", "floorcast", "oracle"]
# Of what foresight spares floorcast should keep this much against the tuned HPA, and against the HPA.
KEEP_TUNED, KEEP_HPA = 0.60, 0.75
# Foresight that spares less than this is no yardstick; worse than either by more than that is a fault.
YARDSTICK, WORSE = 0.05, 0.01


def main():
    asked = arguments()
    for pod_start, replicas in itertools.product(asked.pod_start, asked.replicas):
        print(f"\n**Pods of {pod_start} s, {replicas} replicas at the mean load**\n")
        heads = ["trace", "budget, min", *asked.policies, "keeps: hpa, tuned", "recommended"]
        print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|", flush=True)
        for trace in asked.traces:
            print(row(backtest(asked, trace, pod_start, replicas), asked.policies), flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floorcast", default="target/release/floorcast", help="the program")
    parser.add_argument("--pod-start", type=numbers, default=[60, 300, 900], help="seconds, with commas between")
    parser.add_argument("--replicas", type=numbers, default=[10, 50], help="at the mean load, with commas between")
    parser.add_argument("--policies", type=lambda text: text.split(","), default=POLICIES, help="columns, by commas")
    parser.add_argument("--keep", metavar="FOLDER", help="where the answers are kept as JSON, and taken from if there")
    parser.add_argument("traces", nargs="+", metavar="TRACE.csv")
    return parser.parse_args()


def numbers(text):
    return [int(number) for number in text.split(",")]


def backtest(asked, trace, pod_start, replicas):
    """The answer of `floorcast backtest`; ends with what it said where it has none."""
    name = os.path.splitext(os.path.basename(trace))[0]
    kept = asked.keep and os.path.join(asked.keep, f"{name}-{pod_start}-{replicas}.json")
    if kept and os.path.exists(kept):
        with open(kept) as file:
            return json.load(file)
    command = [asked.floorcast, "backtest", "--csv", trace, "-o", "json"]
    command += ["--pod-start", f"{pod_start}s", "--replicas-at-mean", str(replicas)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    answer = json.loads(done.stdout)
    if kept:
        # The curves are nine tenths of an answer, and no figure of it.
        answer.pop("curves", None)
        os.makedirs(asked.keep, exist_ok=True)
        with open(kept, "w") as file:
            json.dump(answer, file)
    return answer


def row(answer, policies):
    by = {entry["policy"]: entry for entry in answer["equal_service"]}
    cells = [answer["trace"], f"{budget(answer):.0f}"]
    cells += [cell(by[policy]) for policy in policies]
    cells += [keeps(by), (answer["recommendation"] or {"policy": "–"})["policy"]]
    return "| " + " | ".join(cells) + " |"


def budget(answer):
    """Minutes that may be starved on the judged days."""
    settings = answer["settings"]
    judged = seconds(settings["until"]) - seconds(settings["judged_from"])
    return settings["starved_budget"] * judged / 60


def seconds(stamp):
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def cell(entry):
    """Savings against the HPA and the tuned HPA in percent, and the starved minutes really had."""
    return f"{100 * entry['saved_vs_hpa']:+.1f} / {100 * entry['saved_vs_tuned']:+.1f} %, {entry['starved_minutes']:.0f}"


def keeps(by):
    """What floorcast keeps of what foresight spares, against either; a goal that is missed is marked."""
    told = []
    for against, wanted in (("saved_vs_hpa", KEEP_HPA), ("saved_vs_tuned", KEEP_TUNED)):
        ours, best = by["floorcast"][against], by["oracle"][against]
        missed = "*" if ours < -WORSE or (best >= YARDSTICK and ours / best < wanted) else ""
        told.append(f"{100 * ours / best:.0f} %{missed}" if best >= YARDSTICK else f"–{missed}")
    return ", ".join(told)


if __name__ == "__main__":
    main()
