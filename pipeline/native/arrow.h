// Reading Arrow arrays through the C data interface (https://arrow.apache.org/docs/format/CDataInterface.html).
// Only the types of the data model: string (also large, view and dictionary), int64, float64, bool, timestamps.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

extern "C" {
struct ArrowSchema {
    const char* format;
    const char* name;
    const char* metadata;
    int64_t flags;
    int64_t n_children;
    ArrowSchema** children;
    ArrowSchema* dictionary;
    void (*release)(ArrowSchema*);
    void* private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void** buffers;
    ArrowArray** children;
    ArrowArray* dictionary;
    void (*release)(ArrowArray*);
    void* private_data;
};
}

namespace pipeline {

enum class Kind : uint8_t { Bool, Int64, Float64, Timestamp, String, LargeString, StringView, Unknown };

// One column of a batch. Rows count from 0; offsets of slices are resolved here.
class Column {
public:
    Column() = default;
    Column(const ArrowSchema& schema, const ArrowArray& array, int64_t parent_offset)
        : array_(&array), offset_(array.offset + parent_offset) {
        const std::string_view format = schema.format;
        if (schema.dictionary != nullptr) {
            index_format_ = format.empty() ? '\0' : format[0];
            kind_ = text_kind(schema.dictionary->format);
            texts_ = array.dictionary;
            if (std::strchr("cCsSiIlL", index_format_) == nullptr) kind_ = Kind::Unknown;
        } else {
            kind_ = kind_of(format);
            texts_ = &array;
        }
        nanoseconds_ = format.substr(0, 3) == "tsn";
        is_local_ = kind_ == Kind::Timestamp && format.size() == 4;
        if (array.null_count != 0 && array.n_buffers > 0)
            validity_ = static_cast<const uint8_t*>(array.buffers[0]);
    }

    Kind kind() const { return kind_; }
    bool nanoseconds() const { return nanoseconds_; }
    bool is_local() const { return is_local_; }  // times that name no zone
    bool is_dictionary() const { return index_format_ != '\0'; }
    char index_format() const { return index_format_; }
    int64_t dictionary_size() const { return texts_->length; }

    bool has_nulls() const { return validity_ != nullptr; }
    bool is_null(int64_t row) const {
        return validity_ != nullptr && !bit(validity_, row + offset_);
    }
    // The values of the rows, or their places in the dictionary; a row that is null has any.
    template <class Value>
    const Value* values() const {
        const void* const data = array_->buffers[1];
        return data == nullptr ? nullptr : static_cast<const Value*>(data) + offset_;
    }
    bool boolean(int64_t row) const { return bit(static_cast<const uint8_t*>(array_->buffers[1]), row + offset_); }
    int64_t integer(int64_t row) const { return static_cast<const int64_t*>(array_->buffers[1])[row + offset_]; }
    double number(int64_t row) const { return static_cast<const double*>(array_->buffers[1])[row + offset_]; }

    // Place of a row's text in the dictionary; the row is not null.
    int64_t index(int64_t row) const {
        const void* values = array_->buffers[1];
        const int64_t at = row + offset_;
        switch (index_format_) {
            case 'c': return static_cast<const int8_t*>(values)[at];
            case 'C': return static_cast<const uint8_t*>(values)[at];
            case 's': return static_cast<const int16_t*>(values)[at];
            case 'S': return static_cast<const uint16_t*>(values)[at];
            case 'i': return static_cast<const int32_t*>(values)[at];
            case 'I': return static_cast<const uint32_t*>(values)[at];
            default: return static_cast<const int64_t*>(values)[at];
        }
    }

    // Whether a dictionary column has one text in all rows.
    bool is_constant(int64_t rows) const {
        if (!is_dictionary() || rows == 0 || has_nulls()) return false;
        if (index_format_ == 'i') {  // what readers give; compared many at a time
            const auto* indices = static_cast<const int32_t*>(array_->buffers[1]) + offset_;
            int32_t differs = 0;
            for (int64_t row = 1; row < rows; ++row) differs |= indices[row] ^ indices[0];
            return differs == 0;
        }
        for (int64_t row = 1; row < rows; ++row)
            if (index(row) != index(0)) return false;
        return true;
    }

    // Whether all rows have a place of the dictionary, told many at a time; false also where that cannot be told so.
    bool places_lie_within(int64_t rows) const {
        if (index_format_ != 'i' || has_nulls() || dictionary_size() > INT32_MAX) return false;
        const auto* places = values<uint32_t>();
        const auto last = static_cast<uint32_t>(dictionary_size() - 1);
        uint32_t signs = 0;
        for (int64_t row = 0; row < rows; ++row) signs |= places[row] | (last - places[row]);
        return (signs >> 31) == 0;
    }

    // Text of a row of a plain column, or at a place of the dictionary.
    std::string_view text(int64_t at) const {
        at += is_dictionary() ? texts_->offset : offset_;
        if (kind_ == Kind::StringView) return view_text(at);
        const char* data = static_cast<const char*>(texts_->buffers[2]);
        if (kind_ == Kind::LargeString) {
            const auto* offsets = static_cast<const int64_t*>(texts_->buffers[1]);
            return {data + offsets[at], static_cast<size_t>(offsets[at + 1] - offsets[at])};
        }
        const auto* offsets = static_cast<const int32_t*>(texts_->buffers[1]);
        return {data + offsets[at], static_cast<size_t>(offsets[at + 1] - offsets[at])};
    }
    // Whether the offsets of the texts, those of the dictionary or of `rows` rows, go up within their data.
    bool texts_lie_within(int64_t rows, int64_t data_bytes) const {
        const int64_t first = is_dictionary() ? texts_->offset : offset_;
        const int64_t count = is_dictionary() ? texts_->length : rows;
        if (count == 0) return true;
        return kind_ == Kind::LargeString ? go_up<int64_t>(first, count, data_bytes) : go_up<int32_t>(first, count, data_bytes);
    }
    // Bytes of the texts of so many rows of a plain string column, one after the other; those of nulls are in between.
    std::string_view texts(int64_t rows) const {
        const auto* offsets = static_cast<const int32_t*>(texts_->buffers[1]) + offset_;
        return {static_cast<const char*>(texts_->buffers[2]) + offsets[0], static_cast<size_t>(offsets[rows] - offsets[0])};
    }
    bool is_null_text(int64_t at) const {
        const void* validity = texts_->null_count != 0 ? texts_->buffers[0] : nullptr;
        return validity != nullptr && !bit(static_cast<const uint8_t*>(validity), at + texts_->offset);
    }

private:
    static bool bit(const uint8_t* bits, int64_t at) { return (bits[at >> 3] >> (at & 7)) & 1; }
    template <class Offset>
    bool go_up(int64_t first, int64_t count, int64_t last) const {
        const auto* offsets = static_cast<const Offset*>(texts_->buffers[1]) + first;
        bool upwards = offsets[0] >= 0 && offsets[count] <= last;
        for (int64_t at = 0; at < count; ++at) upwards &= offsets[at] <= offsets[at + 1];
        return upwards;
    }
    static Kind text_kind(std::string_view format) {
        return format == "u" ? Kind::String
             : format == "U" ? Kind::LargeString
             : format == "vu" ? Kind::StringView
                              : Kind::Unknown;
    }
    static Kind kind_of(std::string_view format) {
        if (format == "b") return Kind::Bool;
        if (format == "l") return Kind::Int64;
        if (format == "g") return Kind::Float64;
        if (format.substr(0, 4) == "tsu:" || format.substr(0, 4) == "tsn:") return Kind::Timestamp;
        return text_kind(format);
    }
    std::string_view view_text(int64_t at) const {
        const auto* view = static_cast<const char*>(texts_->buffers[1]) + 16 * at;
        int32_t size, buffer, start;
        std::memcpy(&size, view, 4);
        if (size <= 12) return {view + 4, static_cast<size_t>(size)};
        std::memcpy(&buffer, view + 8, 4);
        std::memcpy(&start, view + 12, 4);
        return {static_cast<const char*>(texts_->buffers[2 + buffer]) + start, static_cast<size_t>(size)};
    }

    const ArrowArray* array_ = nullptr;
    const ArrowArray* texts_ = nullptr;
    const uint8_t* validity_ = nullptr;
    int64_t offset_ = 0;
    Kind kind_ = Kind::Unknown;
    char index_format_ = '\0';
    bool nanoseconds_ = false;
    bool is_local_ = false;
};

}  // namespace pipeline
