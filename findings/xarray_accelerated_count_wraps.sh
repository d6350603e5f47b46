#!/usr/bin/env bash
# Claim: with its accelerators installed, as the extra xarray[accel] brings them, the grouped count() of xarray counts in the type of the values: of 3,600 samples an hour held as uint8 it says 16, of int8 the same, of 100,000 as int16 -31,072; of 20,000,000 as float32 16,777,216, whose mean is then 0.84 where all are 1.
# Versions: xarray 2026.9.0, flox 0.11.2, numbagg 0.9.6, numba 0.68.1, numpy 2.4.6, pandas 3.1.1; groupby, groupby_bins, resample, and numbagg's group_nancount itself.
# Guess: how many there are has nothing to do with what they are; accelerators change the time a reduction takes, and sum and mean of the same bytes are right, as are count() of the whole array, and of the groups without numbagg (flox with its other engines) or with use_flox=False.
# Hurts: who keeps flags, levels, percentages or quantised samples in one or two bytes, as NetCDF, Zarr and HDF5 files do, and counts them by host, hour or class: sample sizes, shares and losses (expected - count) are wrong by multiples of 256 or 65,536, on the machine that has the packages and not on the other.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet xarray==2026.9.0 flox==0.11.2 numbagg==0.9.6 numba==0.68.1 numpy==2.4.6 pandas==3.1.1
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys

import numbagg
import numpy as np
import pandas as pd
import xarray as xr

HOURS, RATE = 4, 3600
time = pd.date_range("2026-01-01", periods=HOURS * RATE, freq="s")
failed = False


def seen(samples, how, **options):
    with xr.set_options(**options):
        counts = how(samples).count()
        assert counts.dtype == np.int64
        return counts.values.tolist()


ways = {
    "groupby time.hour": lambda samples: samples.groupby("time.hour"),
    "resample 1h": lambda samples: samples.resample(time="1h"),
    "groupby_bins": lambda samples: samples.groupby_bins("second", np.arange(HOURS + 1) * RATE, right=False),
}
for kind in ("uint8", "int8", "int16", "int32", "float32"):
    values = (np.arange(time.size) % 100).astype(kind)
    samples = xr.DataArray(values, dims="time", coords={"time": time, "second": ("time", np.arange(time.size))})
    for name, how in ways.items():
        counts, plain = seen(samples, how), seen(samples, how, use_flox=False)
        means = how(samples).mean().values
        print(f"{kind:8}{name:20} count {counts}  without flox {plain}  mean {means.round(3).tolist()}")
        failed |= counts != [RATE % 256 if kind.endswith("t8") else RATE] * HOURS or plain != [RATE] * HOURS
        failed |= not np.allclose(means, 49.5)
    failed |= int(samples.count()) != time.size
    labels = np.zeros(100_000, np.int64)
    alone = numbagg.group_nancount(np.ones(100_000, kind), labels)
    print(f"{kind:8}numbagg.group_nancount of 100,000: {alone}")
    failed |= alone.tolist() != [{"uint8": 160, "int8": -96, "int16": -31072}.get(kind, 100_000)]
MANY = 20_000_000  # float32 has no 16,777,217
ones = xr.DataArray(np.ones(MANY, np.float32), dims="time", coords={"host": ("time", np.zeros(MANY, np.int64))}).groupby("host")
for options in ({}, {"use_flox": False}):
    with xr.set_options(**options):
        count, mean = int(ones.count()[0]), float(ones.mean()[0])
    print(f"{MANY} ones of float32, {options or 'as installed'}: count {count}, mean {mean}")
    failed |= (count, round(mean, 2)) != ((MANY, 1.0) if options else (16_777_216, 0.84))
sys.exit(failed)
PY
