// Splits CSV into rows and their fields, as RFC 4180 has them: commas, quotes, line feeds with or without carriage return.
//
// It takes what every reader takes alike. Anything else is odd, and left to the reader of pyarrow, which says what it is.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "utf8.h"

namespace pipeline {

// Where the text of a field lies in the block; the quotes around it are no part of it.
struct CsvField {
    static constexpr uint32_t kQuoted = 1u << 31, kDoubled = 1u << 30, kSize = kDoubled - 1;
    uint32_t begin;
    uint32_t size_and_flags;

    size_t size() const { return size_and_flags & kSize; }
    bool is_null() const { return size_and_flags == 0; }                  // nothing between commas; "" is a text
    bool has_doubled_quotes() const { return size_and_flags & kDoubled; }  // the text holds "" for each quote
};

constexpr size_t kCsvSlack = 8;  // bytes behind a block that are read, and the first of them written

class CsvRows {
public:
    static constexpr size_t kMaxBytes = CsvField::kSize;

    // Splits the rows of a block, `max_rows` at most, from the byte `used` on, which moves behind them. A row that the block
    // cuts off is left for the next one, but where the block is the last. False where what begins at `used` is odd.
    // The first row that is ever split says how many fields all have. kCsvSlack bytes follow the block.
    bool split(char* data, size_t size, bool is_last, int64_t max_rows, int64_t& used) {
        data_ = data;
        end_ = data + size;
        is_last_ = is_last;
        *const_cast<char*>(end_) = '\n';  // so that no look for the end of a field goes beyond
        fields_.clear();
        rows_ = 0;
        const char* at = data + used;
        bool is_sound = true;
        while (rows_ < max_rows && (at = after_blank_lines(at)) < end_) {
            const size_t before = fields_.size();
            const char* next = nullptr;
            const End found = split_row(at, next);
            if (found != kRow) {
                fields_.resize(before);
                is_sound = found == kCut;
                break;
            }
            ++rows_;
            at = next;
        }
        if (!is_text({data + used, static_cast<size_t>(at - data - used)})) {
            fields_.clear();
            rows_ = 0;
            return false;
        }
        used = at - data;
        return is_sound;
    }
    int64_t rows() const { return rows_; }
    int64_t columns() const { return columns_; }
    const char* data() const { return data_; }
    const CsvField& field(int64_t row, int64_t column) const { return fields_[row * columns_ + column]; }
    std::string_view text(const CsvField& field) const { return {data_ + field.begin, field.size()}; }

private:
    enum End { kRow, kCut, kOdd };

    static bool ends_field(char c) {
        static constexpr std::array<bool, 256> ends = [] {
            std::array<bool, 256> table{};
            table[','] = table['\n'] = table['\r'] = true;
            return table;
        }();
        return ends[static_cast<unsigned char>(c)];
    }
    static bool is_text(std::string_view bytes) {
        unsigned char all = 0;
        for (const char c : bytes) all |= static_cast<unsigned char>(c);
        return all < 0x80 || count_characters(bytes) >= 0;
    }
    const char* after_blank_lines(const char* at) const {
        while (at < end_ && (*at == '\n' || (*at == '\r' && at + 1 < end_ && at[1] == '\n'))) at += *at == '\n' ? 1 : 2;
        return at;
    }
    End split_row(const char* at, const char*& next) {
        for (int64_t column = 1;; ++column) {
            CsvField field{};
            if (*at == '"') {
                const End found = split_quoted(at, field);
                if (found != kRow) return found;
            } else {
                const char* const begin = at;
                while (!ends_field(*at)) ++at;
                field = {static_cast<uint32_t>(begin - data_), static_cast<uint32_t>(at - begin)};
            }
            if (at == end_ && !is_last_) return kCut;
            fields_.push_back(field);
            if (*at == ',') {
                if (column == columns_) return kOdd;
                ++at;
                continue;
            }
            if (*at == '\r' && *++at != '\n') return kOdd;
            if (at == end_ && (!is_last_ || at[-1] == '\r')) return is_last_ ? kOdd : kCut;
            next = at < end_ ? at + 1 : at;
            if (columns_ == 0) columns_ = column;
            return column == columns_ ? kRow : kOdd;
        }
    }
    // Moves from a quote behind the one that closes it.
    End split_quoted(const char*& at, CsvField& field) const {
        const char* const begin = ++at;
        uint32_t flags = CsvField::kQuoted;
        for (;; ++at) {
            at = static_cast<const char*>(std::memchr(at, '"', static_cast<size_t>(end_ - at)));
            if (at == nullptr) return is_last_ ? kOdd : kCut;
            if (at[1] != '"' || at + 1 == end_) break;
            flags |= CsvField::kDoubled;
            ++at;
        }
        field = {static_cast<uint32_t>(begin - data_), static_cast<uint32_t>(at - begin) | flags};
        ++at;
        return ends_field(*at) ? kRow : kOdd;
    }

    const char* data_ = nullptr;
    const char* end_ = nullptr;
    bool is_last_ = false;
    int64_t columns_ = 0, rows_ = 0;
    std::vector<CsvField> fields_;  // row by row
};

// Finds where the last whole row of a block ends that begins with a row, by the rules of pyarrow's reader: quotes count at
// the begin of a field alone, and a carriage return ends a row by itself, too. Gives 0 where no row ends.
inline size_t end_of_rows(std::string_view block) {
    size_t last = 0;
    bool begins = true, quoted = false;
    for (size_t at = 0; at < block.size(); ++at) {
        const char c = block[at];
        if (quoted) {
            if (c != '"') continue;
            if (at + 1 < block.size() && block[at + 1] == '"')
                ++at;
            else
                quoted = false;
        } else if (begins && c == '"') {
            quoted = true;
            begins = false;
        } else {
            begins = c == ',' || c == '\n' || c == '\r';
            if (c == '\n' || (c == '\r' && at + 1 < block.size() && block[at + 1] != '\n')) last = at + 1;
        }
    }
    return last;
}

}  // namespace pipeline
