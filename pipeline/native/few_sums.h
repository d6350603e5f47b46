// The sums of sums.h for a few values of nearly one size, in integers of fixed width.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "ranks.h"
#include "sums.h"

namespace pipeline {

// An integer of three limbs, least first, the top one never full.
struct Limbs {
    uint64_t low, middle, high;
    int bits() const {
        return high ? 192 - __builtin_clzll(high) : middle ? 128 - __builtin_clzll(middle) : low ? 64 - __builtin_clzll(low) : 0;
    }
};

inline Limbs product_of(uint128 number, uint64_t factor) {
    const uint128 low = static_cast<uint128>(static_cast<uint64_t>(number)) * factor;
    const uint128 high = (number >> 64) * factor + (low >> 64);
    return {static_cast<uint64_t>(low), static_cast<uint64_t>(high), static_cast<uint64_t>(high >> 64)};
}

inline Limbs difference_of(const Limbs& a, const Limbs& b) {
    const uint64_t borrow = a.low < b.low;
    const uint128 upper_a = static_cast<uint128>(a.high) << 64 | a.middle, upper_b = static_cast<uint128>(b.high) << 64 | b.middle;
    const uint128 upper = upper_a - upper_b - borrow;
    return {a.low - b.low, static_cast<uint64_t>(upper), static_cast<uint64_t>(upper >> 64)};
}

inline Limbs left_by(const Limbs& number, int bits) {
    const int limbs = bits / 64, rest = bits % 64;
    const uint64_t from[3] = {number.low, number.middle, number.high};
    uint64_t to[3] = {0, 0, 0};
    for (int i = 2; i >= limbs; --i) {
        to[i] = from[i - limbs] << rest;
        if (rest != 0 && i > limbs) to[i] |= from[i - limbs - 1] >> (64 - rest);
    }
    return {to[0], to[1], to[2]};
}

// Divides in place; gives the remainder.
inline uint64_t divide(Limbs& number, uint64_t divisor) {
    uint64_t rest = 0;
    for (uint64_t* const limb : {&number.high, &number.middle, &number.low}) {
        const uint128 step = static_cast<uint128>(rest) << 64 | *limb;
        *limb = static_cast<uint64_t>(step / divisor);
        rest = static_cast<uint64_t>(step % divisor);
    }
    return rest;
}

// sqrt(spread / divisor), the lowest bit set where it is cut off: a root of more bits than a float64 has, and one of them
// for that, is rounded right by its conversion. Times 2^exponent.
inline double root_of(const Limbs& spread, uint64_t divisor, int exponent) {
    const int up = (190 - spread.bits()) / 2 * 2;
    Limbs quotient = left_by(spread, up);
    bool is_cut = divide(quotient, divisor) != 0;
    const int down = (quotient.bits() - 125) / 2 * 2;  // leaves 126 bits at most
    const int limbs = down / 64, rest = down % 64;
    const uint64_t from[4] = {quotient.low, quotient.middle, quotient.high, 0};
    uint128 top = static_cast<uint128>(from[limbs + 1]) << 64 | from[limbs];
    if (rest != 0) top = top >> rest | static_cast<uint128>(from[limbs + 2]) << (128 - rest);
    for (int i = 0; i < limbs; ++i) is_cut |= from[i] != 0;
    is_cut |= rest != 0 && from[limbs] << (64 - rest) != 0;
    const uint64_t root = square_root(top);
    is_cut |= static_cast<uint128>(root) * root != top;
    return std::ldexp(static_cast<double>(root | is_cut), exponent + (down - up) / 2);
}

// Gives what Sums gives for values, whose keys (see to_key) these are, at most kFewValues; false where they need more
// room than there is here: where they are of very different sizes, or near the ends of the range.
inline bool few_sums(const uint64_t* keys, size_t count, double& sum, double& mean, double& deviation) {
    constexpr int kLeastPower = 200, kMostPower = 1800, kMostDistance = 10;
    constexpr uint64_t kZeroKey = uint64_t{1} << 63;
    int first = kMostPower, last = kLeastPower;
    for (size_t i = 0; i < count; ++i) {
        if (keys[i] == kZeroKey) continue;
        const int power = static_cast<int>((keys[i] >> 63 ? keys[i] : ~keys[i]) >> 52 & 0x7ff);
        first = std::min(first, power);
        last = std::max(last, power);
    }
    if (first < kLeastPower || last > kMostPower || last - first > kMostDistance) return false;
    int128 total = 0;
    uint128 squares = 0;
    for (size_t i = 0; i < count; ++i) {
        if (keys[i] == kZeroKey) continue;
        const bool is_positive = keys[i] >> 63;
        const uint64_t bits = is_positive ? keys[i] : ~keys[i];
        const uint64_t mantissa = (bits & ((uint64_t{1} << 52) - 1)) | uint64_t{1} << 52;
        const uint64_t scaled = mantissa << (static_cast<int>(bits >> 52 & 0x7ff) - first);  // less than 2^63
        total += is_positive ? static_cast<int128>(scaled) : -static_cast<int128>(scaled);
        if (__builtin_add_overflow(squares, static_cast<uint128>(scaled) * scaled, &squares)) return false;
    }
    const int exponent = first - 1075;
    sum = std::ldexp(static_cast<double>(total), exponent);
    const bool is_negative = total < 0;
    const uint128 size = static_cast<uint128>(is_negative ? -total : total);  // less than 2^70
    mean = 0.0;
    if (size != 0) {
        const uint64_t upper = static_cast<uint64_t>(size >> 64);
        const int up = upper ? __builtin_clzll(upper) : 64 + __builtin_clzll(static_cast<uint64_t>(size));
        const uint128 scaled = size << up;
        const uint128 quotient = scaled / count;
        const double magnitude = static_cast<double>(quotient | (quotient * count != scaled));
        mean = std::ldexp(is_negative ? -magnitude : magnitude, exponent - up);
    }
    if (count < 2) {
        deviation = std::numeric_limits<double>::quiet_NaN();
        return true;
    }
    // n * sum of squares - sum^2
    const uint64_t low = static_cast<uint64_t>(size), high = static_cast<uint64_t>(size >> 64);
    Limbs square = product_of(size, low);
    const uint128 upper = (static_cast<uint128>(square.high) << 64 | square.middle) + size * high;
    square.middle = static_cast<uint64_t>(upper);
    square.high = static_cast<uint64_t>(upper >> 64);
    const Limbs spread = difference_of(product_of(squares, count), square);
    deviation = spread.bits() == 0 ? 0.0 : root_of(spread, count * (count - 1), exponent);
    return true;
}

}  // namespace pipeline
