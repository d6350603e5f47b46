// Puts the times of a column where rows have none yet.

#include <cstring>

#include "arrow.h"

namespace pipeline {
namespace {

struct Filled {
    int64_t given = 0;    // rows that got their time
    int64_t dropped = 0;  // of them, those whose time has digits below a tick
    bool fits = true;
};

// Divides, down from what is below 0 too.
template <int64_t kPerTick>
int64_t ticks_of(int64_t time, int64_t& dropped) {
    if (kPerTick == 1) return time;
    const int64_t rest = time % kPerTick;
    dropped += rest != 0;
    return time / kPerTick - (rest < 0);
}

template <int64_t kPerTick>
Filled fill_all(const int64_t* __restrict times, int64_t rows, int64_t start, int64_t* __restrict ticks) {
    Filled found;
    found.given = rows;
    bool overflows = false;
    for (int64_t row = 0; row < rows; ++row)
        overflows |= __builtin_add_overflow(ticks_of<kPerTick>(times[row], found.dropped), start, &ticks[row]);
    found.fits = !overflows;
    return found;
}

template <int64_t kPerTick>
Filled fill_some(const Column& column, int64_t rows, int64_t start, uint8_t* left, int64_t* ticks) {
    Filled found;
    for (int64_t row = 0; row < rows; ++row) {
        if (!left[row] || column.is_null(row)) continue;
        const int64_t tick = ticks_of<kPerTick>(column.integer(row), found.dropped);
        if (__builtin_add_overflow(tick, start, &ticks[row])) found.fits = false;
        left[row] = 0;
        ++found.given;
    }
    return found;
}

template <int64_t kPerTick>
Filled fill(const Column& column, int64_t rows, int64_t start, bool all_left, uint8_t* left, int64_t* ticks) {
    if (column.has_nulls() || !all_left) return fill_some<kPerTick>(column, rows, start, left, ticks);
    std::memset(left, 0, static_cast<size_t>(rows));
    return fill_all<kPerTick>(column.values<int64_t>(), rows, start, ticks);
}

}  // namespace

#pragma GCC visibility push(default)
// Gives rows that are `left`, a byte each, the times of a column of 64-bit integers or timestamps, divided by `per_tick`,
// which is 1 or 1000, and moved by `start`; `all_left` says that there is none that is not left. Writes to `counts` how many
// rows got one, and how many of these lost digits. Returns 0; 1 where a sum is beyond 64 bits, 2 for another type.
extern "C" int32_t pipeline_fill_times(const ArrowSchema* schema, const ArrowArray* array, int64_t per_tick, int64_t start,
                                       int32_t all_left, uint8_t* left, int64_t* ticks, int64_t* counts) {
    const Column column(*schema, *array, 0);
    if (column.kind() != Kind::Int64 && column.kind() != Kind::Timestamp) return 2;
    const int64_t rows = array->length;
    const Filled found = (per_tick == 1 ? fill<1> : fill<1000>)(column, rows, start, all_left != 0, left, ticks);
    counts[0] = found.given;
    counts[1] = found.dropped;
    return found.fits ? 0 : 1;
}
#pragma GCC visibility pop

}  // namespace pipeline
