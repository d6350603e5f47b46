// Tokens of JSON that comes in blocks: one that goes on in the next block is waited for.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "json_parts.h"
#include "utf8.h"

namespace pipeline {

constexpr size_t kMaxNesting = 900;

class Tokens {
protected:
    explicit Tokens(bool checks_utf8) : checks_utf8_(checks_utf8) {}

    // Begins anew, at a place of the file.
    void begin(int64_t offset) {
        buffer_.clear();
        at_ = resume_ = 0;
        passed_ = offset;
        lines_ = 0;
    }
    // Takes the next block, and lets go of what is done.
    void feed(const char* data, size_t size, bool is_last) {
        lines_ += std::count(buffer_.data(), buffer_.data() + at_, '\n');
        passed_ += static_cast<int64_t>(at_);
        buffer_.erase(0, at_);
        at_ = 0;
        buffer_.append(data, size);
        is_last_ = is_last;
    }
    int64_t line_of_token() const {
        return lines_ + std::count(buffer_.data(), buffer_.data() + std::min(at_, buffer_.size()), '\n');
    }
    // How many of the next eight bytes are digits before one that is none; fewer may be told where bytes do not come lowest
    // first.
    static int digits_of_eight(const char* at) {
        constexpr uint64_t kOnes = 0x0101010101010101;
        uint64_t word;
        std::memcpy(&word, at, 8);
        word ^= kOnes * '0';
        const uint64_t others = (((word & kOnes * 0x7f) + kOnes * 0x76) | word) & kOnes * 0x80;
        if (others == 0) return 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return __builtin_ctzll(others) / 8;
#else
        return 0;
#endif
    }
    static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
    // Passes over white space; false where the block holds nothing else.
    bool find_token() {
        while (at_ < buffer_.size() && is_space(buffer_[at_])) ++at_;
        return at_ < buffer_.size();
    }
    // Finds where a number ends that stands as a whole before the end; null where there is none.
    static const char* number_end(const char* at, const char* end) {
        const auto digits = [&] {
            const char* const first = at;
            while (end - at >= 8) {
                const int count = digits_of_eight(at);
                at += count;
                if (count < 8) break;
            }
            while (at < end && is_digit(*at)) ++at;
            return at > first;
        };
        if (at < end && *at == '-') ++at;
        if (at < end && *at == '0')
            ++at;
        else if (!digits())
            return nullptr;
        if (at < end && *at == '.') {
            ++at;
            if (!digits()) return nullptr;
        }
        if (at < end && (*at == 'e' || *at == 'E')) {
            ++at;
            if (at < end && (*at == '+' || *at == '-')) ++at;
            if (!digits()) return nullptr;
        }
        return at < end ? at : nullptr;
    }
    // Passes over a number or a name; false where the block ends before it does.
    bool word() {
        const char* const end = buffer_.data() + buffer_.size();
        if (const char* const whole = number_end(buffer_.data() + at_, end); whole != nullptr && !is_word(*whole)) {
            at_ = static_cast<size_t>(whole - buffer_.data());
            return true;
        }
        size_t stop = at_;
        while (stop < buffer_.size() && is_word(buffer_[stop])) ++stop;
        if (stop == buffer_.size() && !is_last_) {
            if (stop - at_ > kMaxWord) throw Bad{kNotJson};
            return false;
        }
        const std::string_view whole(buffer_.data() + at_, stop - at_);
        static constexpr std::array<std::string_view, 6> kNames{"true", "false", "null", "NaN", "Infinity", "-Infinity"};
        if (std::find(kNames.begin(), kNames.end(), whole) == kNames.end()) {
            name_.assign(whole).push_back(' ');  // a number ends before something
            if (number_end(name_.data(), name_.data() + name_.size()) != name_.data() + whole.size()) throw Bad{kNotJson};
        }
        at_ = stop;
        return true;
    }
    static bool is_word(char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '+';
    }

    // Passes over a string; false where the block ends before it does, and then it is gone on with where it was left.
    bool string(bool& escaped) {
        size_t at = at_ + std::max<size_t>(resume_, 1);
        const size_t size = buffer_.size();
        while (true) {
            while (size - at >= 8) {
                const int plain = plain_bytes(buffer_.data() + at);
                at += static_cast<size_t>(plain);
                if (plain < 8) break;
            }
            while (at < size && kInString[static_cast<uint8_t>(buffer_[at])] != 0) ++at;
            if (at == size) return left(at);
            if (static_cast<uint8_t>(buffer_[at]) < 0x20) throw Bad{kNotJson};
            if (buffer_[at] == '"') break;
            if (size - at < 2) return left(at);
            const char c = buffer_[at + 1];
            if (c == 'u') {
                if (size - at < 6) return left(at);
                for (size_t i = 2; i < 6; ++i)
                    if (hex_digit(buffer_[at + i]) < 0) throw Bad{kNotJson};
                at += 6;
            } else {
                if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) throw Bad{kNotJson};
                at += 2;
            }
        }
        const std::string_view text(buffer_.data() + at_ + 1, at - at_ - 1);
        if (checks_utf8_ && count_characters(text) < 0) throw Bad{kNotUtf8};
        escaped = text.find('\\') != std::string_view::npos;
        at_ = at + 1;
        resume_ = 0;
        return true;
    }
    // Passes over what stands before the next quote or bracket, whatever it is; false where the block ends before one.
    bool find_bracket() {
        constexpr uint64_t kOnes = 0x0101010101010101, kHighs = kOnes * 0x80;
        const char* const end = buffer_.data() + buffer_.size();
        const char* at = buffer_.data() + at_;
        const auto zeros = [](uint64_t word) { return (word - kOnes) & ~word; };
        for (uint64_t word; end - at >= 8; at += 8) {
            std::memcpy(&word, at, 8);
            const uint64_t folded = word | kOnes * 0x20;  // makes [ a { and ] a }
            if (((zeros(word ^ kOnes * '"') | zeros(folded ^ kOnes * '{') | zeros(folded ^ kOnes * '}')) & kHighs) != 0) break;
        }
        while (at < end && *at != '"' && (*at | 0x20) != '{' && (*at | 0x20) != '}') ++at;
        at_ = static_cast<size_t>(at - buffer_.data());
        return at < end;
    }
    bool left(size_t at) {
        resume_ = at - at_;
        return is_last_ ? throw Bad{kNotJson} : false;
    }

    static constexpr size_t kMaxWord = 65'536;  // bytes of a number whose end is waited for

    const bool checks_utf8_;
    std::string buffer_;  // what has come and is not done
    size_t at_ = 0;       // the next byte of it
    size_t resume_ = 0;   // how much of a string that began at it was looked at
    int64_t passed_ = 0;  // bytes of the file before the buffer
    int64_t lines_ = 0;   // in these
    bool is_last_ = false;
    std::string name_;  // of a key, without escapes
};

}  // namespace pipeline
