// The rules of rows, in one pass; pipeline/rows/rules.py says which one is broken, and where.

#include <exception>
#include <vector>

#include "arrow.h"
#include "utf8.h"

namespace pipeline {
namespace {

// The years 0001 to 9999.
constexpr int64_t kFirstMicrosecond = -62'135'596'800'000'000, kAfterLastMicrosecond = 253'402'300'800'000'000;

bool is_sound_text(std::string_view text, int32_t max_characters) {
    const int64_t characters = count_characters(text);
    return characters >= 0 && (max_characters == 0 || (characters > 0 && characters <= max_characters));
}

bool are_sound_dictionary_texts(const Column& column, int32_t max_characters) {
    for (int64_t at = 0; at < column.dictionary_size(); ++at)
        if (column.is_null_text(at) || !is_sound_text(column.text(at), max_characters)) return false;
    return true;
}

// Whether bytes are ASCII without NUL, told many at a time.
bool is_plain_ascii(std::string_view bytes) {
    unsigned char high = 0, zero = 0;
    for (const char c : bytes) {
        high |= static_cast<unsigned char>(c);
        zero |= c == 0;
    }
    return high < 0x80 && zero == 0;
}

// Whether the texts of a plain column are ASCII and short enough; false also where that is not certain.
bool are_plain_ascii(const Column& column, int64_t rows, int32_t max_characters) {
    if (column.kind() != Kind::String || column.is_dictionary() || rows == 0) return false;
    if (max_characters != 0) {
        if (column.has_nulls()) return false;
        for (int64_t row = 0; row < rows; ++row) {
            const size_t size = column.text(row).size();
            if (size == 0 || size > static_cast<size_t>(max_characters)) return false;
        }
    }
    return is_plain_ascii(column.texts(rows));
}

bool are_sound_texts(const Column& column, int64_t rows, int32_t max_characters) {
    if (are_plain_ascii(column, rows, max_characters)) return true;
    if (column.is_constant(rows)) rows = 1;
    // Most dictionaries are small and sound as a whole, so that no row needs a look of its own.
    if (column.is_dictionary() && column.dictionary_size() <= rows && column.places_lie_within(rows) &&
        are_sound_dictionary_texts(column, max_characters))
        return true;
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

// What is asked of a column: a bit each.
enum Question : int32_t { kRequired = 1, kTellConstant = 2, kTellIncreasing = 4 };
// What is told of a batch: a bit each.
enum Fact : int32_t { kSound = 1, kConstant = 2, kIncreasing = 4 };

bool are_sound_times(const Column& column, int64_t rows) {
    bool sound = true;
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t ticks = column.integer(row);
        sound &= (ticks >= kFirstMicrosecond) & (ticks < kAfterLastMicrosecond);
    }
    if (sound || !column.has_nulls()) return sound;
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t ticks = column.integer(row);
        if ((ticks < kFirstMicrosecond || ticks >= kAfterLastMicrosecond) && !column.is_null(row)) return false;
    }
    return true;
}

bool is_sound(const Column& column, int64_t rows, bool required, int32_t max_characters, int64_t text_bytes) {
    if (required && column.has_nulls())
        for (int64_t row = 0; row < rows; ++row)
            if (column.is_null(row)) return false;
    switch (column.kind()) {
        case Kind::Unknown: return false;
        case Kind::Bool:
        case Kind::Int64:
        case Kind::Float64: return true;
        case Kind::Timestamp:
            return column.nanoseconds() || are_sound_times(column, rows);  // 64 bits of those do not reach the limits
        case Kind::StringView: return false;  // no reader gives them here
        default: return column.texts_lie_within(rows, text_bytes) && are_sound_texts(column, rows, max_characters);
    }
}

bool is_increasing(const Column& column, int64_t rows) {
    if (column.kind() != Kind::Int64 || column.has_nulls()) return false;
    bool increasing = true;
    for (int64_t row = 1; row < rows; ++row) increasing &= column.integer(row - 1) < column.integer(row);
    return increasing;
}

}  // namespace

#pragma GCC visibility push(default)
// Tells facts of a batch. For each column, `questions` says what is asked, `max_characters` how many characters a text may
// have, which then is not empty (0 for any), and `text_bytes` how large the data of its texts is. What is not certain is
// not told.
extern "C" int32_t pipeline_check_rows(const ArrowSchema* schema, const ArrowArray* array, const int32_t* questions,
                                       const int32_t* max_characters, const int64_t* text_bytes) {
    try {
        int32_t facts = kSound | kConstant | kIncreasing;
        for (int64_t i = 0; i < array->n_children; ++i) {
            const Column column(*schema->children[i], *array->children[i], array->offset);
            if (!is_sound(column, array->length, questions[i] & kRequired, max_characters[i], text_bytes[i])) return 0;
            if ((questions[i] & kTellConstant) && !column.is_constant(array->length)) facts &= ~kConstant;
            if ((questions[i] & kTellIncreasing) && !is_increasing(column, array->length)) facts &= ~kIncreasing;
        }
        return facts;
    } catch (const std::exception&) {  // an index beyond a dictionary, no memory
        return 0;
    }
}
#pragma GCC visibility pop

}  // namespace pipeline
