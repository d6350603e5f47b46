// A column that is filled row by row, and whose type shows when all of its rows are there.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "repeated_texts.h"

namespace pipeline {

// What rows hold, as a sum; pipeline/native/json_rows.py has the same numbers.
enum Held : uint8_t {
    kIntegers = 1,
    kFractions = 2,
    kBooleans = 4,
    kTexts = 8,
    kNumberNames = 16,  // texts that name the numbers that JSON has no other form for
    kTimes = 32,
};

// The arrays of a column, as Arrow has them. `values` are the offsets of texts, of the distinct ones where there are places
// of these for each row.
struct RowArrays {
    const void* validity;  // null where no row is
    const void* places;    // null where there are none
    const void* values;
    int64_t value_bytes;
    const void* text;
    int64_t text_bytes;
};

class RowColumn {
public:
    // Texts are taken to repeat, until there are more than `most_distinct` in a batch.
    RowColumn(std::string name, bool is_time, size_t most_distinct)
        : name_(std::move(name)), is_time_(is_time), most_distinct_(most_distinct) {}

    const std::string& name() const { return name_; }
    bool is_time() const { return is_time_; }
    uint8_t held() const { return held_; }
    bool has_dropped() const { return !dropped_.empty(); }

    // Begins another batch. What was not used in the last one lets go of its memory.
    void begin(bool is_time) {
        is_time_ = is_time;
        if (held_ == 0) *this = RowColumn(std::move(name_), is_time, most_distinct_);
        held_ = 0;
        kinds_.clear();
        slots_.clear();
        ends_.clear();
        text_.clear();
        repeated_.clear();
        dropped_.clear();
    }
    // Whether a row has a value, or null; rows are filled upwards.
    bool has(size_t row) const { return kinds_.size() > row; }
    void put_null(size_t row) { kinds_.resize(row + 1); }
    void put_integer(size_t row, int64_t value) { put_slot(row, kIntegers, value); }
    void put_boolean(size_t row, bool value) { put_slot(row, kBooleans, value); }
    void put_fraction(size_t row, double value) { put_slot(row, kFractions, bits_of(value)); }
    void put_time(size_t row, int64_t ticks, bool is_dropped) {
        put_slot(row, kTimes, ticks);
        if (is_dropped) {
            dropped_.resize(row);
            dropped_.push_back(1);
        }
    }
    void put_text(size_t row, std::string_view text) {
        double number;
        if (is_number_name(text, number))
            put_slot(row, kNumberNames, bits_of(number));
        else
            put_kind(row, kTexts);
        if (most_distinct_ != 0) {
            ends_.resize(row);
            ends_.push_back(repeated_.place_of(text));
            if (repeated_.size() > most_distinct_) write_out(row + 1);
            return;
        }
        ends_.resize(row + 1, static_cast<int32_t>(text_.size()));
        text_.append(text);
    }

    // Gives the arrays of so many rows as integers, times, float64, booleans or texts, which is all that is held; they stay
    // until the next call. False where an integer is none of float64.
    bool arrays(size_t rows, uint8_t wanted, RowArrays& out) {
        kinds_.resize(rows);
        out = {};
        if (!set_bits(rows, [&](size_t row) { return kinds_[row] != 0; }, validity_)) out.validity = validity_.data();
        if (wanted == kTexts) {
            if (most_distinct_ != 0) {
                ends_.resize(rows);
                out.places = ends_.data();
            } else {
                ends_.resize(rows + 1, static_cast<int32_t>(text_.size()));
            }
            const std::vector<int32_t>& ends = most_distinct_ != 0 ? repeated_.ends() : ends_;
            const std::string& text = most_distinct_ != 0 ? repeated_.data() : text_;
            out.values = ends.data();
            out.value_bytes = static_cast<int64_t>(4 * ends.size());
            out.text = text.data();
            out.text_bytes = static_cast<int64_t>(text.size());
            return true;
        }
        slots_.resize(rows);
        if (wanted == kBooleans) {
            set_bits(rows, [&](size_t row) { return slots_[row] != 0; }, booleans_);
            out.values = booleans_.data();
            out.value_bytes = static_cast<int64_t>(booleans_.size());
            return true;
        }
        if (wanted == kFractions && (held_ & kIntegers) != 0 && !integers_to_fractions()) return false;
        out.values = slots_.data();
        out.value_bytes = static_cast<int64_t>(8 * rows);
        return true;
    }
    // A byte for each of so many rows: whether its time lost digits.
    const uint8_t* dropped(size_t rows) {
        dropped_.resize(rows);
        return dropped_.data();
    }

private:
    static int64_t bits_of(double value) {
        int64_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        return bits;
    }
    static bool is_number_name(std::string_view text, double& number) {
        if (text.size() < 3 || text.size() > 9 || (text[0] != 'N' && text[0] != 'I' && text[0] != '-')) return false;
        constexpr double kInfinity = __builtin_inf();
        number = text == "NaN" ? __builtin_nan("") : text == "Infinity" ? kInfinity : -kInfinity;
        return number != -kInfinity || text == "-Infinity";
    }
    void put_kind(size_t row, Held kind) {
        held_ |= kind;
        kinds_.resize(row);
        kinds_.push_back(kind);
    }
    void put_slot(size_t row, Held kind, int64_t bits) {
        put_kind(row, kind);
        slots_.resize(row);
        slots_.push_back(bits);
    }
    // Gives up that texts repeat, from now on: writes those of so many rows out.
    void write_out(size_t rows) {
        std::vector<int32_t> places(rows);
        places.swap(ends_);
        for (size_t row = 0; row < rows; ++row) {
            ends_[row] = static_cast<int32_t>(text_.size());
            if (kinds_[row] == kTexts || kinds_[row] == kNumberNames) text_.append(repeated_.text(places[row]));
        }
        repeated_ = {};
        most_distinct_ = 0;
    }
    bool integers_to_fractions() {
        constexpr int64_t kExact = int64_t{1} << 53;
        for (size_t row = 0; row < kinds_.size(); ++row) {
            if (kinds_[row] != kIntegers) continue;
            const int64_t value = slots_[row];
            const auto number = static_cast<double>(value);
            if ((value > kExact || value < -kExact) && (number >= 0x1p63 || static_cast<int64_t>(number) != value))
                return false;
            slots_[row] = bits_of(number);
            kinds_[row] = kFractions;
        }
        return true;
    }
    // Makes a bit of each row; gives whether all are set.
    template <class Is>
    static bool set_bits(size_t rows, Is is, std::vector<uint8_t>& bits) {
        bits.assign((rows + 7) / 8, 0);
        size_t set = 0;
        for (size_t row = 0; row < rows; ++row) {
            const bool one = is(row);
            bits[row / 8] |= static_cast<uint8_t>(one << (row % 8));
            set += one;
        }
        return set == rows;
    }

    std::string name_;
    bool is_time_;
    size_t most_distinct_;  // 0 where texts do not repeat
    uint8_t held_ = 0;
    std::vector<uint8_t> kinds_;   // by row: what it holds, 0 where it is null
    std::vector<int64_t> slots_;   // integers, ticks, the bits of float64, booleans
    std::vector<int32_t> ends_;    // by row: where its text begins, or its place among those that repeat
    std::string text_;
    RepeatedTexts repeated_;
    std::vector<uint8_t> dropped_, validity_, booleans_;
};

}  // namespace pipeline
