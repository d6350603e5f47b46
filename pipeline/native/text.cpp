// Values become text here and nowhere else; docs/formats.md has the text forms.
//
// A batch is written row by row to the end of a buffer that its owner uses again and again. What is the same in many
// rows (the column names around the values, the texts of a dictionary) is prepared once per batch and copied after
// that; a column with one text in all rows becomes a part of what stands between its neighbours.

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "arrow.h"
#include "buffer.h"
#include "decimal.h"

namespace pipeline {
namespace {

std::string padded(std::string text) {
    text.append(kSlack, '\0');
    return text;
}

// ---------------------------------------------------------------------------------------------- numbers and times

// RFC 3339 in UTC. The text of the second before is kept: rows come in order of time.
class Times {
public:
    explicit Times(bool nanoseconds) : per_second_(nanoseconds ? 1'000'000'000 : 1'000'000), nanoseconds_(nanoseconds) {}

    // False where the year lies outside 0001 to 9999.
    bool put(char*& out, int64_t ticks) {
        int64_t second = ticks / per_second_;
        int64_t fraction = ticks % per_second_;
        if (fraction < 0) {
            fraction += per_second_;
            --second;
        }
        if (second != second_ && !set_second(second)) return false;
        std::memcpy(out, text_, 20);
        out += 20;
        auto rest = static_cast<uint32_t>(fraction);
        if (nanoseconds_) {
            out = two_digits(out, rest / 10'000'000);
            out = two_digits(out, rest / 100'000 % 100);
            out = two_digits(out, rest / 1000 % 100);
            out = two_digits(out, rest / 10 % 100);
            *out++ = static_cast<char>('0' + rest % 10);
        } else {
            out = two_digits(out, rest / 10'000);
            out = two_digits(out, rest / 100 % 100);
            out = two_digits(out, rest % 100);
        }
        *out++ = 'Z';
        return true;
    }

private:
    bool set_second(int64_t second) {
        int64_t day = second / 86'400;
        int64_t rest = second % 86'400;
        if (rest < 0) {
            rest += 86'400;
            --day;
        }
        if (!set_day(day)) return false;
        const auto of_day = static_cast<uint32_t>(rest);
        char* out = two_digits(text_ + 11, of_day / 3600);
        *out++ = ':';
        out = two_digits(out, of_day / 60 % 60);
        *out++ = ':';
        *two_digits(out, of_day % 60) = '.';
        second_ = second;
        return true;
    }
    // Days to a civil date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    bool set_day(int64_t day) {
        const int64_t shifted = day + 719'468;
        if (shifted < 306 || shifted > 3'652'364) return false;
        const int64_t era = shifted / 146'097;
        const int64_t of_era = shifted % 146'097;
        const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
        const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        const int64_t shifted_month = (5 * of_year + 2) / 153;
        const int month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
        const int year = static_cast<int>(year_of_era + 400 * era + (month <= 2));
        char* out = two_digits(text_, static_cast<uint32_t>(year / 100));
        out = two_digits(out, static_cast<uint32_t>(year % 100));
        *out++ = '-';
        out = two_digits(out, static_cast<uint32_t>(month));
        *out++ = '-';
        *two_digits(out, static_cast<uint32_t>(of_year - (153 * shifted_month + 2) / 5 + 1)) = 'T';
        return true;
    }
    int64_t per_second_;
    bool nanoseconds_;
    int64_t second_ = INT64_MIN;
    char text_[20];
};

// ------------------------------------------------------------------------------------------------------- formats

// How a format writes what is not the same in all of them.
struct JsonForm {
    static constexpr size_t kMaxPerByte = 6;
    static constexpr std::string_view kNull = "null", kNaN = "\"NaN\"", kInfinity = "\"Infinity\"",
                                      kMinusInfinity = "\"-Infinity\"", kTimeQuote = "\"";

    void put_text(Out& out, std::string_view text) const {
        out.put('"');
        size_t from = 0;
        for (size_t i = 0; i < text.size(); ++i) {
            const auto c = static_cast<unsigned char>(text[i]);
            if (c >= 0x20 && c != '"' && c != '\\') continue;
            out.put_exact(text.data() + from, i - from);
            from = i + 1;
            out.put('\\');
            switch (c) {
                case '"': case '\\': out.put(static_cast<char>(c)); break;
                case '\n': out.put('n'); break;
                case '\r': out.put('r'); break;
                case '\t': out.put('t'); break;
                case '\b': out.put('b'); break;
                case '\f': out.put('f'); break;
                default:
                    out.put_exact("u00", 3);
                    out.put("0123456789abcdef"[c >> 4]);
                    out.put("0123456789abcdef"[c & 15]);
            }
        }
        out.put_exact(text.data() + from, text.size() - from);
        out.put('"');
    }
};

struct CsvForm {
    static constexpr size_t kMaxPerByte = 2;
    static constexpr std::string_view kNull = "", kNaN = "NaN", kInfinity = "inf", kMinusInfinity = "-inf",
                                      kTimeQuote = "";
    bool spreadsheet;

    // What makes a spreadsheet take a cell for a formula: OWASP, "CSV Injection".
    static bool is_formula(std::string_view text) {
        if (text.empty()) return false;
        if (std::strchr("=+-@\t\r\n", text[0]) != nullptr && text[0] != '\0') return true;
        const std::string_view start = text.substr(0, 3);
        return start == "\xef\xbc\x9d" || start == "\xef\xbc\x8b" || start == "\xef\xbc\x8d" || start == "\xef\xbc\xa0";
    }
    void put_text(Out& out, std::string_view text) const {
        const bool guarded = spreadsheet && is_formula(text);
        bool quoted = text.empty();
        for (const char c : text) quoted |= c == ',' || c == '"' || c == '\r' || c == '\n';
        if (quoted) out.put('"');
        if (guarded) out.put('\'');
        if (!quoted) {
            out.put_exact(text.data(), text.size());
            return;
        }
        size_t from = 0;
        for (size_t i = 0; i < text.size(); ++i) {
            if (text[i] != '"') continue;
            out.put_exact(text.data() + from, i + 1 - from);
            from = i;  // the quote comes again
        }
        out.put_exact(text.data() + from, text.size() - from);
        out.put('"');
    }
};

constexpr size_t kLeast = 65'536;  // room that a buffer begins with

struct Prepared {
    Column column;
    std::string before;              // what stands before a value, padded
    std::string null;                // the same and the text of a null, padded
    std::vector<std::string> texts;  // the same and the text of each place of a dictionary that was met, padded
    Times times;
};

template <class Form>
std::string with_text(const Form& form, const std::string& before, std::string_view text) {
    PipelineBuffer buffer{nullptr, 0, 0};
    {
        Out out(buffer);
        out.reserve(text.size() * Form::kMaxPerByte + 4);
        form.put_text(out, text);
    }
    std::string result = before + std::string(buffer.data, static_cast<size_t>(buffer.size));
    release(buffer);
    return padded(std::move(result));
}

std::string unpadded(const std::string& text) { return text.substr(0, text.size() - kSlack); }

// The text of a place of a dictionary, made where it is met first: a dictionary may be much larger than the batch.
template <class Form>
const std::string& text_of_place(const Form& form, Prepared& prepared, int64_t place) {
    std::string& text = prepared.texts.at(static_cast<size_t>(place));
    if (text.empty())
        text = prepared.column.is_null_text(place) ? prepared.null
                                                   : with_text(form, unpadded(prepared.before), prepared.column.text(place));
    return text;
}

template <class Form>
Prepared prepare(const Form&, const Column& column, const std::string& before) {
    Prepared prepared{column, padded(before), padded(before + std::string(Form::kNull)), {}, Times(column.nanoseconds())};
    if (column.is_dictionary()) prepared.texts.resize(static_cast<size_t>(column.dictionary_size()));
    return prepared;
}

// Writes one value and what stands before it; false where it has no text.
template <class Form>
bool put_value(const Form& form, Out& out, Prepared& prepared, int64_t row, size_t row_bytes) {
    const Column& column = prepared.column;
    if (column.is_null(row)) {
        out.put(prepared.null);
        return true;
    }
    if (column.is_dictionary()) {
        const std::string& text = text_of_place(form, prepared, column.index(row));
        out.reserve(text.size() + row_bytes);
        out.put(text);
        return true;
    }
    out.put(prepared.before);
    char* at = out.position();
    switch (column.kind()) {
        case Kind::Bool: {
            const bool value = column.boolean(row);
            out.put_exact(value ? "true" : "false", value ? 4 : 5);
            return true;
        }
        case Kind::Int64:
            out.advance_to(put_integer(at, column.integer(row)));
            return true;
        case Kind::Float64: {
            const double value = column.number(row);
            if (std::isfinite(value)) {
                out.advance_to(put_float(at, value));
                return true;
            }
            const std::string_view name =
                std::isnan(value) ? Form::kNaN : value > 0 ? Form::kInfinity : Form::kMinusInfinity;
            out.put_exact(name.data(), name.size());
            return true;
        }
        case Kind::Timestamp:
            std::memcpy(at, Form::kTimeQuote.data(), Form::kTimeQuote.size());
            at += Form::kTimeQuote.size();
            if (!prepared.times.put(at, column.integer(row))) return false;
            std::memcpy(at, Form::kTimeQuote.data(), Form::kTimeQuote.size());
            out.advance_to(at + Form::kTimeQuote.size());
            return true;
        default: {
            const std::string_view text = column.text(row);
            out.reserve(text.size() * Form::kMaxPerByte + 4 + row_bytes);
            form.put_text(out, text);
            return true;
        }
    }
}

// Writes rows: before each value its text of `before`, and `end` behind the last; without `last_separator` the two bytes
// that end a row stand between rows only.
template <class Form>
Failure encode(const Form& form, const ArrowSchema& schema, const ArrowArray& array, PipelineBuffer& buffer,
               const std::vector<std::string>& before, std::string_view end, bool last_separator) {
    std::vector<Prepared> columns;
    std::vector<int64_t> places;  // of the columns, for errors
    std::string constant;         // what stands in every row before the next value
    size_t row_bytes = 0;
    for (int64_t i = 0; i < array.n_children; ++i) {
        const Column column(*schema.children[i], *array.children[i], array.offset);
        if (column.kind() == Kind::Unknown) return {kBadType, 0, i};
        Prepared prepared = prepare(form, column, constant + before[static_cast<size_t>(i)]);
        if (column.is_constant(array.length)) {
            constant = unpadded(text_of_place(form, prepared, column.index(0)));
            continue;
        }
        constant.clear();
        row_bytes += prepared.null.size() + kMaxValue;
        columns.push_back(std::move(prepared));
        places.push_back(i);
    }
    const std::string ending = padded(constant + std::string(end));
    row_bytes += ending.size();
    Out out(buffer);
    for (int64_t row = 0; row < array.length; ++row) {
        out.reserve(row_bytes);
        for (size_t i = 0; i < columns.size(); ++i)
            if (!put_value(form, out, columns[i], row, row_bytes)) return {kBadYear, row, places[i]};
        out.put(ending);
    }
    if (!last_separator && array.length > 0) out.take_back(2);
    return {kOk, 0, 0};
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

// Rows as JSON objects, each ended by a line feed, or with ",\n" between them where `as_array` is set.
int32_t pipeline_encode_ndjson(const ArrowSchema* schema, const ArrowArray* array, PipelineBuffer* buffer,
                               int32_t as_array, int64_t* row, int64_t* column) {
    return guarded(row, column, [&] {
        const JsonForm form;
        std::vector<std::string> before;
        for (int64_t i = 0; i < schema->n_children; ++i) {
            const std::string name = with_text(form, i == 0 ? "{" : ",", schema->children[i]->name);
            before.push_back(name.substr(0, name.size() - kSlack) + ":");
        }
        return encode(form, *schema, *array, *buffer, before, as_array ? "},\n" : "}\n", !as_array);
    });
}

// Rows as CSV records, each ended by a line feed.
int32_t pipeline_encode_csv(const ArrowSchema* schema, const ArrowArray* array, PipelineBuffer* buffer,
                            int32_t spreadsheet, int64_t* row, int64_t* column) {
    return guarded(row, column, [&] {
        std::vector<std::string> before(static_cast<size_t>(schema->n_children), ",");
        if (!before.empty()) before[0].clear();
        return encode(CsvForm{spreadsheet != 0}, *schema, *array, *buffer, before, "\n", true);
    });
}

// Begins a buffer anew, with text that stands before what is encoded next. Returns kOk or kNoMemory.
int32_t pipeline_buffer_start(PipelineBuffer* buffer, const char* text, int64_t size) {
    try {
        const auto bytes = static_cast<size_t>(size);
        const size_t needed = std::max<size_t>(bytes + kSlack, kLeast);
        buffer->size = 0;
        if (static_cast<size_t>(buffer->capacity) < needed) make_room(*buffer, 0, needed);
        if (bytes) std::memcpy(buffer->data, text, bytes);
        buffer->size = size;
        return kOk;
    } catch (const std::bad_alloc&) {
        return kNoMemory;
    }
}

void pipeline_buffer_free(PipelineBuffer* buffer) { release(*buffer); }

}  // extern "C"
#pragma GCC visibility pop
}  // namespace pipeline
