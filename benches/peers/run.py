"""Accuracy and time of peers beside floorcast, on the same traces and origins. See README.md."""

import argparse
import json
import logging
import math
import os
import resource
import subprocess
import sys
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # seconds of one core, for every method
import numpy as np

warnings.filterwarnings("ignore")
logging.getLogger("prophet").setLevel(logging.CRITICAL)

STEP, DAY, WEEK, HORIZON = 300, 288, 2016, 288
LEVEL = 0.95
# Name, steps from the origin to the target's end, steps in it.
TARGETS = [("15m", 3, 1), ("1h", 12, 1), ("4h", 48, 1), ("24h", 288, 1), ("max 15m", 3, 3), ("max 1h", 12, 12)]


def read(path):
    """Start and 5-min means of a trace; a mean of less than half of its samples is missing."""
    rows = [line.split(",") for line in open(path) if line[0].isdigit()]
    stamps = np.array([int(r[0]) for r in rows])
    values = np.array([float(r[1]) for r in rows])
    native = int(np.bincount(np.diff(stamps)).argmax())
    if native > STEP:
        raise SystemExit(f"{path}: a step of {native} s; these peers are compared at {STEP} s")
    bucket = stamps // STEP
    n = np.bincount(bucket - bucket[0])
    sums = np.bincount(bucket - bucket[0], weights=values)
    means = np.where((n > 0) & (2 * n >= STEP // native), sums / np.maximum(n, 1), np.nan)
    return int(bucket[0]), means


def whole(history):
    """Gaps interpolated: for methods that know no missing sample."""
    there = np.flatnonzero(~np.isnan(history))
    return np.interp(np.arange(len(history)), there, history[there])


def prophet(history, first):
    import pandas as pd
    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True
    history = history[-7 * DAY :]
    ds = pd.to_datetime((first - len(history) + np.arange(len(history) + HORIZON)) * STEP, unit="s")
    frame = pd.DataFrame({"ds": ds[: len(history)], "y": history}).dropna()
    model = Prophet(seasonality_mode="multiplicative", growth="linear", interval_width=2 * LEVEL - 1)
    model.fit(frame)
    said = model.predict(pd.DataFrame({"ds": ds[len(history) :]}))
    return said["yhat"].to_numpy(), said["yhat_upper"].to_numpy()


def holt_winters(history, _):
    import statsmodels.tsa.api as sm

    warnings.simplefilter("ignore")  # statsmodels turns its own warnings on again
    model = sm.ExponentialSmoothing(
        whole(history[-4 * DAY :]), trend="add", seasonal="add", seasonal_periods=DAY, initialization_method="estimated"
    )
    fitted = model.fit(smoothing_level=0.9, smoothing_trend=0.9, smoothing_seasonal=0.9)
    return fitted.forecast(HORIZON), None


def mstl_ets(history, _):
    import augurs

    model = augurs.MSTL.ets([DAY, WEEK])
    model.fit(whole(history))
    said = model.predict(HORIZON, level=2 * LEVEL - 1)
    return said.point(), said.upper()


class LastValue:
    """A trend model for augurs: the newest value goes on."""

    def fit(self, y):
        self.y = y

    def predict(self, horizon, level=None):
        import augurs

        return augurs.Forecast(np.full(horizon, self.y[-1]))

    def predict_in_sample(self, level=None):
        import augurs

        return augurs.Forecast(self.y)


def mstl(history, _):
    import augurs

    model = augurs.MSTL.custom_trend([DAY, WEEK], LastValue())
    model.fit(whole(history))
    return model.predict(HORIZON).point(), None


def statsforecast(history, _):
    from statsforecast.models import MSTL, AutoETS

    model = MSTL(season_length=[DAY, WEEK], trend_forecaster=AutoETS(model="ZZN"))
    level = round(100 * (2 * LEVEL - 1))
    said = model.forecast(whole(history), h=HORIZON, level=[level])
    return said["mean"], said[f"hi-{level}"]


METHODS = {
    "prophet": prophet,
    "holt-winters": holt_winters,
    "mstl-ets": mstl_ets,
    "mstl": mstl,
    "statsforecast": statsforecast,
}


class Trace:
    """A trace, its origins, and the reference with its margin."""

    def __init__(self, path, every):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.first, self.values = read(path)
        count = len(self.values)
        days = 4 if count < 24 * DAY else 7
        self.scored = count - days * DAY
        steps = range(self.scored + 1 - HORIZON, count)
        self.origins = [o for o in steps if (self.first + o) % every == 0]

    def came(self, end, length):
        window = self.values[end + 1 - length : end + 1]
        return math.nan if np.isnan(window).any() else window.max()

    def outcome(self, origin, ahead, length):
        """What came, and what last week says of it with the margin known at the origin; None where it is not scored."""
        end = origin + ahead - 1
        if not self.scored <= end < len(self.values):
            return None
        came, naive = self.came(end, length), self.came(end - WEEK, length)
        if math.isnan(came) or math.isnan(naive):
            return None
        ends = range(max(origin - WEEK, WEEK + length - 1), origin)
        errors = [self.came(e, length) - self.came(e - WEEK, length) for e in ends]
        errors = sorted(e for e in errors if not math.isnan(e))
        margin = errors[min(int(len(errors) * LEVEL), len(errors) - 1)] if errors else 0.0
        return came, naive, naive + margin


def loss(upper, came):
    miss = came - upper
    return LEVEL * miss if miss >= 0 else (LEVEL - 1) * miss


def score(trace, method):
    """Relative WAPE and loss, and coverage, by target; seconds of one fit and forecast; failures."""
    sums = {name: np.zeros(6) for name, _, _ in TARGETS}
    spent, failed = [], 0
    for i, origin in enumerate(trace.origins):
        history = trace.values[max(0, origin - 28 * DAY) : origin]
        begun = time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        try:
            point, upper = METHODS[method](history, trace.first + origin)
        except Exception as error:  # a peer's failure is a result, not ours to hide
            failed += 1
            print(f"{trace.name} {method}: {type(error).__name__}: {error}"[:200], file=sys.stderr)
            continue
        spent.append(time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - begun)
        point = np.maximum(point, 0.0)
        # Without an interval there is no upper quantile to score.
        upper = np.full(HORIZON, math.nan) if upper is None else np.maximum(upper, 0.0)
        print(f"{trace.name} {method}: {i + 1} of {len(trace.origins)}, {spent[-1]:.2f} s", file=sys.stderr)
        for name, ahead, length in TARGETS:
            outcome = trace.outcome(origin, ahead, length)
            if outcome is None or not np.isfinite(point[:ahead]).all():
                continue
            came, naive, naive_upper = outcome
            ours, bound = point[ahead - length : ahead].max(), upper[ahead - length : ahead].max()
            sums[name] += [
                abs(came - ours), loss(bound, came), abs(came - naive), loss(naive_upper, came), came <= bound, 1
            ]
    figures = {n: (s[0] / s[2], s[1] / s[3], s[4] / s[5]) for n, s in sums.items() if s[5] and s[2] > 0 and s[3] > 0}
    return figures, spent, failed


def floorcast(binary, paths, every):
    """The same from `floorcast evaluate`, for its mixture and for persistence."""
    def run(*options):
        before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        command = [binary, "evaluate", "--step", "5m", "-o", "json", *options, *paths]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return json.loads(out), sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before

    answer, _ = run("--model", "auto,persistence", "--every", str(every))
    rows = {}
    for mean in answer["geometric_mean"]:
        name = mean["horizon"] if mean["target"] == "value" else f"max {mean['horizon']}"
        figures = (mean["relative"]["wape"], mean["relative"]["pinball"], mean["coverage"])
        rows.setdefault(mean["model"], {})[name] = figures
    # Time: every step an origin, so that learning once a day is shared as it is in the daemon.
    every_step, cpu = run("--model", "auto", "--horizon", "15m,24h")
    steps = sum(t["targets"][0]["n"] + HORIZON for t in every_step["traces"])
    return rows, cpu / steps


def cell(figures):
    """Geometric means of WAPE and loss, mean coverage; loss and coverage only where there is an interval."""
    if not figures:
        return "-"
    wape, pinball, coverage = np.array(figures).T
    geometric = lambda values: math.exp(np.log(values).mean())
    interval = "" if np.isnan(pinball).any() else f" · {geometric(pinball):.3f} [{100 * coverage.mean():.0f}]"
    return f"{geometric(wape):.3f}{interval}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", nargs="+")
    parser.add_argument("--every", type=int, default=293)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--floorcast", help="path of the program, to be put into the same table")
    args = parser.parse_args()
    traces = [Trace(path, args.every) for path in args.traces]
    origins = sum(len(t.origins) for t in traces)
    print(f"{len(traces)} traces, every {args.every}th step an origin: {origins} origins\n")
    heads = [name for name, _, _ in TARGETS]
    print("| method | " + " | ".join(heads) + " | seconds (median) | failed |")
    print("|---" * (len(heads) + 3) + "|")
    if args.floorcast:
        rows, seconds = floorcast(args.floorcast, args.traces, args.every)
        for model, figures in rows.items():
            cells = [cell([figures[head]]) for head in heads]
            cost = f"{seconds:.4f}" if model == "auto" else ""
            print(f"| floorcast {model} | " + " | ".join(cells) + f" | {cost} | 0 |", flush=True)
    for method in filter(None, args.methods.split(",")):
        results = [score(trace, method) for trace in traces]
        cells = [cell([figures[head] for figures, _, _ in results if head in figures]) for head in heads]
        spent = [s for _, times, _ in results for s in times]
        seconds = f"{np.median(spent):.2f}" if spent else "-"
        failed = sum(f for _, _, f in results)
        print(f"| {method} | " + " | ".join(cells) + f" | {seconds} | {failed} |", flush=True)


main()
