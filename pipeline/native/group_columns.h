// The keys and figures of groups, as columns of a batch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "figures.h"
#include "group_keys.h"
#include "key_bytes.h"

namespace pipeline {

enum class KeyKind : char { Text = 's', Integer = 'i', Float = 'f', Bool = 'b' };

// A column of keys: the bits of numbers, or texts, of which each stands there once where it is repeated.
struct KeyColumn {
    std::vector<uint8_t> absent;
    std::vector<int64_t> numbers;
    std::vector<int32_t> places;  // by row: which text
    std::vector<int32_t> ends;    // by text, and before them 0
    std::string bytes;

    void clear() {
        absent.clear();
        numbers.clear();
        places.clear();
        ends.assign(1, 0);
        bytes.clear();
    }
    void add(KeyKind kind, KeyReader& key) {
        absent.push_back(key.is_null());
        if (kind == KeyKind::Text) {
            if (absent.back()) return places.push_back(0);
            key.text(text_);
            if (ends.size() == 1 || std::string_view(bytes).substr(static_cast<size_t>(ends[ends.size() - 2])) != text_) {
                bytes += text_;
                ends.push_back(static_cast<int32_t>(bytes.size()));
            }
            places.push_back(static_cast<int32_t>(ends.size() - 2));
            return;
        }
        numbers.push_back(absent.back() ? 0 : number_of(kind, key.number()));
    }

private:
    static int64_t number_of(KeyKind kind, uint64_t ordered) {
        if (kind != KeyKind::Float) return from_ordered_integer(ordered);
        const double value = from_ordered_float(ordered);
        int64_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        return bits;
    }
    std::string text_;
};

class GroupColumns {
public:
    explicit GroupColumns(std::vector<KeyKind> kinds) : kinds_(std::move(kinds)), keys_(kinds_.size()) { clear(); }

    void clear() {
        rows_ = 0;
        for (KeyColumn& column : keys_) column.clear();
        integers_.clear();
        numbers_.clear();
    }
    // Adds a group; what is given is written to by whoever finds its numbers.
    double* add(std::string_view key, const Group& group, size_t width) {
        KeyReader reader(key);
        for (size_t at = 0; at < keys_.size(); ++at) keys_[at].add(kinds_[at], reader);
        for (const int64_t number : {group.count, group.null_count, group.non_finite_count, group.session_count,
                                     group.first_place.time, group.last_place.time})
            integers_.push_back(number);
        numbers_.resize(++rows_ * width);
        return numbers_.data() + (rows_ - 1) * width;
    }
    bool is_full(size_t rows) const {
        size_t bytes = 0;
        for (const KeyColumn& column : keys_) bytes += column.bytes.size();
        return rows_ >= rows || bytes >= kMostBytes;
    }
    size_t rows() const { return rows_; }
    const KeyColumn& key(size_t at) const { return keys_[at]; }
    const std::vector<int64_t>& integers() const { return integers_; }
    const std::vector<double>& numbers() const { return numbers_; }

private:
    static constexpr size_t kMostBytes = 8'000'000;
    std::vector<KeyKind> kinds_;
    std::vector<KeyColumn> keys_;
    std::vector<int64_t> integers_;  // six of each group
    std::vector<double> numbers_;
    size_t rows_ = 0;
};

}  // namespace pipeline
