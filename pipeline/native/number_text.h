// Numbers as JSON and Python's repr write them: their text becomes int64 or float64, exactly.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "decimal.h"

namespace pipeline {

// A number taken apart: digits * 10^exponent. `digits` are the first 19 that count; where some were left out that are not
// zero, the number lies between `digits` and `digits + 1`.
struct NumberText {
    uint64_t digits = 0;
    int exponent = 0;
    int left_out = 0;  // digits
    bool is_negative = false;
    bool is_integer = true;  // neither a point nor an exponent
    bool is_cut = false;     // what was left out is not zero
};

constexpr int kMaxNumberBytes = 1000;  // longer ones are not read here

namespace number {

__extension__ using Wide = unsigned __int128;
constexpr uint64_t kInfinite = 0x7ff0000000000000;

inline bool is_digit(char c) { return static_cast<uint8_t>(c - '0') < 10; }

// Takes eight digits at once; false where one of eight characters is none.
inline bool take_eight(const char* at, uint64_t& digits) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t all;
    std::memcpy(&all, at, sizeof all);
    constexpr uint64_t kHigh = 0xf0f0f0f0f0f0f0f0, kZeros = 0x3030303030303030;
    if ((all & kHigh) != kZeros || ((all + 0x0606060606060606) & kHigh) != kZeros) return false;
    all -= kZeros;
    all = all * 10 + (all >> 8);  // numbers of two digits, one in every other byte
    constexpr uint64_t kEveryFourth = 0x000000ff000000ff, kFirsts = 0x000f424000000064, kSeconds = 0x0000271000000001;
    digits = 100'000'000 * digits + (((all & kEveryFourth) * kFirsts + ((all >> 16) & kEveryFourth) * kSeconds) >> 32);
    return true;
#else
    return false;
#endif
}

// Counts digits again, of which there are more than 64 bits may hold; `end` is that of the last one.
inline void recount(const char* at, const char* end, NumberText& found) {
    found.digits = 0;
    for (int kept = 0; at < end; ++at) {
        if (*at == '.') continue;
        if (kept == 19) {
            ++found.left_out;
            found.is_cut |= *at != '0';
        } else if (kept != 0 || *at != '0') {
            found.digits = 10 * found.digits + static_cast<uint64_t>(*at - '0');
            ++kept;
        }
    }
    found.exponent += found.left_out;
}

// Gives the bits of the float64 nearest to digits * 10^exponent. With `from_below` it is a bound: the power of ten is taken
// for the next lower one of 128 bits, since the table has the next higher one.
inline uint64_t nearest(uint64_t digits, int exponent, bool from_below) {
    const int shift = __builtin_clzll(digits);
    digits <<= shift;
    const PowersOfTen::Power& power = powers_of_ten()[exponent];
    const Wide low = static_cast<Wide>(digits) * power.low;
    Wide high = static_cast<Wide>(digits) * power.high + static_cast<uint64_t>(low >> 64);
    auto last = static_cast<uint64_t>(low);
    if (from_below) {
        high -= last < digits;
        last -= digits;
    }
    // The product has 192 bits: those of the float, one that says whether to round, and others of which one may be set.
    const int zeros = static_cast<int64_t>(high >> 64) < 0 ? 0 : 1;
    high <<= zeros;  // what comes into the last place is nothing that rounding would see but as one that is set
    const auto top = static_cast<uint64_t>(high >> 64);
    const bool rest = static_cast<uint64_t>(high) != 0 || last != 0;
    int biased = 1023 + floor_log2_of_power(exponent) + 64 - shift - zeros;
    if (biased >= 2047) return kInfinite;
    int dropped = 11;
    if (biased < 1) {
        dropped += 1 - biased;
        biased = 1;
        if (dropped > 64) return 0;
    }
    uint64_t kept = dropped == 64 ? 0 : top >> dropped;
    const uint64_t half = uint64_t{1} << (dropped - 1);
    const bool is_more = (top & (half - 1)) != 0 || rest;
    if ((top & half) != 0 && (is_more || (kept & 1) != 0)) ++kept;
    // The highest bit of those kept adds one to the exponent; it is not set where the float is subnormal.
    return (static_cast<uint64_t>(biased - 1) << 52) + kept;
}

// A whole number of any size.
class Whole {
public:
    explicit Whole(uint64_t value = 0) {
        for (; value != 0; value >>= 32) limbs_.push_back(static_cast<uint32_t>(value));
    }
    void multiply(uint32_t factor, uint32_t added = 0) {
        uint64_t carry = added;
        for (uint32_t& limb : limbs_) {
            carry += static_cast<uint64_t>(limb) * factor;
            limb = static_cast<uint32_t>(carry);
            carry >>= 32;
        }
        if (carry != 0) limbs_.push_back(static_cast<uint32_t>(carry));
    }
    void multiply_by_power(uint32_t base, int exponent) {
        for (int i = 0; i < exponent; ++i) multiply(base);
    }
    int compare(const Whole& other) const {
        if (limbs_.size() != other.limbs_.size()) return limbs_.size() < other.limbs_.size() ? -1 : 1;
        for (size_t i = limbs_.size(); i-- > 0;)
            if (limbs_[i] != other.limbs_[i]) return limbs_[i] < other.limbs_[i] ? -1 : 1;
        return 0;
    }

private:
    std::vector<uint32_t> limbs_;  // lowest first, the highest of them not zero
};

// Chooses between a float64 and the next one: compares all digits with the number that is halfway between them.
inline uint64_t nearest_of_two(const char* text, const char* end, const NumberText& found, uint64_t lower) {
    Whole value;
    for (; text < end && *text != 'e' && *text != 'E'; ++text)
        if (is_digit(*text)) value.multiply(10, static_cast<uint32_t>(*text - '0'));
    const int biased = static_cast<int>(lower >> 52);
    const uint64_t fraction = lower & 0xfffffffffffff;
    Whole half(2 * (biased == 0 ? fraction : fraction | uint64_t{1} << 52) + 1);
    const int twos = (biased == 0 ? 1 : biased) - 1076;
    const int tens = found.exponent - found.left_out;
    (tens < 0 ? half : value).multiply_by_power(10, std::abs(tens));
    (twos < 0 ? value : half).multiply_by_power(2, std::abs(twos));
    const int order = value.compare(half);
    return lower + (order > 0 || (order == 0 && (lower & 1) != 0));
}

}  // namespace number

// Takes apart the number that begins at a place; gives where it ends, null where there is none, or one that is too long:
// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
inline const char* scan_number(const char* at, const char* end, NumberText& found) {
    const auto has_digit = [&] { return at < end && number::is_digit(*at); };
    const char* const start = at;
    if (at < end && *at == '-') {
        found.is_negative = true;
        ++at;
    }
    if (!has_digit()) return nullptr;
    const char* const first = at;
    uint64_t digits = 0;
    const auto take_digits = [&] {
        for (; has_digit(); ++at) digits = 10 * digits + static_cast<uint64_t>(*at - '0');
    };
    if (*at == '0')
        ++at;
    else
        take_digits();
    int64_t exponent = 0;
    if (at < end && *at == '.') {
        ++at;
        if (!has_digit()) return nullptr;
        const char* const fraction = at;
        while (end - at >= 8 && number::take_eight(at, digits)) at += 8;  // most that are long are so here
        take_digits();
        exponent = fraction - at;
        found.is_integer = false;
    }
    const char* const digits_end = at;
    if (at < end && (*at == 'e' || *at == 'E')) {
        ++at;
        const bool is_fraction = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+')) ++at;
        if (!has_digit()) return nullptr;
        int64_t power = 0;
        for (; has_digit(); ++at)
            if (power < 100'000) power = 10 * power + (*at - '0');  // far beyond all that is not zero or infinite
        exponent += is_fraction ? -power : power;
        found.is_integer = false;
    }
    if (at - start > kMaxNumberBytes) return nullptr;
    found.digits = digits;
    found.exponent = static_cast<int>(exponent);
    if (digits_end - first > 19) number::recount(first, digits_end, found);
    return at;
}

// Gives the float64 nearest to a number that was taken apart, of two that are as near the even one, as Python's float()
// does. False where it lies beyond float64. Values with few digits are exact (Clinger, "How to read floating point numbers
// accurately", 1990). Others are between two products with a power of ten of 128 bits, which mostly are the same float64.
inline bool to_double(const char* text, const char* end, const NumberText& found, double& out) {
    static constexpr double kExact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int exponent = found.exponent;
    if (found.digits <= uint64_t{1} << 53 && !found.is_cut && exponent >= -22 && exponent <= 22) {
        const auto digits = static_cast<double>(found.digits);
        const double value = exponent < 0 ? digits / kExact[-exponent] : digits * kExact[exponent];
        out = found.is_negative ? -value : value;
        return true;
    }
    uint64_t bits = 0;
    if (found.digits != 0 && exponent >= PowersOfTen::kFirst) {  // below it is less than half of the least float64
        if (exponent > 308) return false;
        const bool is_exact = exponent >= 0 && exponent <= 55;  // 5^55 has 128 bits
        bits = number::nearest(found.digits, exponent, !is_exact);
        const uint64_t upper = is_exact && !found.is_cut ? bits : number::nearest(found.digits + found.is_cut, exponent, false);
        if (bits != upper) bits = number::nearest_of_two(text, end, found, bits);
        if (bits >= number::kInfinite) return false;
    }
    bits |= static_cast<uint64_t>(found.is_negative) << 63;
    std::memcpy(&out, &bits, sizeof out);
    return true;
}

// Reads a text that is a number as a whole. False where it is none, has more than `kMaxNumberBytes`, or lies beyond float64.
inline bool parse_double(const char* begin, const char* end, double& out) {
    NumberText found;
    return scan_number(begin, end, found) == end && to_double(begin, end, found, out);
}

// Gives the integer that was taken apart; false where it is none or does not fit.
inline bool to_int64(const NumberText& found, int64_t& out) {
    if (!found.is_integer || found.left_out != 0) return false;
    if (found.digits > static_cast<uint64_t>(INT64_MAX) + found.is_negative) return false;
    out = static_cast<int64_t>(found.is_negative ? 0 - found.digits : found.digits);
    return true;
}

// Reads a text that is an integer as a whole, without a sign but `-` and without zeros before it. False where it is none,
// or does not fit.
inline bool parse_int64(const char* begin, const char* end, int64_t& out) {
    NumberText found;
    return scan_number(begin, end, found) == end && to_int64(found, out);
}

}  // namespace pipeline
