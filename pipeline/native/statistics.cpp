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
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

#include "arrow.h"

namespace pipeline {
namespace {

using uint128 = unsigned __int128;
using int128 = __int128;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// ------------------------------------------------------------------------------------------------- order of values

// Bits in the order of the values: -inf < ... < 0.0 < ... < inf. -0.0 counts as 0.0, which it equals.
uint64_t to_key(double value) {
    value += 0.0;
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t{1} << 63);
}

double from_key(uint64_t key) {
    const uint64_t bits = key >> 63 ? key & ~(uint64_t{1} << 63) : ~key;
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// ------------------------------------------------------------------------------------------------------ exact sums

// A non-negative integer of any size, least limb first.
using Big = std::vector<uint64_t>;

void add_shifted(Big& to, uint128 number, size_t bits) {
    const size_t limb = bits / 64, shift = bits % 64;
    const uint64_t low = static_cast<uint64_t>(number), high = static_cast<uint64_t>(number >> 64);
    const uint64_t parts[3] = {low << shift, shift ? (high << shift) | (low >> (64 - shift)) : high,
                               shift ? high >> (64 - shift) : 0};
    if (to.size() < limb + 4) to.resize(limb + 4);
    unsigned carry = 0;
    for (size_t i = 0; i < 3 || carry; ++i) {
        if (to.size() <= limb + i) to.push_back(0);
        const uint128 sum = static_cast<uint128>(to[limb + i]) + (i < 3 ? parts[i] : 0) + carry;
        to[limb + i] = static_cast<uint64_t>(sum);
        carry = static_cast<unsigned>(sum >> 64);
    }
}

int compare(const Big& a, const Big& b) {
    for (size_t i = std::max(a.size(), b.size()); i-- > 0;) {
        const uint64_t x = i < a.size() ? a[i] : 0, y = i < b.size() ? b[i] : 0;
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

// a - b, where a is not the smaller.
Big difference(Big a, const Big& b) {
    a.resize(std::max(a.size(), b.size()));
    uint64_t borrow = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const uint128 y = static_cast<uint128>(i < b.size() ? b[i] : 0) + borrow;
        borrow = a[i] < y;
        a[i] = static_cast<uint64_t>(a[i] - y);
    }
    return a;
}

Big product(const Big& a, const Big& b) {
    Big result(a.size() + b.size());
    for (size_t i = 0; i < a.size(); ++i) {
        uint64_t carry = 0;
        for (size_t j = 0; j < b.size(); ++j) {
            const uint128 sum = static_cast<uint128>(a[i]) * b[j] + result[i + j] + carry;
            result[i + j] = static_cast<uint64_t>(sum);
            carry = static_cast<uint64_t>(sum >> 64);
        }
        result[i + b.size()] += carry;
    }
    return result;
}

// Divides in place; returns whether there was a remainder.
bool divide(Big& number, uint64_t divisor) {
    uint64_t rest = 0;
    for (size_t i = number.size(); i-- > 0;) {
        const uint128 step = (static_cast<uint128>(rest) << 64) | number[i];
        number[i] = static_cast<uint64_t>(step / divisor);
        rest = static_cast<uint64_t>(step % divisor);
    }
    return rest != 0;
}

int64_t bit_length(const Big& number) {
    for (size_t i = number.size(); i-- > 0;)
        if (number[i]) return static_cast<int64_t>(64 * i) + 64 - __builtin_clzll(number[i]);
    return 0;
}

Big shifted_left(const Big& number, size_t bits) {
    Big result(bits / 64 + 1 + number.size() + 1);
    for (size_t i = 0; i < number.size(); ++i) {
        const uint128 part = static_cast<uint128>(number[i]) << bits % 64;
        result[i + bits / 64] |= static_cast<uint64_t>(part);
        result[i + bits / 64 + 1] |= static_cast<uint64_t>(part >> 64);
    }
    return result;
}

// number * 2^exponent, rounded once to nearest, ties to even; `sticky` says that a little more was cut off.
double rounded(const Big& number, int64_t exponent, bool sticky) {
    const int64_t bits = bit_length(number);
    if (bits == 0) return 0.0;
    // The last bit that a float64 of this size has counts 2^lowest.
    const int64_t lowest = std::max<int64_t>(bits + exponent - 53, -1074);
    const int64_t cut = lowest - exponent;
    const auto bit = [&](int64_t at) { return at >= 0 && (number[at / 64] >> (at % 64) & 1); };
    uint64_t kept = 0;
    for (int64_t i = std::max<int64_t>(cut, 0); i < bits; ++i) kept |= static_cast<uint64_t>(bit(i)) << (i - std::max<int64_t>(cut, 0));
    if (cut <= 0) return std::ldexp(static_cast<double>(kept), static_cast<int>(exponent));  // nothing to round
    if (cut <= bits && bit(cut - 1)) {
        bool more = sticky;
        for (int64_t i = 0; i < cut - 1 && !more; ++i) more = bit(i);
        if (more || (kept & 1)) ++kept;
    }
    return std::ldexp(static_cast<double>(kept), static_cast<int>(std::min<int64_t>(lowest, 2000)));
}

uint64_t square_root(uint128 number) {
    uint64_t root = static_cast<uint64_t>(std::min<long double>(std::sqrt(static_cast<long double>(number)), 18446744073709551615.0L));
    while (static_cast<uint128>(root) * root > number) --root;
    while (root != UINT64_MAX && static_cast<uint128>(root + 1) * (root + 1) <= number) ++root;
    return root;
}

// Sums of finite values and of their squares, exact. A value is an integer of 53 bits times a power of two; those of
// the same power are added in 128 bits, and all of them once, at the end.
class Sums {
public:
    Sums() : sums_(kPowers), low_squares_(kPowers), high_squares_(kPowers) {}

    void add(double value) {
        uint64_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        int power = static_cast<int>(bits >> 52 & 0x7ff);
        uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
        if (power == 0) power = 1; else mantissa |= uint64_t{1} << 52;
        first_ = std::min(first_, power);
        last_ = std::max(last_, power);
        sums_[power] += bits >> 63 ? -static_cast<int128>(mantissa) : static_cast<int128>(mantissa);
        const uint128 square = static_cast<uint128>(mantissa) * mantissa;
        low_squares_[power] += static_cast<uint64_t>(square);
        high_squares_[power] += static_cast<uint64_t>(square >> 64);
    }

    // Gives sum, mean and sample standard deviation of the `count` values added, and starts again.
    void finish(uint64_t count, double& sum, double& mean, double& deviation) {
        Big positive, negative, squares;
        for (int power = first_; power <= last_; ++power) {
            const auto at = static_cast<size_t>(power - first_);
            const int128 part = sums_[power];
            if (part > 0) add_shifted(positive, static_cast<uint128>(part), at);
            if (part < 0) add_shifted(negative, static_cast<uint128>(-part), at);
            add_shifted(squares, low_squares_[power], 2 * at);
            add_shifted(squares, high_squares_[power], 2 * at + 64);
            sums_[power] = 0;
            low_squares_[power] = high_squares_[power] = 0;
        }
        const int64_t exponent = first_ - 1075;
        first_ = kPowers;
        last_ = -1;
        const bool is_negative = compare(positive, negative) < 0;
        const Big total = is_negative ? difference(negative, positive) : difference(positive, negative);
        sum = signed_value(rounded(total, exponent, false), is_negative);
        // 64 bits more than the sum has leave more than 53 of them behind the division.
        Big scaled = shifted_left(total, 128);
        const bool rest = divide(scaled, count);
        mean = signed_value(rounded(scaled, exponent - 128, rest), is_negative);
        deviation = count < 2 ? kNaN : deviation_of(total, squares, count, exponent);
    }

private:
    static constexpr int kPowers = 2047;
    static double signed_value(double magnitude, bool is_negative) { return is_negative ? -magnitude : magnitude; }

    // sqrt((n * sum of squares - sum^2) / (n (n - 1)))
    static double deviation_of(const Big& total, const Big& squares, uint64_t count, int64_t exponent) {
        Big spread = difference(product(squares, {count}), product(total, total));
        const int64_t bits = bit_length(spread);
        if (bits == 0) return 0.0;
        // Bring it to a quotient of 126 bits or more, an even number of bits away; 254 leave that after two divisions.
        int64_t shift = std::max<int64_t>(254 - bits, 0);
        shift += shift % 2;
        if (shift) spread = shifted_left(spread, static_cast<size_t>(shift));
        bool sticky = divide(spread, count);
        sticky |= divide(spread, count - 1);
        int64_t surplus = std::max<int64_t>(bit_length(spread) - 126, 0);
        surplus += surplus % 2;
        uint128 top = 0;
        for (int64_t i = bit_length(spread) - 1; i >= surplus; --i)
            top = top << 1 | (spread[static_cast<size_t>(i) / 64] >> (i % 64) & 1);
        for (int64_t i = 0; i < surplus && !sticky; ++i) sticky = spread[static_cast<size_t>(i) / 64] >> (i % 64) & 1;
        const uint64_t root = square_root(top);
        sticky |= static_cast<uint128>(root) * root != top;
        return rounded({root}, exponent + (surplus - shift) / 2, sticky);
    }

    std::vector<int128> sums_;
    std::vector<uint128> low_squares_, high_squares_;
    int first_ = kPowers;
    int last_ = -1;
};

// ----------------------------------------------------------------------------------------------------------- ranks

constexpr int kBucketBits = 11;
constexpr size_t kFewValues = 128;

struct Wanted {
    uint64_t rank;
    uint64_t key;
};

// Finds the keys at ranks (ascending, counted from `base`) among `size` keys, whose order is lost.
void select_keys(uint64_t* keys, size_t size, Wanted* begin, Wanted* end, uint64_t base) {
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

// ------------------------------------------------------------------------------------------------------ value log

struct Entry {
    uint32_t group;
    double value;
};

// Entries in memory up to a budget, then in a temporary file, in partitions by group.
class Log {
public:
    Log(size_t budget_bytes, std::string directory) : budget_(budget_bytes / sizeof(Entry)), directory_(std::move(directory)) {
        in_memory_.reserve(std::min<size_t>(budget_, 4096));
    }
    ~Log() {
        if (file_ != nullptr) std::fclose(file_);
    }
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void add(uint32_t group, double value) {
        if (file_ != nullptr) {
            append({group, value});
            return;
        }
        if (in_memory_.size() == budget_) {
            spill();
            append({group, value});
            return;
        }
        in_memory_.push_back({group, value});
    }

    size_t partitions() const { return file_ == nullptr ? 1 : kPartitions; }
    static size_t partition_of(uint32_t group) { return (group * 2654435769u) >> (32 - kPartitionBits); }

    // Calls back with the entries of a partition, span by span; as often as it is called.
    template <class Visit>
    void visit(size_t partition, Visit visit) {
        if (file_ == nullptr) {
            visit(in_memory_.data(), in_memory_.size());
            return;
        }
        std::vector<Entry> block(kBlockEntries);
        for (const int64_t offset : offsets_[partition]) {
            if (std::fseek(file_, offset, SEEK_SET) != 0 ||
                std::fread(block.data(), sizeof(Entry), kBlockEntries, file_) != kBlockEntries)
                throw std::runtime_error("temporary file cannot be read");
            visit(block.data(), kBlockEntries);
        }
        visit(open_[partition].data(), open_[partition].size());
    }

private:
    static constexpr int kPartitionBits = 6;
    static constexpr size_t kPartitions = size_t{1} << kPartitionBits;
    static constexpr size_t kBlockEntries = 2048;

    void spill() {
        std::string path = directory_ + "/statistics-XXXXXX";
        const int descriptor = mkstemp(path.data());
        if (descriptor < 0) throw std::runtime_error("temporary file cannot be created");
        unlink(path.c_str());
        file_ = fdopen(descriptor, "w+b");
        if (file_ == nullptr) throw std::runtime_error("temporary file cannot be opened");
        offsets_.resize(kPartitions);
        open_.resize(kPartitions);
        for (const Entry& entry : in_memory_) append(entry);
        std::vector<Entry>().swap(in_memory_);
    }
    void append(Entry entry) {
        const size_t partition = partition_of(entry.group);
        std::vector<Entry>& block = open_[partition];
        if (block.capacity() == 0) block.reserve(kBlockEntries);
        block.push_back(entry);
        if (block.size() < kBlockEntries) return;
        if (std::fwrite(block.data(), sizeof(Entry), kBlockEntries, file_) != kBlockEntries)
            throw std::runtime_error("temporary file cannot be written");
        offsets_[partition].push_back(written_);
        written_ += static_cast<int64_t>(kBlockEntries * sizeof(Entry));
        block.clear();
    }

    size_t budget_;
    std::string directory_;
    std::vector<Entry> in_memory_;
    std::FILE* file_ = nullptr;
    int64_t written_ = 0;
    std::vector<std::vector<int64_t>> offsets_;
    std::vector<std::vector<Entry>> open_;
};

// --------------------------------------------------------------------------------------------------------- groups

struct Place {  // first and last go by this
    int64_t time, sequence, session;
    bool operator<(const Place& other) const {
        if (time != other.time) return time < other.time;
        if (sequence != other.sequence) return sequence < other.sequence;
        return session < other.session;
    }
};

struct Group {
    int64_t count = 0, null_count = 0, non_finite_count = 0, session_count = 0, last_session = -1;
    Place first_place{}, last_place{};
    double first = kNaN, last = kNaN;
};

// Numbers groups by their keys, in the order in which they appear.
class Keys {
public:
    explicit Keys(size_t width) : width_(width), slots_(1024, kFree) {}

    uint32_t find(const int64_t* key) {
        uint64_t hash = 0;
        for (size_t i = 0; i < width_; ++i) {
            hash = (hash ^ static_cast<uint64_t>(key[i])) * 0x9e3779b97f4a7c15;
            hash ^= hash >> 29;
        }
        for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
            const uint32_t group = slots_[at];
            if (group == kFree) {
                slots_[at] = static_cast<uint32_t>(size());
                keys_.insert(keys_.end(), key, key + width_);
                hashes_.push_back(hash);
                const auto made = static_cast<uint32_t>(size() - 1);
                if (made + 1 == kFree) throw std::runtime_error("more groups than can be counted");
                if (2 * size() > slots_.size()) grow();
                return made;
            }
            if (std::equal(key, key + width_, keys_.data() + group * width_)) return group;
        }
    }
    size_t size() const { return hashes_.size(); }
    const std::vector<int64_t>& all() const { return keys_; }

private:
    static constexpr uint32_t kFree = UINT32_MAX;
    void grow() {
        slots_.assign(2 * slots_.size(), kFree);
        for (size_t group = 0; group < hashes_.size(); ++group) {
            size_t at = hashes_[group] & (slots_.size() - 1);
            while (slots_[at] != kFree) at = (at + 1) & (slots_.size() - 1);
            slots_[at] = static_cast<uint32_t>(group);
        }
    }
    size_t width_;
    std::vector<uint32_t> slots_;
    std::vector<int64_t> keys_;
    std::vector<uint64_t> hashes_;
};

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
        std::vector<int64_t> key(width_), before(width_);
        uint32_t group = 0;
        for (int64_t row = 0; row < rows; ++row) {
            for (size_t i = 0; i < width_; ++i) key[i] = keys[i][row];
            if (row == 0 || key != before) {
                group = keys_.find(key.data());
                before = key;
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
                if (log_.partitions() == 1 || Log::partition_of(group) == partition) members.push_back(group);
            finish_partition(partition, members, quantiles, quantile_count, lost_are_infinite, figures);
        }
    }

private:
    // Takes as many groups at a time as fit the budget; one that does not fit by itself is read again and again.
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
                log_.visit(partition, [&](const Entry* entries, size_t count) {
                    for (size_t i = 0; i < count; ++i) {
                        uint64_t& at = starts[entries[i].group];
                        if (at != kAbsent) keys[at++] = to_key(entries[i].value);
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

    // The same for a group that is larger than the budget: its values pass by once to be summed and counted in
    // buckets, and again to look into those that hold a wanted rank.
    void select_streaming(size_t partition, uint32_t group, std::vector<Wanted>& wanted) {
        const auto each = [&](auto take) {
            log_.visit(partition, [&](const Entry* entries, size_t count) {
                for (size_t i = 0; i < count; ++i)
                    if (entries[i].group == group) take(entries[i].value);
            });
        };
        each([&](double value) { sums_.add(value); });
        select_range(each, 0, UINT64_MAX, wanted.data(), wanted.data() + wanted.size(), 0);
    }

    template <class Each>
    void select_range(Each& each, uint64_t low, uint64_t high, Wanted* begin, Wanted* end, uint64_t base) {
        const size_t limit = std::max<size_t>(budget_ / 2 / sizeof(uint64_t), 1024);
        const uint64_t range = high - low;
        const int shift = std::max(0, (range ? 64 - __builtin_clzll(range) : 0) - 16);
        std::vector<uint64_t> counts((size_t{1} << 16) + 1);
        each([&](double value) {
            const uint64_t key = to_key(value);
            if (key >= low && key <= high) ++counts[(key - low) >> shift];
        });
        uint64_t before = base;
        for (size_t at = 0; at < counts.size() && begin != end; ++at) {
            const uint64_t after = before + counts[at];
            if (begin->rank < after) {
                Wanted* stop = begin;
                while (stop != end && stop->rank < after) ++stop;
                const uint64_t first = low + (static_cast<uint64_t>(at) << shift);
                const uint64_t last = first + ((uint64_t{1} << shift) - 1);
                if (shift == 0) {
                    for (; begin != stop; ++begin) begin->key = first;
                } else if (counts[at] <= limit) {
                    std::vector<uint64_t> keys;
                    keys.reserve(counts[at]);
                    each([&](double value) {
                        const uint64_t key = to_key(value);
                        if (key >= first && key <= last) keys.push_back(key);
                    });
                    select_keys(keys.data(), keys.size(), begin, stop, before);
                } else {
                    select_range(each, first, last, begin, stop, before);
                }
                begin = stop;
            }
            before = after;
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
    Log log_;
    std::vector<Group> groups_;
    Sums sums_;
};

namespace {

template <class Body>
int32_t reported(char* message, size_t size, Body body) {
    try {
        body();
        return 0;
    } catch (const std::exception& error) {
        std::snprintf(message, size, "%s", error.what());
        return 1;
    }
}

}  // namespace

// Each function returns 0, or 1 and a message of at most 200 bytes.
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
