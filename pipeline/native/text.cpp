// Values become text here and nowhere else; docs/formats.md has the text forms. Worksheets have theirs, sheet_rows.cpp.

#include "guarded_text.h"
#include "row_text.h"

namespace pipeline {
namespace {

// Numbers as Python writes them, with the form's words for those that are not finite.
template <class Form>
struct PlainNumbers {
    static constexpr size_t kMaxOther = kMaxValue;

    void put_boolean(Out& out, bool value) const { out.put_exact(value ? "true" : "false", value ? 4 : 5); }
    void put_integer(Out& out, int64_t value) const { out.advance_to(pipeline::put_integer(out.position(), value)); }
    static void put_other(Out& out, double value) {
        const std::string_view name =
            std::isnan(value) ? Form::kNaN : value > 0 ? Form::kInfinity : Form::kMinusInfinity;
        out.put_exact(name.data(), name.size());
    }
    bool put_time(Out& out, Prepared& prepared, int64_t ticks) const {
        char* at = out.position();
        std::memcpy(at, Form::kTimeQuote.data(), Form::kTimeQuote.size());
        at += Form::kTimeQuote.size();
        if (!prepared.times.put(at, ticks)) return false;
        std::memcpy(at, Form::kTimeQuote.data(), Form::kTimeQuote.size());
        out.advance_to(at + Form::kTimeQuote.size());
        return true;
    }
};

struct JsonForm : PlainNumbers<JsonForm> {
    static constexpr size_t kMaxPerByte = 6, kAround = 4;
    static constexpr std::string_view kNull = "null", kNaN = "\"NaN\"", kInfinity = "\"Infinity\"",
                                      kMinusInfinity = "\"-Infinity\"", kTimeQuote = "\"";

    void put_float(Out& out, double value) const {
        if (!std::isfinite(value)) return put_other(out, value);
        out.advance_to(pipeline::put_float(out.position(), value));
    }
    bool put_text(Out& out, std::string_view text) const {
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
        return true;
    }
};

struct CsvForm : PlainNumbers<CsvForm> {
    static constexpr size_t kMaxPerByte = 2, kAround = 16;
    static constexpr std::string_view kNull = "", kNaN = "NaN", kInfinity = "inf", kMinusInfinity = "-inf",
                                      kTimeQuote = "";
    bool spreadsheet;
    char delimiter;
    char decimal;

    void put_float(Out& out, double value) const {
        if (!std::isfinite(value)) return put_other(out, value);
        char* const begin = out.position();
        char* const end = pipeline::put_float(begin, value);
        if (decimal != '.') {
            if (void* const point = std::memchr(begin, '.', static_cast<size_t>(end - begin)))
                *static_cast<char*>(point) = decimal;
        }
        out.advance_to(end);
    }
    bool put_text(Out& out, std::string_view text) const {
        const Guard guard = spreadsheet ? guard_of(text) : Guard::None;
        bool quoted = text.empty() || guard == Guard::Literal;
        for (const char c : text) quoted |= c == delimiter || c == '"' || c == '\r' || c == '\n';
        if (quoted) out.put('"');
        if (guard == Guard::Apostrophe) out.put('\'');
        if (guard == Guard::Literal) out.put_exact("=\"\"", 3);
        if (!quoted) {
            out.put_exact(text.data(), text.size());
            return true;
        }
        size_t from = 0;
        for (size_t i = 0; i < text.size(); ++i) {
            if (text[i] != '"') continue;
            out.put_exact(text.data() + from, i + 1 - from);
            from = i;  // the quote comes again
        }
        out.put_exact(text.data() + from, text.size() - from);
        if (guard == Guard::Literal) out.put_exact("\"\"", 2);
        out.put('"');
        return true;
    }
};

constexpr size_t kLeast = 65'536;  // room that a buffer begins with

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

// Rows as CSV records, each ended by a line feed. `form` has, from its lowest byte on, whether it is the variant for
// spreadsheet programs, the delimiter and the decimal sign.
int32_t pipeline_encode_csv(const ArrowSchema* schema, const ArrowArray* array, PipelineBuffer* buffer, int32_t form,
                            int64_t* row, int64_t* column) {
    return guarded(row, column, [&] {
        const auto delimiter = static_cast<char>(form >> 8 & 0x7f);
        std::vector<std::string> before(static_cast<size_t>(schema->n_children), std::string(1, delimiter));
        if (!before.empty()) before[0].clear();
        const CsvForm csv{{}, (form & 1) != 0, delimiter, static_cast<char>(form >> 16 & 0x7f)};
        return encode(csv, *schema, *array, *buffer, before, "\n", true);
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
