// Values by their rank, without sorting all of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace pipeline {

// Bits in the order of the values: -inf < ... < 0.0 < ... < inf. -0.0 counts as 0.0, which it equals.
inline uint64_t to_key(double value) {
    value += 0.0;
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t{1} << 63);
}

inline double from_key(uint64_t key) {
    const uint64_t bits = key >> 63 ? key & ~(uint64_t{1} << 63) : ~key;
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

constexpr int kBucketBits = 11;
constexpr size_t kFewValues = 128;

struct Wanted {
    uint64_t rank;
    uint64_t key;
};

// Finds the keys at ranks (ascending, counted from `base`) among `size` keys, whose order is lost.
inline void select_keys(uint64_t* keys, size_t size, Wanted* begin, Wanted* end, uint64_t base) {
    if (begin == end) return;
    if (size <= kFewValues) {
        std::sort(keys, keys + size);
        for (Wanted* one = begin; one != end; ++one) one->key = keys[one->rank - base];
        return;
    }
    const auto [low, high] = std::minmax_element(keys, keys + size);
    const uint64_t first = *low, range = *high - *low;
    if (range == 0) {
        for (Wanted* one = begin; one != end; ++one) one->key = first;
        return;
    }
    const int shift = std::max(0, 64 - __builtin_clzll(range) - kBucketBits);
    std::vector<uint32_t> counts((size_t{1} << kBucketBits) + 1);
    for (size_t i = 0; i < size; ++i) ++counts[(keys[i] - first) >> shift];
    // Gather the keys of the buckets that hold a wanted rank, bucket behind bucket.
    struct Bucket {
        uint64_t base;
        size_t start, fill;
        Wanted *begin, *end;
    };
    std::vector<int32_t> slot(counts.size(), -1);
    std::vector<Bucket> buckets;
    uint64_t before = base;
    size_t total = 0;
    Wanted* next = begin;
    for (size_t at = 0; at < counts.size() && next != end; ++at) {
        const uint64_t after = before + counts[at];
        if (next->rank < after) {
            Bucket bucket{before, total, total, next, next};
            while (bucket.end != end && bucket.end->rank < after) ++bucket.end;
            next = bucket.end;
            slot[at] = static_cast<int32_t>(buckets.size());
            buckets.push_back(bucket);
            total += counts[at];
        }
        before = after;
    }
    std::vector<uint64_t> gathered(total);
    for (size_t i = 0; i < size; ++i) {
        const int32_t at = slot[(keys[i] - first) >> shift];
        if (at >= 0) gathered[buckets[static_cast<size_t>(at)].fill++] = keys[i];
    }
    for (const Bucket& bucket : buckets) {
        uint64_t* const start = gathered.data() + bucket.start;
        const size_t held = bucket.fill - bucket.start;
        if (shift == 0)
            for (Wanted* one = bucket.begin; one != bucket.end; ++one) one->key = *start;
        else
            select_keys(start, held, bucket.begin, bucket.end, bucket.base);
    }
}

}  // namespace pipeline
