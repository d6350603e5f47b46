// RFC 3339 times with a zone, as counts of a unit since 1970, UTC; pipeline/model/timestamps.py reads all that there are.
#pragma once

#include <cstdint>
#include <cstring>

namespace pipeline {

namespace time_text {

// Two digits, or above 99 where they are none.
inline uint32_t two(const char* at) {
    const uint32_t tens = static_cast<uint8_t>(at[0] - '0'), ones = static_cast<uint8_t>(at[1] - '0');
    return tens > 9 || ones > 9 ? 100 : 10 * tens + ones;
}

// Days from 1970-01-01 to a day of the Gregorian calendar, of years from 1 (Howard Hinnant, "chrono-Compatible Low-Level
// Date Algorithms": years begin in March, so that leap days are last).
inline int64_t days_to(uint32_t year, uint32_t month, uint32_t day) {
    year -= month <= 2;
    const uint32_t era = year / 400, of_era = year % 400;
    const uint32_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return int64_t{era} * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

inline uint32_t days_of(uint32_t year, uint32_t month) {
    static constexpr uint8_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return kDays[month - 1] + (month == 2 && is_leap ? 1u : 0u);
}

// Reads `Z`, `z`, `+HH`, `+HHMM`, `+HH:MM` and the same with `-`, as seconds; false for anything else.
inline bool offset_of(const char* at, const char* end, int64_t& seconds) {
    const auto size = end - at;
    if (size == 1) {
        seconds = 0;
        return *at == 'Z' || *at == 'z';
    }
    if ((size != 3 && size != 5 && size != 6) || (*at != '+' && *at != '-') || (size == 6 && at[3] != ':')) return false;
    const uint32_t hours = two(at + 1), minutes = size == 3 ? 0 : two(end - 2);
    if (hours > 23 || minutes > 59) return false;
    const int64_t behind = int64_t{hours} * 3600 + minutes * 60;
    seconds = *at == '-' ? -behind : behind;
    return true;
}

}  // namespace time_text

// Reads a text that is a time as a whole: `YYYY-MM-DDTHH:MM:SS`, with `t` or a space for the T as well, a fraction of any
// length or none, and a zone. False where it is no such time, or cannot be counted: of another year than 0001 to 9999 in
// UTC, or beyond int64, or within a second of its least.
//
// `ticks_per_second` is a power of ten. `is_dropped` says whether digits below the unit that are not zero were dropped.
inline bool parse_rfc3339(const char* begin, const char* end, int64_t ticks_per_second, int64_t& ticks, bool& is_dropped) {
    using namespace time_text;
    constexpr int64_t kFirst = -62'135'596'800, kLast = 253'402'300'799;  // seconds of the years 0001 and 9999
    if (end - begin < 20) return false;
    const char* const t = begin;
    if (t[4] != '-' || t[7] != '-' || (t[10] != 'T' && t[10] != 't' && t[10] != ' ') || t[13] != ':' || t[16] != ':')
        return false;
    const uint32_t century = two(t), of_century = two(t + 2), month = two(t + 5), day = two(t + 8);
    const uint32_t hour = two(t + 11), minute = two(t + 14), second = two(t + 17);
    if (century > 99 || of_century > 99 || hour > 23 || minute > 59 || second > 59) return false;
    const uint32_t year = 100 * century + of_century;
    if (year == 0 || month < 1 || month > 12 || day < 1 || day > days_of(year, month)) return false;
    const char* at = t + 19;
    int64_t fraction = 0, unit = ticks_per_second;
    bool dropped = false;
    if (*at == '.') {
        const char* const first = ++at;
        for (; at < end && static_cast<uint8_t>(*at - '0') < 10; ++at) {
            if (unit > 1) {
                unit /= 10;
                fraction += (*at - '0') * unit;
            } else {
                dropped |= *at != '0';
            }
        }
        if (at == first) return false;
    }
    int64_t offset;
    if (!offset_of(at, end, offset)) return false;
    const int64_t seconds = days_to(year, month, day) * 86'400 + hour * 3600 + minute * 60 + second - offset;
    if (seconds < kFirst || seconds > kLast) return false;
    int64_t whole;
    if (__builtin_mul_overflow(seconds, ticks_per_second, &whole) || __builtin_add_overflow(whole, fraction, &whole))
        return false;
    ticks = whole;
    is_dropped = dropped;
    return true;
}

}  // namespace pipeline
