// Rows of measurements as JSON lines, straight into columns. A line is sound here only where nothing is odd about it: what
// is not is read, and named, by pipeline/sources/ndjson_rows.py.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "json_line.h"
#include "number_text.h"
#include "row_column.h"
#include "time_text.h"

namespace pipeline {

enum class RowsEnd : int32_t {
    kMore = 0,     // the block holds no further line
    kFull = 1,     // the batch is complete
    kUnsound = 2,  // a line is not sound, or too long
    kOddTime = 3,  // a time is of no form that is known here
};

struct RowLimits {
    int64_t rows, bytes, cells, line_bytes;
};

class JsonRows {
public:
    JsonRows(RowLimits limits, int64_t ticks_per_second) : limits_(limits), ticks_per_second_(ticks_per_second) {}

    // Begins a batch; `reads_times` says whether the column `timestamp` becomes times, else it stays text.
    void begin(bool reads_times) {
        for (RowColumn& column : columns_) column.begin(reads_times && is_timestamp(column.name()));
        reads_times_ = reads_times;
        rows_ = lines_ = bytes_ = 0;
    }
    // Reads on in the lines of a batch; gives how far. `is_last`: what is behind the last newline is a line. `is_first`: a
    // byte order mark may come.
    RowsEnd read(const char* data, size_t size, bool is_last, bool is_first, size_t& done) {
        const char* at = data;
        end_ = data + size;
        if (!is_last)
            while (end_ > data && end_[-1] != '\n') --end_;
        RowsEnd end = RowsEnd::kMore;
        while (at < end_ && end == RowsEnd::kMore) {
            const char* const start = at;
            const char* stop = blank(at);
            const bool is_row = stop == nullptr;
            if (is_row) {
                if (is_first && end_ - at >= 3 && std::memcmp(at, "\xef\xbb\xbf", 3) == 0) at += 3;
                is_odd_time_ = false;
                stop = row(at);
                if (stop == nullptr) return is_odd_time_ ? RowsEnd::kOddTime : RowsEnd::kUnsound;
            }
            at = stop;
            is_first = false;
            ++lines_;
            if (at - start > limits_.line_bytes) return RowsEnd::kUnsound;
            if (!is_row) continue;
            ++rows_;
            bytes_ += at - start;
            const auto columns = static_cast<int64_t>(columns_.size());
            if (rows_ == limits_.rows || bytes_ >= limits_.bytes || rows_ * columns >= limits_.cells) end = RowsEnd::kFull;
        }
        done = static_cast<size_t>(at - data);
        if (end == RowsEnd::kMore && static_cast<int64_t>(size - done) > limits_.line_bytes) return RowsEnd::kUnsound;
        return end;
    }
    void add_column(std::string name) { column_of(std::move(name)); }
    std::vector<RowColumn>& columns() { return columns_; }
    int64_t rows() const { return rows_; }
    int64_t lines() const { return lines_; }

private:
    static constexpr int32_t kNone = -1;
    static constexpr size_t kFewTexts = 16;
    // A key as it stood last, with its quotes and colon, and the column of the key that stood behind it: rows mostly have
    // the same keys in the same order.
    struct Known {
        std::string text{};
        int32_t next = kNone;
    };

    static bool is_timestamp(std::string_view name) { return name == "timestamp"; }
    bool is(const char* at, char c) const { return at < end_ && *at == c; }
    const char* skip_space(const char* at) const {
        while (at < end_ && (*at == ' ' || *at == '\t' || *at == '\r')) ++at;
        return at;
    }
    // Gives where the next line begins if this one holds white space alone, else null.
    const char* blank(const char* at) const {
        while (at < end_ && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\v' || *at == '\f')) ++at;
        return at == end_ ? at : *at == '\n' ? at + 1 : nullptr;
    }
    // Reads a row; gives where the next line begins, null where it is not sound.
    const char* row(const char* at) {
        at = skip_space(at);
        if (!is(at, '{')) return nullptr;
        at = skip_space(at + 1);
        int32_t before = kNone;
        if (!is(at, '}')) {
            while (true) {
                int32_t column = kNone;
                at = key(at, before, column);
                if (at == nullptr || columns_[column].has(rows_)) return nullptr;
                at = value(skip_space(at), columns_[column]);
                if (at == nullptr) return nullptr;
                at = skip_space(at);
                if (!is(at, ',')) break;
                at = skip_space(at + 1);
                before = column;
            }
            if (!is(at, '}')) return nullptr;
        }
        at = skip_space(at + 1);
        return at == end_ ? at : *at == '\n' ? at + 1 : nullptr;
    }
    // Passes over a key and its colon; gives its column.
    const char* key(const char* at, int32_t before, int32_t& column) {
        const int32_t expected = before == kNone ? first_ : known_[before].next;
        if (expected != kNone) {
            const std::string& text = known_[expected].text;
            if (static_cast<size_t>(end_ - at) >= text.size() && std::memcmp(at, text.data(), text.size()) == 0) {
                column = expected;
                return at + text.size();
            }
        }
        const char* const start = at;
        std::string_view name;
        at = string(at, name);
        if (at == nullptr) return nullptr;
        at = skip_space(at);
        if (!is(at, ':')) return nullptr;
        ++at;
        column = column_of(std::string(name));
        known_[column].text.assign(start, at);
        (before == kNone ? first_ : known_[before].next) = column;
        return at;
    }
    int32_t column_of(std::string name) {
        const auto [found, is_new] = places_.emplace(std::move(name), static_cast<int32_t>(columns_.size()));
        if (is_new) {
            const bool is_time = is_timestamp(found->first);
            const auto most_distinct = is_time ? size_t{0} : static_cast<size_t>(limits_.rows) / 4 + kFewTexts;
            columns_.emplace_back(found->first, reads_times_ && is_time, most_distinct);
            known_.emplace_back();
        }
        return found->second;
    }
    // Passes over a string; gives its text, which stays until the next one.
    const char* string(const char* at, std::string_view& text) {
        if (!is(at, '"')) return nullptr;
        const char* const start = ++at;
        bool is_escaped = false, is_ascii = true;
        while (true) {
            while (end_ - at >= 8) {
                const int plain = plain_bytes(at);
                at += plain;
                if (plain < 8) break;
            }
            while (at < end_ && kInString[static_cast<uint8_t>(*at)] != 0) is_ascii &= kInString[static_cast<uint8_t>(*at++)] == 1;
            if (at == end_ || static_cast<uint8_t>(*at) < 0x20) return nullptr;
            if (*at == '"') break;
            is_escaped = true;
            if (end_ - at < 2) return nullptr;
            if (at[1] == 'u') {
                if (end_ - at < 6) return nullptr;
                for (int i = 2; i < 6; ++i)
                    if (hex_digit(at[i]) < 0) return nullptr;
                at += 6;
            } else {
                if (std::memchr("\"\\/bfnrt", at[1], 8) == nullptr) return nullptr;
                at += 2;
            }
        }
        text = {start, static_cast<size_t>(at - start)};
        if (!is_ascii && count_characters(text) < 0) return nullptr;
        if (is_escaped) {
            unescaped_.clear();
            if (!put_unescaped(unescaped_, text)) return nullptr;
            text = unescaped_;
        }
        return at + 1;
    }
    const char* word(const char* at, std::string_view text) const {
        const bool is_there = static_cast<size_t>(end_ - at) >= text.size() && std::memcmp(at, text.data(), text.size()) == 0;
        return is_there ? at + text.size() : nullptr;
    }
    // Reads a value into the column.
    const char* value(const char* at, RowColumn& column) {
        const auto row = static_cast<size_t>(rows_);
        if (at == end_) return nullptr;
        switch (*at) {
            case '"': return text(at, column);
            case 'n': column.put_null(row); return word(at, "null");
            case 't': column.put_boolean(row, true); return word(at, "true");
            case 'f': column.put_boolean(row, false); return word(at, "false");
            default: return number(at, column);
        }
    }
    const char* text(const char* at, RowColumn& column) {
        std::string_view text;
        at = string(at, text);
        if (at == nullptr) return nullptr;
        const auto row = static_cast<size_t>(rows_);
        if (!column.is_time()) {
            column.put_text(row, text);
            return at;
        }
        int64_t ticks;
        bool is_dropped;
        is_odd_time_ = !parse_rfc3339(text.data(), text.data() + text.size(), ticks_per_second_, ticks, is_dropped);
        if (is_odd_time_) return nullptr;
        column.put_time(row, ticks, is_dropped);
        return at;
    }
    const char* number(const char* at, RowColumn& column) {
        const auto row = static_cast<size_t>(rows_);
        NumberText found;
        const char* const stop = scan_number(at, end_, found);
        if (stop == nullptr) return nullptr;
        if (found.is_integer) {
            int64_t integer;
            if (!to_int64(found, integer)) return nullptr;
            column.put_integer(row, integer);
        } else {
            double fraction;
            if (!to_double(at, stop, found, fraction)) return nullptr;
            column.put_fraction(row, fraction);
        }
        return stop;
    }

    const RowLimits limits_;
    const int64_t ticks_per_second_;
    bool reads_times_ = true, is_odd_time_ = false;
    const char* end_ = nullptr;  // of the lines of the block
    std::vector<RowColumn> columns_;
    std::vector<Known> known_;  // by column
    int32_t first_ = kNone;     // the column of the first key
    std::unordered_map<std::string, int32_t> places_;
    std::string unescaped_;
    int64_t rows_ = 0, lines_ = 0, bytes_ = 0;  // of the batch
};

}  // namespace pipeline
