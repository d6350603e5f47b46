// Text as UTF-8.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace pipeline {

// Number of characters, or -1 where the text is not UTF-8 (Unicode 16, table 3-7) or holds NUL.
inline int64_t count_characters(std::string_view text) {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = at + text.size();
    int64_t count = 0;
    while (at < end) {
        while (end - at >= 8) {  // eight ASCII characters, none of them NUL
            uint64_t word;
            std::memcpy(&word, at, 8);
            if (((word - 0x0101010101010101) | word) & 0x8080808080808080) break;
            at += 8;
            count += 8;
        }
        if (at == end) break;
        const unsigned char lead = *at++;
        ++count;
        if (lead == 0) return -1;
        if (lead < 0x80) continue;
        const int more = lead >= 0xc2 && lead <= 0xdf ? 1 : (lead & 0xf0) == 0xe0 ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
        if (more == 0 || end - at < more) return -1;
        const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (at[0] < low || at[0] > high) return -1;
        for (int i = 1; i < more; ++i)
            if ((at[i] & 0xc0) != 0x80) return -1;
        at += more;
    }
    return count;
}

}  // namespace pipeline
