// Makes Arrow columns of the fields of CSV: texts as they are, and times, numbers and booleans where each is written in a
// form that is certain. What is not is left to Python, which reads it or says what is wrong.

#include <cmath>
#include <exception>
#include <limits>
#include <new>

#include "csv_distinct.h"
#include "csv_rows.h"
#include "decimal.h"
#include "number_text.h"
#include "time_text.h"

namespace pipeline {
namespace {

// Types that all texts of a column may have: a bit each.
enum Type : int32_t { kBool = 1, kInt64 = 2, kFloat64 = 4, kFilled = 8 };
constexpr int64_t kUnsound = -1;

class Validity {
public:
    Validity(uint8_t* bits, int64_t rows) : bits_(bits) { std::memset(bits, 0xff, static_cast<size_t>(rows + 7) / 8); }
    void set_null(int64_t row) {
        bits_[row >> 3] &= static_cast<uint8_t>(~(1 << (row & 7)));
        ++nulls_;
    }
    int64_t nulls() const { return nulls_; }

private:
    uint8_t* bits_;
    int64_t nulls_ = 0;
};

// Calls `parse` with each text and its row. Gives the number of nulls, or kUnsound where it does not take a text.
template <class Parse>
int64_t parse_column(const CsvRows& rows, int64_t column, uint8_t* bits, Parse parse) {
    Validity validity(bits, rows.rows());
    for (int64_t row = 0; row < rows.rows(); ++row) {
        const CsvField& field = rows.field(row, column);
        if (field.is_null())
            validity.set_null(row);
        else if (!parse(rows.text(field), row))
            return kUnsound;
    }
    return validity.nulls();
}

bool parse_name(std::string_view text, double& value) {
    const bool is_negative = text.substr(0, 1) == "-";
    const std::string_view name = text.substr(is_negative);
    if (name == "inf" || name == "Infinity") {
        value = is_negative ? -HUGE_VAL : HUGE_VAL;
        return true;
    }
    if (text != "NaN") return false;
    value = std::numeric_limits<double>::quiet_NaN();
    return true;
}

bool parse_float(std::string_view text, double& value) {
    return parse_double(text.data(), text.data() + text.size(), value) || parse_name(text, value);
}

// Whether an integer is written as we write it; others have a sign or zeros that its value does not keep.
bool parse_written_integer(std::string_view text, int64_t& value) {
    const std::string_view digits = text.substr(text.substr(0, 1) == "-");
    return digits != "" && (digits[0] != '0' || text == "0") && parse_int64(text.data(), text.data() + text.size(), value);
}

bool is_written_float(std::string_view text) {
    double value;
    if (parse_name(text, value)) return text.size() <= 4;  // "Infinity" is how others write it
    char shortest[64];
    if (!parse_double(text.data(), text.data() + text.size(), value)) return false;
    return text == std::string_view(shortest, static_cast<size_t>(put_float(shortest, value) - shortest));
}

// Which types a text may have so that its value has that text again.
int32_t types_of(std::string_view text) {
    if (text == "true" || text == "false") return kBool;
    int64_t integer;
    if (parse_written_integer(text, integer)) {
        const auto value = static_cast<double>(integer);
        const bool is_exact = value < 0x1p63 && static_cast<int64_t>(value) == integer;
        return kInt64 | (is_exact ? kFloat64 : 0);
    }
    return is_written_float(text) ? kFloat64 : 0;
}

int32_t common_types(const CsvRows& rows, int64_t column) {
    int32_t types = kBool | kInt64 | kFloat64;
    std::string_view before;
    for (int64_t row = 0; row < rows.rows(); ++row) {
        const CsvField& field = rows.field(row, column);
        if (field.is_null()) continue;
        const std::string_view text = rows.text(field);
        if ((types & kFilled) && text == before) continue;
        types &= types_of(text) | kFilled;
        types |= kFilled;
        if (types == kFilled) break;
        before = text;
    }
    return types;
}

// Finds the distinct texts of a column, each by its first row, and the place of each row's among them. Gives how many there
// are, or -1 where they are more than `most`, or hold quotes, which look like another text where they are not doubled.
int64_t find_distinct(const CsvRows& rows, int64_t column, int64_t most, int32_t* places, int64_t* firsts, uint8_t* bits,
                      int64_t& nulls) {
    Validity validity(bits, rows.rows());
    CsvDistinct distinct(most);
    for (int64_t row = 0; row < rows.rows(); ++row) {
        const CsvField& field = rows.field(row, column);
        if (field.is_null()) {
            validity.set_null(row);
            places[row] = 0;
            continue;
        }
        if (field.has_doubled_quotes() || (places[row] = distinct.place_of(rows, field, row)) < 0) return kUnsound;
    }
    for (size_t place = 0; place < distinct.size(); ++place) firsts[place] = distinct.first_row(place);
    nulls = validity.nulls();
    return static_cast<int64_t>(distinct.size());
}

int64_t copy_texts(const CsvRows& rows, int64_t column, int32_t* ends, char* out, uint8_t* bits) {
    Validity validity(bits, rows.rows());
    const char* const first = out;
    *ends++ = 0;
    for (int64_t row = 0; row < rows.rows(); ++row, *ends++ = static_cast<int32_t>(out - first)) {
        const CsvField& field = rows.field(row, column);
        if (field.is_null()) {
            validity.set_null(row);
            continue;
        }
        const std::string_view text = rows.text(field);
        if (!field.has_doubled_quotes()) {
            std::memcpy(out, text.data(), text.size());
            out += text.size();
            continue;
        }
        for (size_t at = 0; at < text.size(); ++at) {
            *out++ = text[at];
            if (text[at] == '"') ++at;
        }
    }
    return validity.nulls();
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" void* pipeline_csv_new() { return new (std::nothrow) CsvRows(); }
extern "C" void pipeline_csv_free(void* rows) { delete static_cast<CsvRows*>(rows); }

// Splits rows of a block from a byte on, which moves behind them; there are kCsvSlack bytes more than `size`. Gives 1 where what
// follows is odd, 0 where it is not, -1 without memory.
extern "C" int32_t pipeline_csv_split(void* rows, char* data, int64_t size, int32_t is_last, int64_t max_rows, int64_t* used,
                                      int64_t* count) {
    try {
        auto& all = *static_cast<CsvRows*>(rows);
        const bool is_sound = all.split(data, static_cast<size_t>(size), is_last != 0, max_rows, *used);
        *count = all.rows();
        return is_sound ? 0 : 1;
    } catch (const std::exception&) {
        return -1;
    }
}
extern "C" int64_t pipeline_csv_columns(const void* rows) { return static_cast<const CsvRows*>(rows)->columns(); }

// Gives where the last row ends that is whole, whatever is odd in it.
extern "C" int64_t pipeline_csv_end(const char* data, int64_t size) {
    return static_cast<int64_t>(end_of_rows({data, static_cast<size_t>(size)}));
}

// Which types all texts of a column have, and whether there are any: the sum of their bits.
extern "C" int32_t pipeline_csv_types(const void* rows, int64_t column) {
    return common_types(*static_cast<const CsvRows*>(rows), column);
}

// How many bytes the texts of a column take at most.
extern "C" int64_t pipeline_csv_text_bytes(const void* rows, int64_t column) {
    const auto& all = *static_cast<const CsvRows*>(rows);
    int64_t bytes = 0;
    for (int64_t row = 0; row < all.rows(); ++row) bytes += static_cast<int64_t>(all.field(row, column).size());
    return bytes;
}

// What follows writes columns to buffers that have room for all rows, and gives how many are null; -1 where a text is of
// another form, and the buffers hold nothing.

extern "C" int64_t pipeline_csv_texts(const void* rows, int64_t column, int32_t* ends, char* data, uint8_t* validity) {
    return copy_texts(*static_cast<const CsvRows*>(rows), column, ends, data, validity);
}

// Gives how many distinct texts there are, -1 where they are too many or of another form, -2 without memory. `places` and
// `firsts` have room for all rows: the place of each row's text, and by place the first row that has it.
extern "C" int64_t pipeline_csv_distinct(const void* rows, int64_t column, int64_t most, int32_t* places, int64_t* firsts,
                                         uint8_t* validity, int64_t* nulls) {
    try {
        return find_distinct(*static_cast<const CsvRows*>(rows), column, most, places, firsts, validity, *nulls);
    } catch (const std::exception&) {
        return -2;
    }
}

// Writes the texts of some rows that are not null; `ends` alone where there is no `data` yet.
extern "C" void pipeline_csv_texts_at(const void* rows, int64_t column, const int64_t* at, int64_t count, int32_t* ends,
                                      char* data) {
    const auto& all = *static_cast<const CsvRows*>(rows);
    *ends = 0;
    for (int64_t i = 0; i < count; ++i) {
        const std::string_view text = all.text(all.field(at[i], column));
        if (data != nullptr) std::memcpy(data + ends[i], text.data(), text.size());
        ends[i + 1] = ends[i] + static_cast<int32_t>(text.size());
    }
}

// Blanks before a number may be passed over.
extern "C" int64_t pipeline_csv_integers(const void* rows, int64_t column, int64_t* values, uint8_t* validity,
                                         int32_t after_blanks) {
    return parse_column(*static_cast<const CsvRows*>(rows), column, validity, [&](std::string_view text, int64_t row) {
        while (after_blanks != 0 && !text.empty() && text[0] == ' ') text.remove_prefix(1);
        return parse_int64(text.data(), text.data() + text.size(), values[row]);
    });
}

extern "C" int64_t pipeline_csv_floats(const void* rows, int64_t column, double* values, uint8_t* validity) {
    return parse_column(*static_cast<const CsvRows*>(rows), column, validity,
                        [&](std::string_view text, int64_t row) { return parse_float(text, values[row]); });
}

// A byte for each row says whether its time lost digits below the unit.
extern "C" int64_t pipeline_csv_times(const void* rows, int64_t column, int64_t* values, uint8_t* validity,
                                      int64_t ticks_per_second, uint8_t* dropped) {
    return parse_column(*static_cast<const CsvRows*>(rows), column, validity, [&](std::string_view text, int64_t row) {
        bool is_dropped = false;
        const bool is_time =
            parse_rfc3339(text.data(), text.data() + text.size(), ticks_per_second, values[row], is_dropped);
        dropped[row] = is_dropped;
        return is_time;
    });
}

// One byte a value.
extern "C" int64_t pipeline_csv_booleans(const void* rows, int64_t column, uint8_t* values, uint8_t* validity) {
    return parse_column(*static_cast<const CsvRows*>(rows), column, validity, [&](std::string_view text, int64_t row) {
        values[row] = text == "true";
        return values[row] != 0 || text == "false";
    });
}
#pragma GCC visibility pop

}  // namespace pipeline
