// Finds which texts of a column are distinct, as a dictionary has them.

#include <algorithm>
#include <cstring>
#include <exception>
#include <functional>
#include <vector>

#include "arrow.h"
#include "widest.h"

namespace pipeline {
namespace {

constexpr int64_t kLongestPeriod = 64;

PIPELINE_WIDEST bool lie_apart(const int32_t* offsets, const int32_t* later, int64_t count, int32_t bytes) {
    int32_t differs = 0;
    for (int64_t at = 0; at < count; ++at) differs |= (later[at] - offsets[at]) ^ bytes;
    return differs == 0;
}

// After how many rows all texts come again in the same order, as those do that are one constant, or those of records
// that became several rows each; `rows` where that cannot be told so. The texts are compared as they lie, not each.
int64_t period_of(const Column& column, int64_t rows) {
    if (column.kind() != Kind::String || column.has_nulls() || rows < 2) return rows;
    int64_t period = 1;
    while (period < rows && period < kLongestPeriod && column.text(period) != column.text(0)) ++period;
    const auto* offsets = column.values<int32_t>();
    const int64_t longest = std::min(rows, kLongestPeriod);
    if (period >= longest) return rows;
    const int32_t bytes = offsets[period] - offsets[0];
    constexpr int64_t kTogether = 1024;  // most that do not come again are found among the first
    for (int64_t at = 0; at <= rows - period; at += kTogether)
        if (!lie_apart(offsets + at, offsets + period + at, std::min(kTogether, rows - period + 1 - at), bytes)) return rows;
    const std::string_view texts = column.texts(rows);
    return std::memcmp(texts.data(), texts.data() + bytes, texts.size() - bytes) == 0 ? period : rows;
}

class DistinctTexts {
public:
    // Writes for each row which distinct text it has, and for each of those its first row; gives how many there are.
    // A null counts as a text of its own.
    int64_t find(const Column& column, int64_t rows, int32_t* codes, int64_t* firsts) {
        size_t slots = 16;
        while (slots < 2 * static_cast<size_t>(rows)) slots *= 2;
        slots_.assign(slots, -1);
        int32_t previous = -1, null = -1;
        for (int64_t row = 0; row < rows; ++row) {
            int32_t code;
            if (column.is_null(row)) {
                if (null < 0) null = add(row, 0, firsts);
                code = null;
            } else {
                code = code_of(column, column.text(row), row, previous, null, firsts);
            }
            // What followed a text once mostly follows it again: that saves the look at all of its bytes.
            if (previous >= 0) next_[previous] = code;
            codes[row] = previous = code;
        }
        return static_cast<int64_t>(next_.size());
    }

private:
    int32_t add(int64_t row, size_t hash, int64_t* firsts) {
        firsts[next_.size()] = row;
        next_.push_back(-1);
        hashes_.push_back(hash);
        return static_cast<int32_t>(next_.size() - 1);
    }
    int32_t code_of(const Column& column, std::string_view text, int64_t row, int32_t previous, int32_t null,
                    int64_t* firsts) {
        const int32_t guess = previous < 0 ? -1 : next_[previous];
        if (guess >= 0 && guess != null && column.text(firsts[guess]) == text) return guess;
        const size_t hash = std::hash<std::string_view>{}(text);
        size_t slot = hash & (slots_.size() - 1);
        for (; slots_[slot] >= 0; slot = (slot + 1) & (slots_.size() - 1)) {
            const int32_t code = slots_[slot];
            if (hashes_[code] == hash && column.text(firsts[code]) == text) return code;
        }
        return slots_[slot] = add(row, hash, firsts);
    }

    std::vector<int32_t> slots_;  // a hash table of codes
    std::vector<int32_t> next_;   // by code: which came after it last
    std::vector<size_t> hashes_;  // by code
};

}  // namespace

#pragma GCC visibility push(default)
// `codes` and `firsts` have a place for each row. Gives how many texts there are, -1 without memory, -2 for no texts.
extern "C" int64_t pipeline_distinct_texts(const ArrowSchema* schema, const ArrowArray* array, int32_t* codes,
                                           int64_t* firsts) {
    try {
        const Column column(*schema, *array, 0);
        const bool is_text = column.kind() >= Kind::String && column.kind() <= Kind::StringView;
        if (!is_text || column.is_dictionary()) return -2;
        const int64_t rows = array->length, period = period_of(column, rows);
        const int64_t count = DistinctTexts().find(column, period, codes, firsts);
        for (int64_t done = period; done < rows; done *= 2)  // what is there comes again
            std::memcpy(codes + done, codes, std::min(done, rows - done) * sizeof(int32_t));
        return count;
    } catch (const std::exception&) {
        return -1;
    }
}
#pragma GCC visibility pop

}  // namespace pipeline
