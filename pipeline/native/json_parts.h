// What a JSON text in memory is made of, checked as it is passed over (RFC 8259, and NaN and Infinity, which Python writes).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "json_escapes.h"
#include "utf8.h"

namespace pipeline {

constexpr int kMaxDepth = 512;

// What is wrong with a line; pipeline/native/json_lines.py has the words.
enum Fault : int32_t {
    kSound = 0,
    kNoMemory = 1,
    kNotJson = 2,
    kNoObject = 3,
    kNotUtf8 = 4,
    kTooDeep = 5,
    kTwice = 6,
    kHalfPair = 7,
};

struct Bad {
    Fault fault;
};

// 1: goes on, 2: beyond ASCII; 0: a quote, a backslash or a control character.
inline constexpr std::array<uint8_t, 256> kInString = [] {
    std::array<uint8_t, 256> kinds{};
    for (int c = 0x20; c < 256; ++c) kinds[c] = c == '"' || c == '\\' ? 0 : c < 0x80 ? 1 : 2;
    return kinds;
}();

// How many of the next eight bytes go on a string and are ASCII; fewer may be told where bytes do not come lowest first.
inline int plain_bytes(const char* at) {
    constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
    uint64_t word;
    std::memcpy(&word, at, 8);
    const uint64_t quote = word ^ (kOnes * '"'), backslash = word ^ (kOnes * '\\');
    const uint64_t ends = (((word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes)) & ~word) | word;
    if ((ends & kHighs) == 0) return 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_ctzll(ends & kHighs) / 8;
#else
    return 0;
#endif
}

class JsonParts {
protected:
    JsonParts(const char* at, const char* end) : at_(at), end_(end) {}

    bool more() const { return at_ < end_; }
    void skip_space() {
        while (more() && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r' || *at_ == '\n')) ++at_;
    }
    void expect(char c) {
        if (!more() || *at_ != c) throw Bad{kNotJson};
        ++at_;
    }
    void word(std::string_view text) {
        if (static_cast<size_t>(end_ - at_) < text.size() || std::memcmp(at_, text.data(), text.size()) != 0)
            throw Bad{kNotJson};
        at_ += text.size();
    }
    void digits() {
        if (!more() || !is_digit(*at_)) throw Bad{kNotJson};
        while (more() && is_digit(*at_)) ++at_;
    }
    void number() {
        ++numbers_;
        if (*at_ == '-') ++at_;
        if (more() && *at_ == 'I') return word("Infinity");
        if (more() && *at_ == '0')
            ++at_;
        else
            digits();
        if (more() && *at_ == '.') {
            ++at_;
            digits();
        }
        if (more() && (*at_ == 'e' || *at_ == 'E')) {
            ++at_;
            if (more() && (*at_ == '+' || *at_ == '-')) ++at_;
            digits();
        }
    }
    int unit() {  // of UTF-16, behind \u
        int value = 0;
        for (int i = 0; i < 4; ++i) {
            const int digit = more() ? hex_digit(*at_) : -1;
            if (digit < 0) throw Bad{kNotJson};
            value = value << 4 | digit;
            ++at_;
        }
        return value;
    }
    // Passes over what stands behind \u: a character, or a pair of surrogates.
    void character() {
        const int first = unit();
        if (first < 0xd800 || first >= 0xe000) return;
        if (first >= 0xdc00 || end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') throw Bad{kHalfPair};
        at_ += 2;
        const int second = unit();
        if (second < 0xdc00 || second >= 0xe000) throw Bad{kHalfPair};
    }
    // Passes over a string; gives what stands between its quotes, and whether there are escapes in it.
    std::string_view string(bool& escaped) {
        expect('"');
        const char* const start = at_;
        uint8_t kinds = 0;
        escaped = false;
        while (true) {
            while (end_ - at_ >= 8) {
                const int plain = plain_bytes(at_);
                at_ += plain;
                if (plain < 8) break;
            }
            while (more()) {
                const uint8_t kind = kInString[static_cast<uint8_t>(*at_)];
                if (kind == 0) break;
                kinds |= kind;
                ++at_;
            }
            if (!more() || static_cast<uint8_t>(*at_) < 0x20) throw Bad{kNotJson};
            if (*at_ == '"') break;
            escaped = true;
            if (++at_ == end_) throw Bad{kNotJson};
            const char c = *at_++;
            if (c == 'u')
                character();
            else if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos)
                throw Bad{kNotJson};
        }
        const std::string_view text(start, at_ - start);
        ++at_;
        if ((kinds & 2) && count_characters(text) < 0) throw Bad{kNotUtf8};
        return text;
    }

    bool begins_with(std::string_view text) const {
        return static_cast<size_t>(end_ - at_) >= text.size() && std::memcmp(at_, text.data(), text.size()) == 0;
    }
    // Passes over a key and its colon; gives what stands between its quotes, and whether there are escapes in it.
    std::string_view key(bool& escaped) {
        const std::string_view name = string(escaped);
        skip_space();
        expect(':');
        return name;
    }
    // Passes over any value.
    void skip(int depth) {
        if (!more()) throw Bad{kNotJson};
        bool escaped;
        switch (*at_) {
            case '{': members(depth, [&] { key(escaped); skip_space(); skip(depth + 1); }); break;
            case '[': elements(depth, [&] { skip(depth + 1); }); break;
            case '"': string(escaped); break;
            case 't': word("true"); break;
            case 'f': word("false"); break;
            case 'n': word("null"); break;
            case 'N': word("NaN"), ++numbers_; break;
            case 'I': word("Infinity"), ++numbers_; break;
            default: number();
        }
    }
    // Passes over an object or an array: `each` does so with a member, or with an element.
    template <class Each>
    void members(int depth, const Each& each) { held('}', depth, each); }
    template <class Each>
    void elements(int depth, const Each& each) { held(']', depth, each); }

    const char* at_;
    const char* const end_;
    int64_t numbers_ = 0;

private:
    template <class Each>
    void held(char closing, int depth, const Each& each) {
        if (depth == kMaxDepth) throw Bad{kTooDeep};
        ++at_;
        skip_space();
        if (more() && *at_ == closing) {
            ++at_;
            return;
        }
        while (true) {
            skip_space();
            each();
            skip_space();
            if (more() && *at_ == closing) break;
            expect(',');
        }
        ++at_;
    }
};

}  // namespace pipeline
