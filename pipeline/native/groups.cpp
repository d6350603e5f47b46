// Exact statistics of groups of values, out of core; docs/statistics.md defines the figures.
//
// Rows are added once. A group keeps a few numbers; its finite values go into a log, which moves to a temporary file,
// cut into partitions by group, when it outgrows its budget. At the end the groups are taken one after the other, as
// many at a time as fit the budget: ranks are found by counting values in buckets and looking into those that hold a
// wanted rank; sums are integers, rounded once. No figure depends on the order in which rows came.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "arrow.h"
#include "group_keys.h"
#include "ranks.h"
#include "sums.h"
#include "value_log.h"

namespace pipeline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

// Where the figures of all groups go, an array each; those of quantiles group by group.
struct Figures {
    double *mean, *deviation, *min, *quantiles, *max, *sum;
};

class Statistics {
public:
    Statistics(size_t key_count, size_t budget_bytes, const char* directory)
        : width_(key_count), budget_(budget_bytes), keys_(key_count), log_(budget_bytes / 2, directory) {}

    void add(int64_t rows, const int64_t* const* keys, const int64_t* times, const int64_t* sequences, int64_t session,
             const ArrowSchema& schema, const ArrowArray& array) {
        const Column values(schema, array, 0);
        if (values.kind() != Kind::Float64) throw std::invalid_argument("values are not float64");
        std::vector<int64_t> key(width_);
        uint32_t group = 0;
        for (int64_t row = 0; row < rows; ++row) {
            bool is_other = row == 0;
            for (size_t i = 0; i < width_; ++i) {
                is_other |= key[i] != keys[i][row];
                key[i] = keys[i][row];
            }
            if (is_other) {
                group = keys_.find(key.data());
                if (group == groups_.size()) groups_.emplace_back();
            }
            Group& of = groups_[group];
            if (of.last_session != session) {
                of.last_session = session;
                ++of.session_count;
            }
            if (values.is_null(row)) {
                ++of.null_count;
                continue;
            }
            const double value = values.number(row);
            if (!std::isfinite(value)) {
                ++of.non_finite_count;
                continue;
            }
            const Place place{times[row], sequences[row], session};
            if (of.count == 0 || place < of.first_place) {
                of.first_place = place;
                of.first = value;
            }
            if (of.count == 0 || !(place < of.last_place)) {
                of.last_place = place;
                of.last = value;
            }
            ++of.count;
            log_.add(group, value);
        }
    }

    const std::vector<Group>& groups() const { return groups_; }
    const std::vector<int64_t>& keys() const { return keys_.all(); }

    // Finds what depends on all values of a group.
    void finish(const double* quantiles, size_t quantile_count, bool lost_are_infinite, const Figures& figures) {
        for (size_t partition = 0; partition < log_.partitions(); ++partition) {
            std::vector<uint32_t> members;
            for (uint32_t group = 0; group < groups_.size(); ++group)
                if (log_.holds(partition, group)) members.push_back(group);
            finish_partition(partition, members, quantiles, quantile_count, lost_are_infinite, figures);
        }
    }

private:
    // Takes as many groups at a time as fit the budget; one that does not fit by itself is read again.
    void finish_partition(size_t partition, const std::vector<uint32_t>& members, const double* quantiles,
                          size_t quantile_count, bool lost_are_infinite, const Figures& figures) {
        const size_t limit = std::max<size_t>(budget_ / 2 / sizeof(uint64_t), 1024);
        std::vector<uint64_t> starts(groups_.size(), kAbsent);
        for (size_t from = 0; from < members.size();) {
            size_t to = from, total = 0;
            while (to < members.size() && (to == from || total + size_of(members[to]) <= limit)) {
                starts[members[to]] = total;
                total += size_of(members[to]);
                ++to;
            }
            const bool fits = total <= limit;
            std::vector<uint64_t> keys(fits ? total : 0);
            if (fits && total)
                log_.visit(partition, [&](const uint32_t* groups, const double* values, size_t count) {
                    for (size_t i = 0; i < count; ++i) {
                        uint64_t& at = starts[groups[i]];
                        if (at != kAbsent) keys[at++] = to_key(values[i]);
                    }
                });
            for (size_t i = from; i < to; ++i) {
                const uint32_t group = members[i];
                const size_t size = size_of(group);
                std::vector<Wanted> wanted = ranks_of(group, quantiles, quantile_count, lost_are_infinite);
                if (fits) {
                    uint64_t* const own = keys.data() + (starts[group] - size);
                    for (size_t at = 0; at < size; ++at) sums_.add(from_key(own[at]));
                    select_keys(own, size, wanted.data(), wanted.data() + wanted.size(), 0);
                } else {
                    select_streaming(partition, group, wanted);
                }
                write(group, wanted, quantiles, quantile_count, lost_are_infinite, figures);
                starts[group] = kAbsent;
            }
            from = to;
        }
    }

    // The same for a group that is larger than the budget: its values pass by once to be summed and counted in buckets,
    // and once more to gather those of the buckets that hold a wanted rank.
    void select_streaming(size_t partition, uint32_t group, std::vector<Wanted>& wanted) {
        const auto each = [&](auto take) {
            log_.visit(partition, [&](const uint32_t* groups, const double* values, size_t count) {
                for (size_t i = 0; i < count; ++i)
                    if (groups[i] == group) take(values[i]);
            });
        };
        const auto sum = [&](double value) { sums_.add(value); };
        select_range(each, sum, 0, UINT64_MAX, wanted.data(), wanted.data() + wanted.size(), 0);
    }

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
        const size_t limit = std::max<size_t>(budget_ / 2 / sizeof(uint64_t), 1024);
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
            } else if (from->size > limit) {
                const uint64_t last = first + ((uint64_t{1} << shift) - 1);
                select_range(each, Ignored{}, first, last, from->begin, from->end, from->base);
                ++from;
            } else {
                auto to = from;
                for (size_t total = 0; to != buckets.end() && to->size <= limit - total; ++to) total += to->size;
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

    size_t size_of(uint32_t group) const { return static_cast<size_t>(groups_[group].count); }

    // Type 7 of Hyndman and Fan: h = (n - 1) q.
    static double position(uint64_t size, double quantile) { return static_cast<double>(size - 1) * quantile; }
    uint64_t quantile_size(const Group& group, bool lost_are_infinite) const {
        return static_cast<uint64_t>(group.count + (lost_are_infinite ? group.null_count : 0));
    }

    std::vector<Wanted> ranks_of(uint32_t at, const double* quantiles, size_t quantile_count, bool lost_are_infinite) const {
        const Group& group = groups_[at];
        const auto count = static_cast<uint64_t>(group.count);
        std::vector<Wanted> wanted;
        if (count == 0) return wanted;
        wanted.push_back({0, 0});
        wanted.push_back({count - 1, 0});
        const uint64_t size = quantile_size(group, lost_are_infinite);
        for (size_t i = 0; i < quantile_count; ++i) {
            const auto low = static_cast<uint64_t>(std::floor(position(size, quantiles[i])));
            if (low < count) wanted.push_back({low, 0});
            if (low + 1 < count) wanted.push_back({low + 1, 0});
        }
        std::sort(wanted.begin(), wanted.end(), [](const Wanted& a, const Wanted& b) { return a.rank < b.rank; });
        return wanted;
    }

    void write(uint32_t at, const std::vector<Wanted>& wanted, const double* quantiles, size_t quantile_count,
               bool lost_are_infinite, const Figures& figures) {
        const Group& group = groups_[at];
        const auto count = static_cast<uint64_t>(group.count);
        figures.mean[at] = figures.deviation[at] = figures.min[at] = figures.max[at] = figures.sum[at] = kNaN;
        if (count > 0) {
            sums_.finish(count, figures.sum[at], figures.mean[at], figures.deviation[at]);
            figures.min[at] = from_key(wanted.front().key);
            figures.max[at] = from_key(wanted.back().key);
        }
        const uint64_t size = quantile_size(group, lost_are_infinite);
        const auto ranked = [&](uint64_t rank) {
            if (rank >= count) return kInfinity;  // a lost sample
            const auto found = std::lower_bound(wanted.begin(), wanted.end(), rank,
                                                [](const Wanted& one, uint64_t wish) { return one.rank < wish; });
            return from_key(found->key);
        };
        for (size_t i = 0; i < quantile_count; ++i) {
            double& result = figures.quantiles[at * quantile_count + i];
            if (size == 0) {
                result = kNaN;
                continue;
            }
            const double h = position(size, quantiles[i]);
            const auto rank = static_cast<uint64_t>(std::floor(h));
            result = interpolate(ranked(rank), ranked(std::min(rank + 1, size - 1)), h - std::floor(h));
        }
    }

    static double interpolate(double low, double high, double part) {
        if (part == 0 || low == high) return low;
        if (std::isinf(high)) return high;
        const double step = high - low;
        return std::isinf(step) ? low * (1 - part) + high * part : low + step * part;
    }

    static constexpr uint64_t kAbsent = UINT64_MAX;
    size_t width_;
    size_t budget_;
    Keys keys_;
    ValueLog log_;
    std::vector<Group> groups_;
    Sums sums_;
};

namespace {

template <class Body>
int32_t reported(char* message, size_t size, Body body) {
    try {
        body();
        return 0;
    } catch (const std::bad_alloc&) {
        return 2;
    } catch (const std::exception& error) {
        std::snprintf(message, size, "%s", error.what());
        return 1;
    }
}

}  // namespace

// Each function returns 0, or 1 and a message of at most 200 bytes, or 2 without memory.
#pragma GCC visibility push(default)
extern "C" {

void* pipeline_statistics_new(uint64_t key_count, uint64_t budget_bytes, const char* directory) {
    try {
        return new Statistics(key_count, budget_bytes, directory);
    } catch (const std::exception&) {
        return nullptr;
    }
}

void pipeline_statistics_free(void* statistics) { delete static_cast<Statistics*>(statistics); }

// Adds rows of one session. `keys` are arrays of one number a row each.
int32_t pipeline_statistics_add(void* statistics, int64_t rows, const int64_t* const* keys, const int64_t* times,
                                const int64_t* sequences, int64_t session, const ArrowSchema* schema,
                                const ArrowArray* values, char* message) {
    return reported(message, 200, [&] {
        static_cast<Statistics*>(statistics)->add(rows, keys, times, sequences, session, *schema, *values);
    });
}

uint64_t pipeline_statistics_groups(const void* statistics) {
    return static_cast<const Statistics*>(statistics)->groups().size();
}

// Gives the keys of all groups, and six integers and two numbers of each.
void pipeline_statistics_describe(const void* statistics, int64_t* keys, int64_t* integers, double* ends) {
    const auto& all = *static_cast<const Statistics*>(statistics);
    std::copy(all.keys().begin(), all.keys().end(), keys);
    for (const Group& group : all.groups()) {
        for (const int64_t number : {group.count, group.null_count, group.non_finite_count, group.session_count,
                                     group.first_place.time, group.last_place.time})
            *integers++ = number;
        *ends++ = group.first;
        *ends++ = group.last;
    }
}

int32_t pipeline_statistics_finish(void* statistics, const double* quantiles, uint64_t quantile_count,
                                   int32_t lost_are_infinite, const Figures* figures, char* message) {
    return reported(message, 200, [&] {
        static_cast<Statistics*>(statistics)->finish(quantiles, quantile_count, lost_are_infinite != 0, *figures);
    });
}

}  // extern "C"
#pragma GCC visibility pop
}  // namespace pipeline
