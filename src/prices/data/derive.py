#!/usr/bin/env python3
"""Make the bundled price tables from two folders of collected list prices.

Run:  python3 derive.py PRICES_FOLDER HISTORY_FOLDER [OUTPUT_FOLDER]

PRICES_FOLDER holds machine_types.csv, local_ssd_bundles.csv, host_rates.csv, gpu_rates.csv and
local_ssd_rates.csv (list prices by component, most of them of 2026-07-16). HISTORY_FOLDER holds
gcp_price_changes.csv.gz and snapshots.csv (whole-machine prices of 57 weekly snapshots in the window).
OUTPUT_FOLDER defaults to the folder of this script. Needs the Python standard library only, never the
network. The same input gives the same bytes. Rates are copied as text; sums are exact decimals.

Writes machines.csv, hosts.csv, gpus.csv, local_ssd.csv, spot_range.csv and sources.csv, then prints what was
checked. Exit code 1 when a check fails.

What was found (2026-11, data up to 2026-07-30):

* For a2-ultragpu and a3 the history INCLUDES the bundled local SSD, although its own notes say it does not: on
  2026-07-16 the price of each such pair is vCPU + RAM + GPU + SSD x rate / 730 to the last digit.
* The SSD part is taken off so that spot_range.csv compares with the component rates. Its Spot rate on every
  snapshot is (z3-highmem-88-highlssd - z3-highmem-88-standardlssd) x 730 / 18,000 GiB: two types that differ in SSD
  only. It always has 4 decimals; it equals local_ssd.csv on 2026-07-16 in all 11 regions and, from 2026-05-16 on,
  (c3-standard-88-lssd - c3-standard-88) x 730 / 6,000 GiB (before that day the history prices the c3 -lssd types
  without their SSD). What is left is a decimal of at most 9 places in every case but those the script reports.
* The component sum equals the history of 2026-07-16 for every pair that has a history.
"""

import bisect
import csv
import datetime
import gzip
import pathlib
import sys
from decimal import ROUND_HALF_EVEN, Decimal

FROM, TO, TABLE_DAY = "2025-07-31", "2026-07-30", "2026-07-16"  # 365 days, both ends counted
HOURS_PER_MONTH = 730
NANO = Decimal("1e-9")
FLOAT_NOISE = Decimal("1e-9")  # the history prints binary floats with 15 significant digits
SSD_MORE, SSD_LESS, SSD_GIB = "z3-highmem-88-highlssd", "z3-highmem-88-standardlssd", 18000
SSD_TEST = ("c3-standard-88-lssd", "c3-standard-88", 6000, "2026-05-16")

CALCULATOR = "github.com/Cyclenerd/google-cloud-pricing-cost-calculator"
# key here, key in the input, title, address, commit, date, note. No commas inside: the files need no quoting.
SOURCES = [
    ("gc", "gcosts-10e6ce4", "Google Cloud Pricing Cost Calculator: pricing.yml", CALCULATOR,
     "10e6ce4a0e8ef93c25d124e650e684292cdf426f", "2026-07-16",
     "Whole-machine prices generated from the Cloud Billing Catalog; taken apart into components. "
     "Apache-2.0; copyright 2022-2026 Nils Knieling"),
    ("sky", "skypilot-2c3d7ea", "SkyPilot catalog: catalogs/v9/gcp/vms.csv",
     "github.com/skypilot-org/skypilot-catalog", "2c3d7ea7d76bf84cf80d382e946c1609571485fd", "2026-07-16",
     "Host and GPU prices. The file bears no date; the date is inferred: its Spot prices agree with gc on that day"),
    ("zenn", "zenn-2025-08", "Japanese article on flex-start with the lines of a real invoice (zenn)", "", "",
     "2025-08-16", "a3-highgpu in Iowa on Vertex AI with flex-start; address not recorded; day of August assumed"),
    ("a2n", "a2-notes-2026-08", "Public project note on a2-highgpu-1g in us-central1", "", "", "2026-08-02",
     "Quotes the Cloud Billing Catalog to 5 decimals; address not recorded"),
    ("cat", "catalog-notes-2025-11", "Public project note on catalog prices", "", "", "2025-11-15",
     "Quotes the Cloud Billing Catalog in cents; address not recorded; day of November assumed"),
    ("shapes", None, "Google Cloud Pricing Cost Calculator: tools/machinetyperegion.csv and "
     "tools/acceleratortyperegion.csv", CALCULATOR, "dac31281", "2026-08-20",
     "Machine shapes and which region lists which type; for machines.csv and the choice of rows"),
    ("hist", None, "Google Cloud Pricing Cost Calculator: weekly versions of pricing.yml", CALCULATOR,
     "fd66b26ff84fee5cdd94f341ea89206e76c06b99", "2026-07-30",
     "Newest of the versions behind spot_range.csv (2025-07-31 to 2026-07-30). "
     "Apache-2.0; copyright 2022-2026 Nils Knieling"),
]
SHORT = {long: short for short, long, *_ in SOURCES if long}

# USD/h, whole machine: lowest, highest, on 2026-07-16, on 2026-07-30, between 2025-09-04 and 2026-07-30, as printed in
# the notes of PRICES_FOLDER. The a3 row there includes local SSD.
PRINTED = {
    ("n1-standard-4", "us-central1"): ("0.048025", "0.06977", "0.063825", "0.06701"),
    ("n1-standard-4", "europe-west4"): ("0.071525", "0.12153", "0.11052", "0.12153"),
    ("n1-standard-4", "asia-northeast3"): ("0.051205", "0.09482", "0.08618", "0.09482"),
    ("g2-standard-8", "us-central1"): ("0.340572", "0.479872", "0.436232", "0.479872"),
    ("a2-highgpu-1g", "us-central1"): ("1.442955", "1.92802", "1.92802", "1.92802"),
    ("a3-highgpu-1g", "us-central1"): ("2.5457", "6.3262", "6.0232", "6.3262"),
}

failures = []


def check(condition, message):
    """Note a failed check; the run goes on so that all of them are reported."""
    if not condition:
        failures.append(message)


def text(value):
    """A decimal without exponent and without trailing zeros."""
    shown = f"{value:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def read(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")
    with opened as file:
        return list(csv.DictReader(file))


def write(path, header, rows):
    lines = [",".join(header)]
    for row in rows:
        assert len(row) == len(header) and not any(c in field for field in row for c in ',"\n'), row
        lines.append(",".join(row))
    path.write_bytes(("\n".join(lines) + "\n").encode())
    print(f"{path.name}: {len(rows)} rows")


def source_and_how(row):
    keys, how = row["source"].split("/")
    return "+".join(SHORT[key] for key in keys.split("+")), how


def days_between(first, last):
    """Every day from first to last, both counted, as ISO text."""
    day, end = datetime.date.fromisoformat(first), datetime.date.fromisoformat(last)
    while day <= end:
        yield day.isoformat()
        day += datetime.timedelta(days=1)


class History:
    """Spot price in force, by machine type, region and day [USD/h]."""

    def __init__(self, folder):
        self.changes = {}
        for row in read(folder / "gcp_price_changes.csv.gz"):
            dates, prices = self.changes.setdefault((row["machine_type"], row["region"]), ([], []))
            assert not dates or dates[-1] <= row["date"]  # two versions on one day: the later row holds
            dates.append(row["date"])
            prices.append((row["on_demand_usd_h"], row["spot_usd_h"]))

    def in_force(self, machine_type, region, day, column=1):
        """None when the pair is not listed or has no such price on that day."""
        dates, prices = self.changes.get((machine_type, region), ([], []))
        at = bisect.bisect_right(dates, day) - 1
        found = prices[at][column] if at >= 0 else ""
        return Decimal(found) if found else None

    def ssd_rate(self, region, day):
        """Spot local SSD [USD per GiB-month], from two types that differ in SSD only."""
        more, less = (self.in_force(name, region, day) for name in (SSD_MORE, SSD_LESS))
        if more is None or less is None:
            return None
        raw = (more - less) * HOURS_PER_MONTH / SSD_GIB
        rate = raw.quantize(Decimal("1e-4"), rounding=ROUND_HALF_EVEN)
        check(abs(raw - rate) < Decimal("1e-9") and rate > 0, f"local SSD rate {raw} in {region} on {day}")
        other_more, other_less, gib, since = SSD_TEST
        if day >= since:
            other = (self.in_force(other_more, region, day) - self.in_force(other_less, region, day)) * HOURS_PER_MONTH / gib
            check(abs(other - rate) < Decimal("1e-9"), f"local SSD rate {rate} against {other} in {region} on {day}")
        return rate


def main(prices_folder, history_folder, out):
    machines = read(prices_folder / "machine_types.csv")
    bundles = {row["machine_type"]: row["local_ssd_gib"] for row in read(prices_folder / "local_ssd_bundles.csv")}
    hosts = read(prices_folder / "host_rates.csv")
    gpus = read(prices_folder / "gpu_rates.csv")
    ssds = read(prices_folder / "local_ssd_rates.csv")

    write(out / "machines.csv", ["machine_type", "vcpus", "memory_gib", "gpu_model", "gpu_count", "local_ssd_gib"], [
        [m["machine_type"], m["vcpus"], m["memory_gib"], m["gpu_model"], m["gpu_count"] if m["gpu_model"] else "",
         bundles.get(m["machine_type"], "")] for m in machines])
    write(out / "hosts.csv",
          ["family", "region", "provisioning", "vcpu_usd_per_hour", "gib_usd_per_hour", "as_of", "source", "how"],
          [[r["family"], r["region"], r["provisioning"], r["vcpu_usd_per_hour"], r["gib_usd_per_hour"], r["as_of"],
            *source_and_how(r)] for r in hosts])
    write(out / "gpus.csv", ["gpu_model", "region", "provisioning", "usd_per_hour", "as_of", "source", "how"],
          [[r["gpu_model"], r["region"], r["provisioning"], r["usd_per_hour"], r["as_of"], *source_and_how(r)]
           for r in gpus])
    write(out / "local_ssd.csv", ["region", "provisioning", "usd_per_gib_month", "as_of", "source", "how"],
          [[r["region"], r["provisioning"], r["usd_per_gib_month"], r["as_of"], *source_and_how(r)] for r in ssds])
    write(out / "sources.csv", ["key", "title", "address", "commit", "date", "note"],
          [[key, *rest] for key, _, *rest in SOURCES])

    host = {(r["family"], r["region"], r["provisioning"]): r for r in hosts}
    gpu = {(r["gpu_model"], r["region"], r["provisioning"]): r for r in gpus}
    ssd = {(r["region"], r["provisioning"]): Decimal(r["usd_per_gib_month"]) for r in ssds}
    regions = list(dict.fromkeys(r["region"] for r in hosts if r["family"] == "n1"))

    def component_sum(machine, region, provisioning):
        """vCPU + RAM + built-in GPUs [USD/h], without local SSD; None where a rate is missing."""
        rates = host.get((machine["machine_type"].split("-")[0], region, provisioning))
        card = gpu.get((machine["gpu_model"], region, provisioning))
        if rates is None or (machine["gpu_model"] and card is None):
            return None
        total = Decimal(machine["vcpus"]) * Decimal(rates["vcpu_usd_per_hour"])
        total += Decimal(machine["memory_gib"]) * Decimal(rates["gib_usd_per_hour"])
        return total + (Decimal(machine["gpu_count"]) * Decimal(card["usd_per_hour"]) if card else 0)

    history = History(history_folder)
    snapshots = {row["date"] for row in read(history_folder / "snapshots.csv")}
    check({FROM, TO, TABLE_DAY} <= snapshots, "the window does not begin and end at a snapshot")
    days = list(days_between(FROM, TO))
    ssd_rates = {region: {day: history.ssd_rate(region, day) for day in days} for region in regions}
    for region in regions:
        check(ssd_rates[region][TABLE_DAY] == ssd[region, "spot"], f"local SSD {region}: table against history")

    rows, without_history, short, off_grid, dear, wobble = [], [], [], [], [], []
    equal = equal_standard = 0
    for machine in machines:
        name = machine["machine_type"]
        bundled = Decimal(bundles.get(name, 0))
        for region in regions:
            today = component_sum(machine, region, "spot")
            if today is None:
                continue
            by_day = {}
            for day in days:
                price = history.in_force(name, region, day)
                if price is None:
                    continue
                check(price > 0, f"{name} {region} {day}: price {price}")
                if bundled:
                    price -= bundled * ssd_rates[region][day] / HOURS_PER_MONTH
                by_day[day] = price.quantize(NANO, rounding=ROUND_HALF_EVEN)
                if abs(price - by_day[day]) > Decimal("1e-12"):
                    off_grid.append((name, region, day, price))
                standard = history.in_force(name, region, day, column=0)
                if standard is not None and history.in_force(name, region, day) >= standard:
                    dear.append((name, region, day))
            if not by_day:
                without_history.append(f"{name} {region}")
                continue
            if len(by_day) < len(days):
                short.append(f"{name} {region}: {min(by_day)} to {max(by_day)}, {len(by_day)} days")
            ordered = sorted(by_day.values())
            low, median, high = ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1]
            then = by_day.get(TABLE_DAY)
            same = then is not None and abs(then - today) <= FLOAT_NOISE
            check(same, f"{name} {region}: component sum {today}, history {then}")
            equal += same
            listed = history.in_force(name, region, TABLE_DAY, column=0)
            standard = component_sum(machine, region, "standard")
            standard += bundled * ssd[region, "standard"] / HOURS_PER_MONTH if bundled else 0
            same = abs(standard - listed) <= FLOAT_NOISE
            check(same, f"{name} {region}: standard component sum {standard}, history {listed}")
            equal_standard += same
            check(low <= today <= high, f"{name} {region}: {today} outside {low} to {high}")
            wobble.append((high / low, name, region, low, high))
            rows.append([name, region, text(low), text(median), text(high), min(by_day), max(by_day)])
    write(out / "spot_range.csv", ["machine_type", "region", "low", "median", "high", "from", "to"], rows)

    print(f"component sum equals the history of {TABLE_DAY}: {equal} of {len(rows)} pairs; standard price: {equal_standard}")
    print("spot price but no history (no row):", "; ".join(without_history) or "none")
    print("priced on part of the window only:", "; ".join(short) or "none")
    pairs = sorted({(n, r) for n, r, _, _ in off_grid})
    print(f"history figures with more than 9 decimals (rounded to 9): {len(pairs)} pairs, {len(off_grid)} days")
    for name, region in pairs:
        seen = [(d, p) for n, r, d, p in off_grid if (n, r) == (name, region)]
        print(f"  {name} {region}: {seen[0][0]} to {seen[-1][0]}, e.g. {seen[0][1]:.15f}")
    print("days with spot >= on-demand:", len(dear), sorted({(n, r) for n, r, _ in dear}))
    print("widest ranges, high / low:")
    for ratio, name, region, low, high in sorted(wobble, reverse=True)[:8]:
        print(f"  {ratio:.2f}  {name} {region}: {text(low)} to {text(high)}")

    print("against the printed table (2025-09-04 to 2026-07-30, a3 with local SSD): low, high, 07-16, 07-30")
    for (name, region), printed in PRINTED.items():
        span = [history.in_force(name, region, d) for d in days_between("2025-09-04", TO)]
        mine = [min(span), max(span), *(history.in_force(name, region, d) for d in (TABLE_DAY, TO))]
        for shown, value in zip(printed, mine):
            check(value.quantize(Decimal(shown)) == Decimal(shown), f"{name} {region}: {value}, printed {shown}")
        print(f"  {name} {region}: {', '.join(text(v.quantize(NANO)) for v in mine)}")

    rates = [r["vcpu_usd_per_hour"] for r in hosts] + [r["gib_usd_per_hour"] for r in hosts]
    rates += [r["usd_per_hour"] for r in gpus] + [r["usd_per_gib_month"] for r in ssds]
    check(all(Decimal(rate) > 0 for rate in rates), "a rate is not above zero")
    print("most decimals of a rate:", max(len(rate.partition(".")[2]) for rate in rates))

    golden(host, gpu, ssd)
    for message in failures:
        print("FAILED", message)
    return 1 if failures else 0


def golden(host, gpu, ssd):
    """Four totals of a real Vertex AI invoice (source zenn), USD/h, us-central1.

    They come out to the last of their 7 decimals when each Vertex unit rate (1.15 or 0.15 times the standard rate) is
    rounded to 7 decimals before it is multiplied, disk and local SSD are month rates / 730 left unrounded, and the
    total is rounded to 7 decimals. Rounding disk and SSD lines to 7 decimals first loses the last digit of the training
    flex-start total. Without rounding the Vertex rates, the four are 0.000002 to 0.000092 USD/h low.
    """
    region, seven = "us-central1", Decimal("1e-7")
    rate = {}
    for provisioning in ("standard", "flex-start"):
        a3 = host["a3", region, provisioning]
        card = gpu["NVIDIA_H100_80GB", region, provisioning]
        rate[provisioning] = [Decimal(x) for x in
                              (card["usd_per_hour"], a3["vcpu_usd_per_hour"], a3["gib_usd_per_hour"])]
    disk = Decimal("0.17") * Decimal("1.15") / HOURS_PER_MONTH
    local = ssd[region, "flex-start"] / HOURS_PER_MONTH
    training, endpoint = (8, 208, 1872), (1, 26, 234)
    for title, shape, flex, disk_gb, ssd_gib, printed in (
            ("training a3-highgpu-8g on-demand", training, False, 2000, 0, "101.5429684"),
            ("training a3-highgpu-8g flex-start", training, True, 2000, 6000, "52.0306163"),
            ("endpoint a3-highgpu-1g on-demand", endpoint, False, 0, 0, "12.625919"),
            ("endpoint a3-highgpu-1g flex-start", endpoint, True, 0, 750, "6.436875")):
        print(title)
        total = exact = Decimal(0)
        parts = [("standard, 1.15 x", "standard", "1.15")]
        if flex:
            parts = [("flex-start", "flex-start", "1"), ("fee, 0.15 x standard", "standard", "0.15")]
        for words, provisioning, factor in parts:
            for what, units, plain in zip(("GPU", "vCPU", "RAM GiB"), shape, rate[provisioning]):
                unrounded = plain * Decimal(factor)
                unit = unrounded.quantize(seven, rounding=ROUND_HALF_EVEN)
                print(f"  {what:8} {words:21} {units:5} x {unit}  = {units * unit:f}  (rate unrounded {unrounded:f})")
                total += units * unit
                exact += units * unrounded
        as_printed = exact
        for what, units, unrounded, shown in (("disk GB", disk_gb, disk, "0.0002678"),
                                              ("SSD GiB", ssd_gib, local, "0.0001096")):
            if units:
                print(f"  {what:8} {'month rate / 730':21} {units:5} x {unrounded:.12f} = {units * unrounded:.10f}"
                      f"  (with {shown}: {units * Decimal(shown):f})")
                total += units * unrounded
                exact += units * unrounded
                as_printed += units * Decimal(shown)
        mine = total.quantize(seven, rounding=ROUND_HALF_EVEN)
        check(mine == Decimal(printed), f"{title}: {mine}, printed {printed}")
        print(f"  total {mine}, printed {printed}; no rounding {exact:.10f} ({exact - Decimal(printed):+.10f}); "
              f"no rounding but disk and SSD as printed {as_printed:.10f} ({as_printed - Decimal(printed):+.10f})")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[3]) if len(sys.argv) == 4 else pathlib.Path(__file__).resolve().parent
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), target))
