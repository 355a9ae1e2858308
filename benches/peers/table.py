"""From the measured runs to medians, ratios and a Markdown table.

    table.py peers.json        prints the table once more
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def middle(values: list[float]) -> list[float]:
    """Median, smallest, largest."""
    return [statistics.median(values), min(values), max(values)]


def ratios(theirs: list[Row], ours: list[Row], key: str) -> list[float] | None:
    """Theirs over ours within each round; whoever sits out later rounds is held against them with its last run."""
    if not theirs or not ours:
        return None
    return middle([theirs[min(k, len(theirs) - 1)][key] / own[key] for k, own in enumerate(ours) if own[key] > 0] or [float("nan")])


def gemmules(report: Row, entry: Row, threads: int) -> list[Row]:
    """Runs of gemmule that an entry is held against."""
    against = report["contenders"][entry["contender"]]["against"]
    own = [e for e in report["measured"] if e["shape"] == entry["shape"] and e["contender"] == against and e["threads"] == threads]
    return own[0]["runs"] if own else []


def summarise(report: Row) -> list[Row]:
    """One row per shape, contender and number of threads."""
    contenders, most = report["contenders"], max(report["threads"])
    rows: list[Row] = []
    for entry in report["measured"]:
        runs, about = entry["runs"], contenders[entry["contender"]]
        same, every = (gemmules(report, entry, threads) for threads in (entry["threads"], most))
        row = {key: entry[key] for key in ("shape", "contender", "threads", "reason")}
        row |= {"label": about["label"], "runs": len(runs), "against": about["against"]}
        if runs:
            voxels = entry["shape"][0] * entry["shape"][1] * entry["shape"][2]
            peak = statistics.median(run["peak_bytes"] for run in runs)
            row |= {"wall_s": middle([run["wall_s"] for run in runs]), "cpu_s": middle([run["cpu_s"] for run in runs])}
            row |= {"peak_bytes": peak, "peak_volumes": peak / (4 * voxels)}
            row["device_peak_bytes"] = max((run["device_peak_bytes"] or 0 for run in runs), default=0) or None
            row["wall_ratio_same_threads"] = ratios(runs, same, "wall_s")
            row["wall_ratio_all_threads"] = ratios(runs, every, "wall_s")
            row["cpu_ratio_same_threads"] = ratios(runs, same, "cpu_s")
            row["peak_ratio"] = ratios(runs, same, "peak_bytes")
        rows.append(row)
    return rows


def number(value: float) -> str:
    """Two or three digits, as many as are worth reading."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def spread(values: list[float] | None, unit: str = "") -> str:
    """Median and, where there is more than one value, from and to."""
    if values is None or values[0] != values[0]:
        return ""
    same = values[1] == values[2]
    return f"{number(values[0])}{unit}" + ("" if same else f" ({number(values[1])} to {number(values[2])})")


def cells(row: Row, about: Row) -> list[str]:
    """One line of a table of times."""
    threads = "card" if about["card"] else f"{row['threads']}" if about["threaded"] else "1, has no more"
    name = row["label"] if about["against"] else f"**{row['label']}**"
    if not row["runs"]:
        return [name, threads, row["reason"], *[""] * 6]
    memory = f"{number(row['peak_bytes'] / 1e6)} MB"
    if row["device_peak_bytes"]:
        memory += f", card {number(row['device_peak_bytes'] / 1e6)} MB"
    runs = f"{row['runs']}" + (f": {row['reason']}" if row["reason"] else "")
    every = "" if about["card"] else spread(row["wall_ratio_all_threads"], "x")
    same = spread(row["wall_ratio_same_threads"], "x")
    volumes, more = number(row["peak_volumes"]), spread(row["peak_ratio"], "x")
    return [name, threads, spread(row["wall_s"]), spread(row["cpu_s"]), same, every, f"{memory}, {volumes} volumes", more, runs]


def markdown_row(values: list[str]) -> str:
    """One row."""
    return "| " + " | ".join(values) + " |"


def agreement(report: Row) -> list[str]:
    """Lines on whether the same was computed."""
    found = report["agreement"]
    if report["agreement_problem"]:
        return [f"Whether all do the same work is not known: {report['agreement_problem']}.", ""]
    if not found:
        return []
    shape = " x ".join(map(str, report["agreement_shape"]))
    lines = [f"The same work: {shape} voxels, {report['agreement_margin']} away from the borders.", ""]
    lines += [markdown_row(["", "correlation of the map as timed", "at each scale alone, mean", "blobs"]), "|---|---|---|---|"]
    for name, values in found.items():
        label = report["contenders"][name]["label"]
        if "correlation" in values:
            lines.append(markdown_row([label, f"{values['correlation']:.3f}", f"{values['correlation_scale_by_scale']:.3f}", ""]))
        else:
            near = f"within {values['near_voxels']} voxels"
            has = f"has {values['same_in_other']:.0%} of gemmule's {values['blobs']} at the same voxel and scale, {values['near_in_other']:.0%} {near}"
            had = f"gemmule has {values['same_in_gemmule']:.0%} of its {values['blobs_of_other']}, {values['near_in_gemmule']:.0%} {near}"
            lines.append(markdown_row([label, "", "", f"{has}; {had}"]))
    return [*lines, ""]


def render(report: Row) -> str:
    """The whole Markdown."""
    machine, contenders = report["machine"], report["contenders"]
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    voxels = f"One float32 volume of cubic voxels for all (seed {report['seed']}), Gaussians of {', '.join(f'{s:g}' for s in report['sigmas'])} voxels"
    rounds = f"Medians over up to {report['rounds']} interleaved rounds, from and to in brackets" if report["rounds"] > 1 else "One round"
    card = f", {machine['card']}" if machine["card"] else ""
    cores = f"{machine['cores']} cores used of {machine['cores_of_machine']}"
    lines = [
        f"{machine['cpu']}, {cores}, {machine['memory_gb']:.0f} GB{card}; {report['date']}; others kept {machine['busy_before']:.1f} cores busy before the first run.",
        f"{versions}.",
        "",
        f"{voxels}. {rounds}; each run is a new process, whose imports and first small call are not timed.",
        "Ratios are theirs over gemmule's within a round (the last run of those with fewer runs stands for the rounds they sat out): of the wall clock with the same number of",
        f"threads, of the wall clock with gemmule on as many as {max(report['threads'])}, and of memory.",
        f"Memory is what a call adds at its peak to imports and volume ({report['memory_method']}), also in float32 volumes.",
        "",
    ]
    for shape in report["shapes"]:
        head = [" x ".join(map(str, shape)), "threads", "wall s", "CPU s", "gemmule is faster, same threads", "on all threads", "peak memory", "gemmule takes less", "runs"]
        lines += [markdown_row(head), "|" + "---|" * len(head)]
        lines += [markdown_row(cells(row, contenders[row["contender"]])) for row in report["summary"] if row["shape"] == shape]
        lines.append("")
    lines += agreement(report)
    lines += ["What each gives, and what differs:"]
    lines += [f"- {about['label']}: {about['output']}" + (f"; {about['differs']}" if about["differs"] else "") for name, about in contenders.items() if name not in report["left_out"]]
    lines += [f"- Not timed: {contenders[name]['label']}: {reason}" for name, reason in report["left_out"].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render(json.loads(Path(sys.argv[1]).read_text())), end="")
