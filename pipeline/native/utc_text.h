// Counts of a unit since 1970 as RFC 3339 in UTC, and fields of two digits.
#pragma once

#include <cstdint>
#include <cstring>

#include "decimal.h"

namespace pipeline {

// RFC 3339 in UTC. The text of the second before is kept: rows come in order of time.
class Times {
public:
    explicit Times(bool nanoseconds) : per_second_(nanoseconds ? 1'000'000'000 : 1'000'000), nanoseconds_(nanoseconds) {}

    // False where the year lies outside 0001 to 9999.
    bool put(char*& out, int64_t ticks) {
        int64_t second = ticks / per_second_;
        int64_t fraction = ticks % per_second_;
        if (fraction < 0) {
            fraction += per_second_;
            --second;
        }
        if (second != second_ && !set_second(second)) return false;
        std::memcpy(out, text_, 20);
        out += 20;
        auto rest = static_cast<uint32_t>(fraction);
        if (nanoseconds_) {
            out = two_digits(out, rest / 10'000'000);
            out = two_digits(out, rest / 100'000 % 100);
            out = two_digits(out, rest / 1000 % 100);
            out = two_digits(out, rest / 10 % 100);
            *out++ = static_cast<char>('0' + rest % 10);
        } else {
            out = two_digits(out, rest / 10'000);
            out = two_digits(out, rest / 100 % 100);
            out = two_digits(out, rest % 100);
        }
        *out++ = 'Z';
        return true;
    }

private:
    bool set_second(int64_t second) {
        int64_t day = second / 86'400;
        int64_t rest = second % 86'400;
        if (rest < 0) {
            rest += 86'400;
            --day;
        }
        if (!set_day(day)) return false;
        const auto of_day = static_cast<uint32_t>(rest);
        char* out = two_digits(text_ + 11, of_day / 3600);
        *out++ = ':';
        out = two_digits(out, of_day / 60 % 60);
        *out++ = ':';
        *two_digits(out, of_day % 60) = '.';
        second_ = second;
        return true;
    }
    // Days to a civil date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    bool set_day(int64_t day) {
        const int64_t shifted = day + 719'468;
        if (shifted < 306 || shifted > 3'652'364) return false;
        const int64_t era = shifted / 146'097;
        const int64_t of_era = shifted % 146'097;
        const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
        const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        const int64_t shifted_month = (5 * of_year + 2) / 153;
        const int month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
        const int year = static_cast<int>(year_of_era + 400 * era + (month <= 2));
        char* out = two_digits(text_, static_cast<uint32_t>(year / 100));
        out = two_digits(out, static_cast<uint32_t>(year % 100));
        *out++ = '-';
        out = two_digits(out, static_cast<uint32_t>(month));
        *out++ = '-';
        *two_digits(out, static_cast<uint32_t>(of_year - (153 * shifted_month + 2) / 5 + 1)) = 'T';
        return true;
    }
    int64_t per_second_;
    bool nanoseconds_;
    int64_t second_ = INT64_MIN;
    char text_[20];
};

}  // namespace pipeline
