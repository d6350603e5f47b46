#!/usr/bin/env bash
# Claim: scipy.signal.decimate, filtfilt and sosfiltfilt mirror the ends of a signal in its own integers before they filter: where a recording of unsigned 16 bits begins near 0 and rises, the mirrored values are some 65,000, and decimate makes -3,303 to 5,131 of counts between 2 and 409, the first 0.4 seconds being wrong without a warning.
# Versions: scipy 1.17.1 with numpy 2.4.6.
# Guess: filters compute in floats, and give floats here, too. lfilter, sosfilt, resample_poly, savgol_filter, detrend, welch and decimate with ftype="fir" of the same array are right, and so is a recording that begins in the middle of its range, which is what one tries first.
# Hurts: who smooths or thins out what a converter, a counter or a level meter delivers in unsigned integers: a start from rest, or an end at rest, becomes the peak of the recording, and maximum, range and triggers are taken from it. With 32 bits it is hundreds of millions. astype(float) before is right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys
import warnings

import numpy as np
from scipy import signal

warnings.simplefilter("error")  # nothing warns
RATE = 1000
seconds = np.arange(3 * RATE) / RATE
noise = np.random.default_rng(7).normal(0, 3, len(seconds))
# A current that is switched on: from 2 counts to 400 in half a second. The second one has an offset.
counts = np.clip(np.round(2 + 398 * np.minimum(2 * seconds, 1) + noise), 0, None)
low = signal.butter(4, 20, fs=RATE, output="sos")
WAYS = {
    "decimate": lambda x: signal.decimate(x, 10),
    "filtfilt": lambda x: signal.filtfilt(*signal.butter(2, 20, fs=RATE), x),
    "sosfiltfilt": lambda x: signal.sosfiltfilt(low, x),
    "decimate, fir": lambda x: signal.decimate(x, 10, ftype="fir"),
    "sosfilt": lambda x: signal.sosfilt(low, x),
    "resample_poly": lambda x: signal.resample_poly(x, 1, 10),
    "savgol_filter": lambda x: signal.savgol_filter(x, 21, 2),
}
failed = False
for name, samples in {"from rest": counts, "the same and 1000": counts + 1000}.items():
    print(f"{name}: {samples.min():.0f} to {samples.max():.0f} counts")
    for way, apply in WAYS.items():
        right, got = apply(samples), apply(samples.astype(np.uint16))
        off = np.abs(got - right)
        print(f"  {way:14} {got.dtype}  of floats {right.min():7.1f} to {right.max():7.1f}   of uint16 {got.min():8.1f} to {got.max():7.1f}"
              f"   {np.count_nonzero(off > 1):3} of {len(off)} differ by more than 1")
        wrong = name == "from rest" and way in ("decimate", "filtfilt", "sosfiltfilt")
        failed |= (off.max() > 1000) != wrong or (not wrong and off.max() > 0.01)
sys.exit(bool(failed))
PY
