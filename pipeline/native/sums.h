// Exact sums of float64 values and of their squares, and what follows from them, each rounded once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace pipeline {

using uint128 = unsigned __int128;
using int128 = __int128;

// A non-negative integer of any size, least limb first.
using Big = std::vector<uint64_t>;

inline void add_shifted(Big& to, uint128 number, size_t bits) {
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

inline int compare(const Big& a, const Big& b) {
    for (size_t i = std::max(a.size(), b.size()); i-- > 0;) {
        const uint64_t x = i < a.size() ? a[i] : 0, y = i < b.size() ? b[i] : 0;
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

// a - b, where a is not the smaller.
inline Big difference(Big a, const Big& b) {
    a.resize(std::max(a.size(), b.size()));
    uint64_t borrow = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const uint128 y = static_cast<uint128>(i < b.size() ? b[i] : 0) + borrow;
        borrow = a[i] < y;
        a[i] = static_cast<uint64_t>(a[i] - y);
    }
    return a;
}

inline Big product(const Big& a, const Big& b) {
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
inline bool divide(Big& number, uint64_t divisor) {
    uint64_t rest = 0;
    for (size_t i = number.size(); i-- > 0;) {
        const uint128 step = (static_cast<uint128>(rest) << 64) | number[i];
        number[i] = static_cast<uint64_t>(step / divisor);
        rest = static_cast<uint64_t>(step % divisor);
    }
    return rest != 0;
}

inline int64_t bit_length(const Big& number) {
    for (size_t i = number.size(); i-- > 0;)
        if (number[i]) return static_cast<int64_t>(64 * i) + 64 - __builtin_clzll(number[i]);
    return 0;
}

inline Big shifted_left(const Big& number, size_t bits) {
    Big result(bits / 64 + 1 + number.size() + 1);
    for (size_t i = 0; i < number.size(); ++i) {
        const uint128 part = static_cast<uint128>(number[i]) << bits % 64;
        result[i + bits / 64] |= static_cast<uint64_t>(part);
        result[i + bits / 64 + 1] |= static_cast<uint64_t>(part >> 64);
    }
    return result;
}

// number * 2^exponent, rounded once to nearest, ties to even; `sticky` says that a little more was cut off.
inline double rounded(const Big& number, int64_t exponent, bool sticky) {
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

inline uint64_t square_root(uint128 number) {
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
        deviation = count < 2 ? std::numeric_limits<double>::quiet_NaN() : deviation_of(total, squares, count, exponent);
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

}  // namespace pipeline
