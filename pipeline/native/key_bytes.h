// The key of a group as bytes that are in order as the keys are: texts by their UTF-8, numbers, nulls at the end.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

#include "ranks.h"

namespace pipeline {

// Each part begins with one of these, so that a null comes behind all that is there.
constexpr char kValuePart = 1;
constexpr char kNullPart = 2;

inline void put_null(std::string& key) { key.push_back(kNullPart); }

// A text ends with a zero; a zero within it is followed by a byte that no part begins with.
inline void put_text(std::string& key, std::string_view text) {
    key.push_back(kValuePart);
    for (size_t zero; (zero = text.find('\0')) != std::string_view::npos; text.remove_prefix(zero + 1)) {
        key.append(text.data(), zero + 1);
        key.push_back('\xff');
    }
    key.append(text);
    key.push_back('\0');
}

// A number in the order of its values, see below; its most significant byte comes first.
inline void put_number(std::string& key, uint64_t ordered) {
    char bytes[9] = {kValuePart};
    for (int i = 0; i < 8; ++i) bytes[1 + i] = static_cast<char>(ordered >> (56 - 8 * i));
    key.append(bytes, sizeof bytes);
}

inline uint64_t ordered_integer(int64_t value) { return static_cast<uint64_t>(value) ^ uint64_t{1} << 63; }
inline int64_t from_ordered_integer(uint64_t ordered) { return static_cast<int64_t>(ordered ^ uint64_t{1} << 63); }

// Equal numbers are one, whatever their bits, and all that are none; those come behind the others.
inline uint64_t ordered_float(double value) { return std::isnan(value) ? UINT64_MAX : to_key(value); }
inline double from_ordered_float(uint64_t ordered) {
    return ordered == UINT64_MAX ? std::numeric_limits<double>::quiet_NaN() : from_key(ordered);
}

// Takes a key apart again.
class KeyReader {
public:
    explicit KeyReader(std::string_view key) : at_(key.data()), end_(key.data() + key.size()) {}

    bool is_null() { return *at_++ == kNullPart; }
    uint64_t number() {
        uint64_t ordered = 0;
        for (int i = 0; i < 8; ++i) ordered = ordered << 8 | static_cast<uint8_t>(*at_++);
        return ordered;
    }
    void text(std::string& to) {
        to.clear();
        while (true) {
            const char* const zero = static_cast<const char*>(std::memchr(at_, 0, static_cast<size_t>(end_ - at_)));
            const bool goes_on = zero + 1 != end_ && zero[1] == '\xff';
            to.append(at_, zero + goes_on);
            at_ = zero + 1 + goes_on;
            if (!goes_on) return;
        }
    }

private:
    const char* at_;
    const char* end_;
};

}  // namespace pipeline
