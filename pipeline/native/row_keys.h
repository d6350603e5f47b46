// The keys of the rows of a batch, as numbers that are equal where the keys are.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "arrow.h"
#include "group_columns.h"
#include "group_keys.h"
#include "key_bytes.h"

namespace pipeline {

// A number in its order, or the number of a text; behind those, bits that tell which are null.
class RowKeys {
public:
    explicit RowKeys(std::vector<KeyKind> kinds)
        : kinds_(std::move(kinds)), lanes_(width()), texts_(kinds_.size()), key_(width()) {
        for (size_t at = 0; at < kinds_.size(); ++at)
            if (kinds_[at] == KeyKind::Text) text_lanes_.push_back(at);
    }

    size_t width() const { return kinds_.size() + (kinds_.size() + 63) / 64; }

    // Takes the keys of a batch; it must be there as long as its rows are asked for.
    void read(std::vector<Column> columns, int64_t rows, Room& room) {
        columns_ = std::move(columns);
        for (std::vector<uint64_t>& lane : lanes_) lane.assign(static_cast<size_t>(rows), 0);
        for (size_t at = 0; at < columns_.size(); ++at) read_column(at, rows, room);
        varying_.clear();
        for (size_t at = 0; at < lanes_.size(); ++at)
            if (differs(lanes_[at])) varying_.push_back(at);
        constant_ = 0;
        while (constant_ < columns_.size() && is_constant(constant_)) ++constant_;
        beginning_.clear();
        for (size_t at = 0; at < constant_; ++at) put(beginning_, at, 0);
    }

    // Goes to a row; tells whether it has another key than the row before, or one that is not held.
    bool go_to(int64_t row) {
        const auto at = static_cast<size_t>(row);
        if (row == 0) {
            for (size_t lane = 0; lane < lanes_.size(); ++lane) key_[lane] = lanes_[lane][0];
            return true;
        }
        uint64_t difference = 0;
        for (const size_t lane : varying_) {
            difference |= key_[lane] ^ lanes_[lane][at];
            key_[lane] = lanes_[lane][at];
        }
        return difference != 0 || has_unknown();
    }
    const uint64_t* key() const { return key_.data(); }
    // Whether the row has a text that is not held.
    bool has_unknown() const {
        for (const size_t at : text_lanes_)
            if (key_[at] == Texts::kUnknown) return true;
        return false;
    }

    // The key of a row as bytes.
    const std::string& bytes_of(int64_t row) {
        bytes_.assign(beginning_);
        for (size_t at = constant_; at < columns_.size(); ++at) put(bytes_, at, row);
        return bytes_;
    }
    // The same of a key that is held.
    std::string bytes_of(const uint64_t* key) const {
        std::string bytes;
        for (size_t at = 0; at < kinds_.size(); ++at) {
            if (key[kinds_.size() + at / 64] >> at % 64 & 1) put_null(bytes);
            else if (kinds_[at] == KeyKind::Text) put_text(bytes, texts_[at][key[at]]);
            else put_number(bytes, key[at]);
        }
        return bytes;
    }

private:
    static constexpr uint64_t kUnresolved = UINT64_MAX - 1;

    static bool differs(const std::vector<uint64_t>& lane) {
        uint64_t difference = 0;
        for (const uint64_t one : lane) difference |= one ^ lane[0];
        return difference != 0;
    }
    bool is_constant(size_t at) {
        // Texts that are not held all have one number.
        const bool is_held = kinds_[at] != KeyKind::Text || lanes_[at][0] != Texts::kUnknown;
        return is_held && !differs(lanes_[at]) && !differs(nulls_of(at));
    }
    std::vector<uint64_t>& nulls_of(size_t at) { return lanes_[kinds_.size() + at / 64]; }

    void read_column(size_t at, int64_t rows, Room& room) {
        const Column& column = columns_[at];
        uint64_t* const lane = lanes_[at].data();
        switch (column.kind()) {
            case Kind::Int64:
            case Kind::Timestamp:
                expect(at, KeyKind::Integer);
                for (int64_t row = 0; row < rows; ++row) lane[row] = ordered_integer(column.integer(row));
                break;
            case Kind::Float64:
                expect(at, KeyKind::Float);
                for (int64_t row = 0; row < rows; ++row) lane[row] = ordered_float(column.number(row));
                break;
            case Kind::Bool:
                expect(at, KeyKind::Bool);
                for (int64_t row = 0; row < rows; ++row) lane[row] = ordered_integer(column.boolean(row));
                break;
            case Kind::Unknown: throw std::invalid_argument("a column that cannot be grouped by");
            default:
                expect(at, KeyKind::Text);
                read_texts(at, rows, room);
        }
        if (!column.has_nulls() && !(column.is_dictionary() && has_null_texts(column))) return;
        uint64_t* const nulls = nulls_of(at).data();
        for (int64_t row = 0; row < rows; ++row)
            if (is_null(column, row)) {
                lane[row] = 0;
                nulls[row] |= uint64_t{1} << at % 64;
            }
    }

    void read_texts(size_t at, int64_t rows, Room& room) {
        const Column& column = columns_[at];
        uint64_t* const lane = lanes_[at].data();
        Texts& texts = texts_[at];
        if (column.is_constant(rows)) {
            lanes_[at].assign(static_cast<size_t>(rows), texts.find(column.text(column.index(0)), room));
            return;
        }
        if (column.is_dictionary()) {
            const int32_t* const places = column.places_lie_within(rows) ? column.values<int32_t>() : nullptr;
            resolved_.assign(static_cast<size_t>(column.dictionary_size()), kUnresolved);
            for (int64_t row = 0; row < rows; ++row) {
                if (places == nullptr && is_null(column, row)) continue;
                const int64_t place = places == nullptr ? column.index(row) : places[row];
                uint64_t& number = places == nullptr ? resolved_.at(static_cast<size_t>(place)) : resolved_[static_cast<size_t>(place)];
                if (number == kUnresolved) number = texts.find(column.text(place), room);
                lane[row] = number;
            }
            return;
        }
        int64_t last = -1;
        for (int64_t row = 0; row < rows; ++row) {
            if (column.is_null(row)) continue;
            const std::string_view text = column.text(row);
            lane[row] = last >= 0 && text == column.text(last) ? lane[last] : texts.find(text, room);
            last = row;
        }
    }

    static bool has_null_texts(const Column& column) {
        for (int64_t at = 0; at < column.dictionary_size(); ++at)
            if (column.is_null_text(at)) return true;
        return false;
    }
    static bool is_null(const Column& column, int64_t row) {
        return column.is_null(row) || (column.is_dictionary() && column.is_null_text(column.index(row)));
    }

    void put(std::string& key, size_t at, int64_t row) {
        const auto place = static_cast<size_t>(row);
        if (nulls_of(at)[place] >> at % 64 & 1) {
            put_null(key);
        } else if (kinds_[at] == KeyKind::Text) {
            const Column& column = columns_[at];
            put_text(key, column.text(column.is_dictionary() ? column.index(row) : row));
        } else {
            put_number(key, lanes_[at][place]);
        }
    }

    void expect(size_t at, KeyKind kind) const {
        if (kinds_[at] != kind) throw std::invalid_argument("a column of another type than before");
    }

    std::vector<KeyKind> kinds_;
    std::vector<std::vector<uint64_t>> lanes_;
    std::vector<Texts> texts_;
    std::vector<uint64_t> key_;  // of the row that it went to
    std::vector<size_t> varying_;
    std::vector<size_t> text_lanes_;
    std::vector<Column> columns_;
    std::vector<uint64_t> resolved_;
    size_t constant_ = 0;  // columns before the first that varies
    std::string beginning_;  // of the keys: those columns
    std::string bytes_;
};

}  // namespace pipeline
