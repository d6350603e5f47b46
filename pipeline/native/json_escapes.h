// What escapes in strings of JSON stand for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pipeline {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

inline int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The unit of UTF-16 whose four digits stand at a place.
inline uint32_t unit_at(std::string_view text, size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 4 | static_cast<uint32_t>(hex_digit(text[at + i]));
    return value;
}

inline void put_character(std::string& out, uint32_t code) {
    const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
        put(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        put(0xe0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3f));
    } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
        put(0x80 | (code >> 6 & 0x3f));
    }
    put(0x80 | (code & 0x3f));
}

// Writes what stands between quotes without its escapes, which are whole; false where there is half of a surrogate pair.
inline bool put_unescaped(std::string& out, std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        switch (text[++i]) {
            case 'b': out += '\b'; break;
            case 'f': out += '\f'; break;
            case 'n': out += '\n'; break;
            case 'r': out += '\r'; break;
            case 't': out += '\t'; break;
            case 'u': {
                uint32_t code = unit_at(text, i + 1);
                i += 4;
                if (code >= 0xd800 && code < 0xe000) {
                    if (code >= 0xdc00 || text.size() - i < 7 || text[i + 1] != '\\' || text[i + 2] != 'u') return false;
                    const uint32_t low = unit_at(text, i + 3);
                    if (low < 0xdc00 || low >= 0xe000) return false;
                    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    i += 6;
                }
                put_character(out, code);
                break;
            }
            default: out += text[i];
        }
    }
    return true;
}

}  // namespace pipeline
