// Decimal digits of numbers: integers, and the shortest ones of float64.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace pipeline {

// The digits of 00 to 99, one after the other.
constexpr std::array<char, 200> kPairs = [] {
    std::array<char, 200> pairs{};
    for (int i = 0; i < 100; ++i) {
        pairs[2 * i] = static_cast<char>('0' + i / 10);
        pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return pairs;
}();

inline char* two_digits(char* out, uint32_t below_100) {
    std::memcpy(out, kPairs.data() + 2 * below_100, 2);
    return out + 2;
}

// Writes digits that end at `end`; gives where they begin.
inline char* put_digits_before(char* end, uint64_t value) {
    while (value >= 100'000'000) {  // eight at a time: division of 32 bits is cheaper, and the four pairs do not wait
        const auto eight = static_cast<uint32_t>(value % 100'000'000);
        value /= 100'000'000;
        end -= 8;
        two_digits(end, eight / 1'000'000);
        two_digits(end + 2, eight / 10'000 % 100);
        two_digits(end + 4, eight / 100 % 100);
        two_digits(end + 6, eight % 100);
    }
    auto rest = static_cast<uint32_t>(value);
    for (; rest >= 100; rest /= 100) {
        end -= 2;
        two_digits(end, rest % 100);
    }
    if (rest < 10) {
        *--end = static_cast<char>('0' + rest);
        return end;
    }
    return two_digits(end - 2, rest) - 2;
}

// Copies of a fixed size are single moves; what they bring too much of is overwritten, or left behind the end.
constexpr size_t kCopied = 24;

// Writes an integer; 25 bytes must be there.
inline char* put_integer(char* out, int64_t value) {
    uint64_t magnitude = static_cast<uint64_t>(value);
    if (value < 0) {
        *out++ = '-';
        magnitude = 0 - magnitude;
    }
    char digits[2 * kCopied];
    const char* const first = put_digits_before(digits + kCopied, magnitude);
    std::memcpy(out, first, kCopied);
    return out + (digits + kCopied - first);
}

// digits * 10^exponent
struct Decimal {
    uint64_t digits;
    int exponent;
};

// Powers of ten as 128 bits, the highest of them set, rounded up: 10^k = power * 2^(floor(log2(10^k)) - 127).
class PowersOfTen {
public:
    static constexpr int kFirst = -342, kLast = 324;
    struct Power {
        uint64_t high, low;
    };
    PowersOfTen() {
        Number number{};  // 10^k, exactly
        number[0] = 1;
        for (int k = 0; k <= kLast; ++k) {
            if (k > 0) multiply_by_ten(number);
            powers_[k - kFirst] = leading(number, false);
        }
        number = {};  // the largest whole number not above 2^1408 / 10^-k: whole parts of whole parts are exact
        number[kLimbs - 2] = 1;
        for (int k = -1; k >= kFirst; --k) {
            divide_by_ten(number);
            powers_[k - kFirst] = leading(number, true);
        }
    }
    const Power& operator[](int k) const { return powers_[k - kFirst]; }

private:
    static constexpr int kLimbs = 24;
    using Number = std::array<uint64_t, kLimbs>;  // lowest first
    __extension__ using Wide = unsigned __int128;

    static void multiply_by_ten(Number& number) {
        Wide carry = 0;
        for (uint64_t& limb : number) {
            carry += static_cast<Wide>(limb) * 10;
            limb = static_cast<uint64_t>(carry);
            carry >>= 64;
        }
    }
    static void divide_by_ten(Number& number) {
        Wide rest = 0;
        for (int i = kLimbs - 1; i >= 0; --i) {
            rest = rest << 64 | number[i];
            number[i] = static_cast<uint64_t>(rest / 10);
            rest %= 10;
        }
    }
    // The 128 leading bits, and one more where there is anything behind them: limbs, or a fraction that was cut off.
    static Power leading(const Number& number, bool rest) {
        int top = kLimbs - 1;
        while (number[top] == 0) --top;
        const int shift = __builtin_clzll(number[top]);
        const auto limb = [&](int i) { return i < 0 ? uint64_t{0} : number[i]; };
        const auto shifted = [&](int i) {
            return shift == 0 ? limb(i) : limb(i) << shift | limb(i - 1) >> (64 - shift);
        };
        rest |= limb(top - 2) << shift != 0;
        for (int i = 0; i < top - 2; ++i) rest |= number[i] != 0;
        const Wide bits = (static_cast<Wide>(shifted(top)) << 64 | shifted(top - 1)) + rest;
        return {static_cast<uint64_t>(bits >> 64), static_cast<uint64_t>(bits)};
    }
    std::array<Power, kLast - kFirst + 1> powers_;
};

inline const PowersOfTen& powers_of_ten() {
    static const PowersOfTen powers;
    return powers;
}

// floor(log2(10^k)), for -400 <= k <= 400.
inline int floor_log2_of_power(int k) { return (k * 1'741'647) >> 19; }

// The shortest decimal that reads back as a finite float64 that is not zero, the nearest of these; `bits` are those of the
// float64, whose sign does not matter. Schubfach: Raffaello Giulietti, "The Schubfach way to render doubles" (2020).
inline Decimal shortest_decimal(uint64_t bits) {
    __extension__ using Wide = unsigned __int128;
    const uint64_t fraction = bits & 0xfffffffffffff;
    const int biased = static_cast<int>(bits >> 52 & 0x7ff);
    const uint64_t c = biased == 0 ? fraction : fraction | uint64_t{1} << 52;
    const int q = (biased == 0 ? 1 : biased) - 1075;  // the value is c * 2^q
    Decimal decimal;
    if (-53 < q && q <= 0 && (c & ((uint64_t{1} << -q) - 1)) == 0) {
        decimal = {c >> -q, 0};  // a whole number below 2^53
    } else {
        // Four times the value and the bounds of what rounds to it, scaled by 10^-k so that their digits are whole.
        const bool lower_is_closer = fraction == 0 && biased > 1;
        const int k = (q * 1'262'611 - (lower_is_closer ? 524'031 : 0)) >> 22;
        const int h = q + floor_log2_of_power(-k) + 1;
        const PowersOfTen::Power& power = powers_of_ten()[-k];
        const auto scaled = [&](uint64_t bound) {  // rounded to odd, so that comparisons are right
            const uint64_t shifted = bound << h;
            const Wide low = static_cast<Wide>(power.low) * shifted >> 64;
            const Wide high = static_cast<Wide>(power.high) * shifted + low;
            return static_cast<uint64_t>(high >> 64) | (static_cast<uint64_t>(high) > 1);
        };
        const uint64_t odd = c & 1;  // the bounds themselves round to even
        const uint64_t value = scaled(4 * c);
        const uint64_t lower = scaled(4 * c - 2 + lower_is_closer) + odd;
        const uint64_t upper = scaled(4 * c + 2) - odd;
        const uint64_t s = value / 4;
        const uint64_t tens = s / 10;
        const bool ten_below = lower <= 40 * tens, ten_above = 40 * tens + 40 <= upper;
        const bool one_below = lower <= 4 * s, one_above = 4 * s + 4 <= upper;
        if (s >= 10 && ten_below != ten_above)
            decimal = {tens + ten_above, k + 1};
        else if (one_below != one_above)
            decimal = {s + one_above, k};
        else
            decimal = {s + (value > 4 * s + 2 || (value == 4 * s + 2 && (s & 1) != 0)), k};
    }
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        ++decimal.exponent;
    }
    return decimal;
}

// Python's repr of a finite float64: the shortest digits that read back the same, with an exponent where it is below
// -4 or above 15.
inline char* put_float(char* out, double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (bits >> 63) *out++ = '-';
    if (bits << 1 == 0) {
        std::memcpy(out, "0.0", 3);
        return out + 3;
    }
    const Decimal decimal = shortest_decimal(bits);
    char digits[2 * kCopied];
    char* const end = digits + kCopied;
    const char* const first = put_digits_before(end, decimal.digits);
    const int count = static_cast<int>(end - first);
    int exponent = decimal.exponent + count - 1;
    if (exponent < -4 || exponent >= 16) {
        *out++ = first[0];
        if (count > 1) {
            *out++ = '.';
            std::memcpy(out, first + 1, count - 1);
            out += count - 1;
        }
        *out++ = 'e';
        *out++ = exponent < 0 ? '-' : '+';
        exponent = std::abs(exponent);
        if (exponent < 10) *out++ = '0';
        return std::to_chars(out, out + 4, exponent).ptr;
    }
    if (exponent < 0) {
        std::memcpy(out, "0.000", 5);
        out += 1 - exponent;
        std::memcpy(out, first, kCopied);
        return out + count;
    }
    const int whole = exponent + 1;
    if (count > whole) {
        std::memcpy(out, first, kCopied);
        out[whole] = '.';
        std::memcpy(out + whole + 1, first + whole, kCopied);
        return out + count + 1;
    }
    std::memcpy(out, first, count);
    std::memset(out + count, '0', whole - count);
    std::memcpy(out + whole, ".0", 2);
    return out + whole + 2;
}

}  // namespace pipeline
