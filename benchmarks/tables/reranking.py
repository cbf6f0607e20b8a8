"""Tables of the benchmark page about reading them again."""

from __future__ import annotations

from benchmarks.tables.common import Found, Table, figure, grid, interval


def rerank(found: Found) -> Table:
    """Show nDCG@10 of each pipeline, and its mean gain over dense."""
    sets, gains = found["sets"], found["mean_gain_over_dense"]
    columns = [*sets, "mean gain over dense"]

    def cell(system: str, name: str) -> str:
        return interval(sets[name][system]) if name in sets else f"{gains[system]:+.1%}"

    return grid(gains, columns, cell)


def read(found: Found) -> Table:
    """Show what the cross-encoder reads, by collection, against its present order."""
    sets = found["sets"]
    orders = next(iter(sets.values()))
    rows = [f"{order}: {text}" for order, texts in orders.items() for text in texts]

    def cell(row: str, name: str) -> str:
        order, _, text = row.partition(": ")
        return interval(sets[name][order][text])

    return grid(rows, sets, cell)


def savings(found: Found) -> Table:
    """Show what each way of reading less costs in nDCG@10, and the share that it still reads."""
    sets = found["sets"]
    systems = next(iter(sets.values()))["systems"]

    def cell(system: str, name: str) -> str:
        row = sets[name]["systems"][system]
        return f"{interval(row['less'])}, reads {row['reads']:.0%}"

    return grid(list(systems)[1:], sets, cell)


def trec(found: Found) -> Table:
    """Show nDCG@10 on TREC DL 2019, and what int8 costs."""
    rows = [[name, interval({**row, "mean": row["nDCG@10"]})] for name, row in found["systems"].items()]
    return [["", "nDCG@10"], *rows, ["int8 minus fp32", interval(found["int8_minus_fp32"])]]


def speed(found: Found) -> Table:
    """Show pairs per second and per processor second, quality and peak memory."""
    systems, long = found["systems"], found.get("long", {})

    def cell(system: str, column: str) -> str:
        row = systems[system]
        if column == "peak MB":
            return f"{row['peak_rss_mb']:.0f}"
        if column == "peak MB, 300 x 512 tokens":
            return f"{long[system]['peak_rss_mb']:.0f}" if system in long else ""
        workload, _, name = column.partition(" ")
        return figure(row["workloads"][workload][name], 3 if name == "ndcg@10" else 1)

    names = ("pairs_per_second", "pairs_per_cpu_second", "ndcg@10")
    columns = [f"{workload} {name}" for workload in ("scifact", "chunks") for name in names]
    return grid(systems, [*columns, "peak MB", *(["peak MB, 300 x 512 tokens"] if long else [])], cell)


def cores(found: Found) -> Table:
    """Show pairs per second by threads, with efficiency."""
    digits = {"pairs_per_second": 1, "efficiency": 2, "busy": 2}
    rows = {f"{name}, {count} threads": row for name, of in found["workloads"].items() for count, row in of.items()}
    return grid(rows, digits, lambda row, column: figure(rows[row][column], digits[column]))


def gpu(found: Found) -> Table:
    """Show pairs per second on a card, with its share of the time."""
    systems = found["systems"]
    digits = {"pairs_per_second": 0, "card": 2, "tokenizer": 2}
    return grid(systems, digits, lambda row, column: figure(systems[row].get(column), digits[column]))
