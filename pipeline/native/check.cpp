// The rules that hold for a row by itself, in one pass; pipeline/checks.py says which one is broken, and where.

#include <exception>
#include <vector>

#include "arrow.h"

namespace pipeline {
namespace {

// The years 0001 to 9999.
constexpr int64_t kFirstMicrosecond = -62'135'596'800'000'000, kAfterLastMicrosecond = 253'402'300'800'000'000;

// Number of characters, or -1 where the text is not UTF-8 (Unicode 16, table 3-7) or holds NUL.
int64_t count_characters(std::string_view text) {
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

bool is_sound_text(std::string_view text, int32_t max_characters) {
    const int64_t characters = count_characters(text);
    return characters >= 0 && (max_characters == 0 || (characters > 0 && characters <= max_characters));
}

bool are_sound_texts(const Column& column, int64_t rows, int32_t max_characters) {
    if (column.is_constant(rows)) rows = 1;
    std::vector<bool> checked(column.is_dictionary() ? static_cast<size_t>(column.dictionary_size()) : 0);
    for (int64_t row = 0; row < rows; ++row) {
        if (column.is_null(row)) continue;
        int64_t at = row;
        if (column.is_dictionary()) {
            at = column.index(row);
            if (checked.at(static_cast<size_t>(at))) continue;
            checked[static_cast<size_t>(at)] = true;
            if (column.is_null_text(at)) return false;
        }
        if (!is_sound_text(column.text(at), max_characters)) return false;
    }
    return true;
}

bool is_sound(const Column& column, int64_t rows, bool required, int32_t max_characters) {
    if (required && column.has_nulls())
        for (int64_t row = 0; row < rows; ++row)
            if (column.is_null(row)) return false;
    switch (column.kind()) {
        case Kind::Unknown: return false;
        case Kind::Bool:
        case Kind::Int64:
        case Kind::Float64: return true;
        case Kind::Timestamp:
            if (column.nanoseconds()) return true;  // 64 bits of them do not reach the limits
            for (int64_t row = 0; row < rows; ++row) {
                const int64_t ticks = column.integer(row);
                if ((ticks < kFirstMicrosecond || ticks >= kAfterLastMicrosecond) && !column.is_null(row)) return false;
            }
            return true;
        default: return are_sound_texts(column, rows, max_characters);
    }
}

}  // namespace

#pragma GCC visibility push(default)
// Whether no row breaks a rule. `limits` holds two numbers per column: whether nulls are refused, and how many characters a
// text may have, which then is not empty; 0 for any. If it is not certain, the answer is no.
extern "C" int32_t pipeline_is_sound(const ArrowSchema* schema, const ArrowArray* array, const int32_t* limits) {
    try {
        for (int64_t i = 0; i < array->n_children; ++i) {
            const Column column(*schema->children[i], *array->children[i], array->offset);
            if (!is_sound(column, array->length, limits[2 * i] != 0, limits[2 * i + 1])) return 0;
        }
        return 1;
    } catch (const std::exception&) {  // an index beyond a dictionary, no memory
        return 0;
    }
}
#pragma GCC visibility pop

}  // namespace pipeline
