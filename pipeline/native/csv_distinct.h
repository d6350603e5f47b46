// Which texts of a column of CSV are distinct, found with a hash table.
#pragma once

#include <cstring>
#include <vector>

#include "csv_rows.h"

namespace pipeline {

class CsvDistinct {
public:
    // `most` distinct texts are taken.
    explicit CsvDistinct(int64_t most) : most_(static_cast<size_t>(most)) {
        while ((size_t{1} << bits_) < 2 * most_) ++bits_;
        slots_.assign(size_t{1} << bits_, -1);
    }
    // Gives the place of a field's text among those that are distinct, or -1 where there are too many.
    int32_t place_of(const CsvRows& rows, const CsvField& field, int64_t row) {
        const Known wanted = known(rows, field, row);
        const uint64_t hash = (wanted.first * 0x9e3779b97f4a7c15 ^ (wanted.last + wanted.field.size())) * 0xd6e8feb86659fd93;
        for (size_t slot = hash >> (64 - bits_);; slot = (slot + 1) & (slots_.size() - 1)) {
            const int32_t place = slots_[slot];
            if (place >= 0) {
                if (is_same(rows, texts_[static_cast<size_t>(place)], wanted)) return place;
            } else {
                if (texts_.size() == most_) return -1;
                texts_.push_back(wanted);
                return slots_[slot] = static_cast<int32_t>(texts_.size() - 1);
            }
        }
    }
    size_t size() const { return texts_.size(); }
    int64_t first_row(size_t place) const { return texts_[place].row; }

private:
    // The first and the last eight bytes tell most texts apart, and are all there is of short ones.
    struct Known {
        uint64_t first, last;
        CsvField field;
        int64_t row;
    };

    static Known known(const CsvRows& rows, const CsvField& field, int64_t row) {
        const char* const text = rows.text(field).data();
        const size_t size = field.size();
        Known known{0, 0, field, row};
        std::memcpy(&known.first, text, 8);  // there are bytes enough behind a block
        if (size < 8)
            known.first &= kLow[size];
        else
            std::memcpy(&known.last, text + size - 8, 8);
        return known;
    }
    static bool is_same(const CsvRows& rows, const Known& one, const Known& other) {
        if (one.first != other.first || one.last != other.last || one.field.size() != other.field.size()) return false;
        return one.field.size() <= 16 || rows.text(one.field) == rows.text(other.field);
    }

    // Masks of so many bytes, as they lie in memory.
    static constexpr auto kLow = [] {
        std::array<uint64_t, 8> masks{};
        for (size_t size = 0; size < 8; ++size)
            masks[size] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (uint64_t{1} << (8 * size)) - 1
                          : size == 0                               ? 0
                                                                    : ~uint64_t{0} << (64 - 8 * size);
        return masks;
    }();

    size_t most_;
    int bits_ = 4;
    std::vector<int32_t> slots_;  // a hash table of places
    std::vector<Known> texts_;
};

}  // namespace pipeline
