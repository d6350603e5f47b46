// Finds which texts of a column are distinct, as a dictionary has them.

#include <exception>
#include <functional>
#include <vector>

#include "arrow.h"

namespace pipeline {
namespace {

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
        return DistinctTexts().find(column, array->length, codes, firsts);
    } catch (const std::exception&) {
        return -1;
    }
}
#pragma GCC visibility pop

}  // namespace pipeline
