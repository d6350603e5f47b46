// The figures of a group that depend on all of its values; docs/statistics.md defines them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "few_sums.h"
#include "group_keys.h"
#include "ranks.h"
#include "sums.h"

namespace pipeline {

// Ranks are found by counting values in buckets and looking into those that hold a wanted rank; sums are integers,
// rounded once. No figure depends on the order of the values.
class FigureFinder {
public:
    // Holds so many values at a time, of groups that are larger.
    FigureFinder(std::vector<double> quantiles, bool lost_are_infinite, size_t most_values)
        : quantiles_(std::move(quantiles)), lost_are_infinite_(lost_are_infinite), limit_(most_values) {}

    // Numbers of a group, in the order of the statistics: mean, deviation, least, quantiles, largest, sum, first, last.
    size_t width() const { return quantiles_.size() + 7; }

    // Finds them of keys (see to_key), as many as the group has, whose order is lost.
    void find(const Group& group, uint64_t* keys, double* figures) {
        const size_t size = size_of(group);
        if (size <= kFewValues) {
            std::sort(keys, keys + size);
            if (size > 0 && !few_sums(keys, size, sum(figures), mean(figures), deviation(figures))) add_up(keys, size, figures);
            write(group, [&](uint64_t rank) { return keys[rank]; }, figures);
            return;
        }
        add_up(keys, size, figures);
        want_ranks(group);
        select_keys(keys, size, wanted_.data(), wanted_.data() + wanted_.size(), 0);
        write_wanted(group, figures);
    }

    // The same for a group that is not to be held: `each` calls back with all of its values, as often as it is called.
    // They pass by once to be summed and counted in buckets, and once more to gather those of the buckets that hold a
    // wanted rank.
    template <class Each>
    void find_in_passes(const Group& group, const Each& each, double* figures) {
        want_ranks(group);
        const auto seen = [&](double value) { sums_.add(value); };
        select_range(each, seen, 0, UINT64_MAX, wanted_.data(), wanted_.data() + wanted_.size(), 0);
        sums_.finish(size_of(group), sum(figures), mean(figures), deviation(figures));
        write_wanted(group, figures);
    }

    size_t most_values() const { return limit_; }
    void hold_at_most(size_t values) { limit_ = values; }

private:
    struct Ignored {
        void operator()(double) const {}
    };

    // A bucket that holds wanted ranks; `base` counts the values below it.
    struct Bucket {
        size_t at, size;
        uint64_t base;
        Wanted *begin, *end;
    };

    static std::vector<Bucket> wanted_buckets(const std::vector<uint64_t>& counts, Wanted* begin, Wanted* end,
                                              uint64_t base) {
        std::vector<Bucket> buckets;
        for (size_t at = 0; at < counts.size() && begin != end; base += counts[at++]) {
            Wanted* stop = begin;
            while (stop != end && stop->rank < base + counts[at]) ++stop;
            if (stop != begin) buckets.push_back({at, static_cast<size_t>(counts[at]), base, begin, stop});
            begin = stop;
        }
        return buckets;
    }

    // Finds wanted ranks among the values whose keys lie in a range, `base` of which lie below; `seen` gets every value.
    template <class Each, class Seen>
    void select_range(const Each& each, Seen seen, uint64_t low, uint64_t high, Wanted* begin, Wanted* end,
                      uint64_t base) {
        const uint64_t range = high - low;
        const int shift = std::max(0, (range ? 64 - __builtin_clzll(range) : 0) - 16);
        std::vector<uint64_t> counts((size_t{1} << 16) + 1);
        each([&](double value) {
            seen(value);
            const uint64_t key = to_key(value);
            if (key >= low && key <= high) ++counts[(key - low) >> shift];
        });
        const std::vector<Bucket> buckets = wanted_buckets(counts, begin, end, base);
        for (auto from = buckets.begin(); from != buckets.end();) {
            const uint64_t first = low + (static_cast<uint64_t>(from->at) << shift);
            if (shift == 0) {
                for (Wanted* one = from->begin; one != from->end; ++one) one->key = first;
                ++from;
            } else if (from->size > limit_) {
                const uint64_t last = first + ((uint64_t{1} << shift) - 1);
                select_range(each, Ignored{}, first, last, from->begin, from->end, from->base);
                ++from;
            } else {
                auto to = from;
                for (size_t total = 0; to != buckets.end() && to->size <= limit_ - total; ++to) total += to->size;
                select_gathered(each, low, high, shift, &*from, &*from + (to - from));
                from = to;
            }
        }
    }

    // Finds the ranks wanted of some buckets, whose values are gathered in one pass.
    template <class Each>
    static void select_gathered(const Each& each, uint64_t low, uint64_t high, int shift, const Bucket* begin,
                                const Bucket* end) {
        std::vector<uint32_t> slots((size_t{1} << 16) + 1);  // 0 is none
        std::vector<std::vector<uint64_t>> gathered(static_cast<size_t>(end - begin));
        for (const Bucket* bucket = begin; bucket != end; ++bucket) {
            slots[bucket->at] = static_cast<uint32_t>(bucket - begin) + 1;
            gathered[static_cast<size_t>(bucket - begin)].reserve(bucket->size);
        }
        each([&](double value) {
            const uint64_t key = to_key(value);
            if (key < low || key > high) return;
            const uint32_t slot = slots[(key - low) >> shift];
            if (slot != 0) gathered[slot - 1].push_back(key);
        });
        for (const Bucket* bucket = begin; bucket != end; ++bucket) {
            std::vector<uint64_t>& keys = gathered[static_cast<size_t>(bucket - begin)];
            select_keys(keys.data(), keys.size(), bucket->begin, bucket->end, bucket->base);
        }
    }

    void add_up(const uint64_t* keys, size_t size, double* figures) {
        for (size_t at = 0; at < size; ++at) sums_.add(from_key(keys[at]));
        sums_.finish(size, sum(figures), mean(figures), deviation(figures));
    }

    // Type 7 of Hyndman and Fan: h = (n - 1) q.
    static double position(uint64_t size, double quantile) { return static_cast<double>(size - 1) * quantile; }
    static size_t size_of(const Group& group) { return static_cast<size_t>(group.count); }
    uint64_t quantile_size(const Group& group) const {
        return static_cast<uint64_t>(group.count + (lost_are_infinite_ ? group.null_count : 0));
    }

    void want_ranks(const Group& group) {
        const auto count = static_cast<uint64_t>(group.count);
        wanted_.clear();
        wanted_.push_back({0, 0});
        wanted_.push_back({count - 1, 0});
        for (const double quantile : quantiles_) {
            const auto low = static_cast<uint64_t>(std::floor(position(quantile_size(group), quantile)));
            if (low < count) wanted_.push_back({low, 0});
            if (low + 1 < count) wanted_.push_back({low + 1, 0});
        }
        std::sort(wanted_.begin(), wanted_.end(), [](const Wanted& a, const Wanted& b) { return a.rank < b.rank; });
    }

    void write_wanted(const Group& group, double* figures) const {
        const auto key_at = [&](uint64_t rank) {
            return std::lower_bound(wanted_.begin(), wanted_.end(), rank,
                                    [](const Wanted& one, uint64_t wish) { return one.rank < wish; })->key;
        };
        write(group, key_at, figures);
    }

    // Writes all figures but the sums, which are there; `key_at` gives the key at a rank.
    template <class KeyAt>
    void write(const Group& group, const KeyAt& key_at, double* figures) const {
        const auto count = static_cast<uint64_t>(group.count);
        if (count == 0) std::fill(figures, figures + width(), kNaN);
        else {
            figures[2] = from_key(key_at(0));
            figures[3 + quantiles_.size()] = from_key(key_at(count - 1));
        }
        const uint64_t size = quantile_size(group);
        const auto ranked = [&](uint64_t rank) { return rank >= count ? kInfinity : from_key(key_at(rank)); };
        for (size_t i = 0; size > 0 && i < quantiles_.size(); ++i) {
            const double h = position(size, quantiles_[i]);
            const double floor = std::floor(h);
            const auto rank = static_cast<uint64_t>(floor);
            figures[3 + i] = interpolate(ranked(rank), ranked(std::min(rank + 1, size - 1)), h - floor);
        }
        figures[5 + quantiles_.size()] = group.first;
        figures[6 + quantiles_.size()] = group.last;
    }

    static double interpolate(double low, double high, double part) {
        if (part == 0 || low == high) return low;
        if (std::isinf(high)) return high;
        const double step = high - low;
        return std::isinf(step) ? low * (1 - part) + high * part : low + step * part;
    }

    double& mean(double* figures) const { return figures[0]; }
    double& deviation(double* figures) const { return figures[1]; }
    double& sum(double* figures) const { return figures[4 + quantiles_.size()]; }

    static constexpr double kInfinity = std::numeric_limits<double>::infinity();  // a lost sample
    std::vector<double> quantiles_;
    bool lost_are_infinite_;
    size_t limit_;
    std::vector<Wanted> wanted_;
    Sums sums_;
};

}  // namespace pipeline
