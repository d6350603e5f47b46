// Rows of a worksheet of an Excel workbook (ECMA-376, 18.3.1.73), as XML.

#include "row_text.h"

namespace pipeline {
namespace {

// What stands behind the place of a cell, which many readers need though it may be left out.
constexpr std::string_view kTextBegins = "\" t=\"inlineStr\"><is><t xml:space=\"preserve\">", kTextEnds = "</t></is></c>";
constexpr std::string_view kNumberBegins = "\"><v>", kNumberEnds = "</v></c>";
constexpr size_t kMaxPlace = 48;  // <c r="ABC1048576, and what copies write too far

struct SheetForm {
    static constexpr size_t kMaxPerByte = 7, kAround = kTextBegins.size() + kTextEnds.size() + kSlack;
    static constexpr size_t kMaxOther = kAround + kMaxValue;
    static constexpr std::string_view kNull = "\"/>";

    std::string date_begins;

    // False where the text is longer than a cell holds.
    bool put_text(Out& out, std::string_view text) const {
        constexpr size_t kMaxCharacters = 32'767;  // of UTF-16
        size_t characters = 0;
        put_all(out, kTextBegins);
        for (size_t i = 0; i < text.size(); ++i) {
            const auto c = static_cast<unsigned char>(text[i]);
            characters += (c & 0xc0) != 0x80;
            characters += c >= 0xf0;
            switch (c) {
                case '&': put_all(out, "&amp;"); break;
                case '<': put_all(out, "&lt;"); break;
                case '>': put_all(out, "&gt;"); break;
                case '_':  // what looks like an escape is none
                    if (is_escape(text.substr(i))) put_all(out, "_x005F");
                    out.put('_');
                    break;
                case 0xef:  // U+FFFE and U+FFFF are no characters of XML
                    if (text.substr(i, 2) == "\xef\xbf" && i + 2 < text.size() && (text[i + 2] & 0xfe) == 0xbe) {
                        put_all(out, text[i + 2] & 1 ? "_xFFFF_" : "_xFFFE_");
                        i += 2;
                        break;
                    }
                    out.put(text[i]);
                    break;
                default:
                    if (c >= 0x20 || c == '\t' || c == '\n') {
                        out.put(text[i]);
                    } else {
                        put_all(out, "_x00");
                        out.put("0123456789ABCDEF"[c >> 4]);
                        out.put("0123456789ABCDEF"[c & 15]);
                        out.put('_');
                    }
            }
        }
        put_all(out, kTextEnds);
        return characters <= kMaxCharacters;
    }
    void put_boolean(Out& out, bool value) const { put_all(out, value ? "\" t=\"b\"><v>1</v></c>" : "\" t=\"b\"><v>0</v></c>"); }
    // A cell holds a float64: an integer that is none becomes text.
    void put_integer(Out& out, int64_t value) const {
        constexpr int64_t kLast = int64_t{1} << 53;
        const bool is_exact = value >= -kLast && value <= kLast;
        put_all(out, is_exact ? kNumberBegins : kTextBegins);
        out.advance_to(pipeline::put_integer(out.position(), value));
        put_all(out, is_exact ? kNumberEnds : kTextEnds);
    }
    void put_float(Out& out, double value) const {
        constexpr double kLast = 9.99e307, kLeast = 2.2250738585072014e-308;  // Excel has no others
        const double size = std::fabs(value);
        const bool is_number = size <= kLast && (size >= kLeast || size == 0);
        put_all(out, is_number ? kNumberBegins : kTextBegins);
        if (std::isfinite(value)) out.advance_to(pipeline::put_float(out.position(), value));
        else put_all(out, std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        put_all(out, is_number ? kNumberEnds : kTextEnds);
    }
    // A time of no zone is a date where the number gives it back, else text; one of a zone is text.
    bool put_time(Out& out, Prepared& prepared, int64_t ticks) const {
        if (prepared.column.is_local()) {
            const int64_t of_day = int64_t{86'400} * (prepared.column.nanoseconds() ? 1'000'000'000 : 1'000'000);
            const int64_t day = ticks / of_day - (ticks % of_day < 0), rest = ticks - day * of_day;
            constexpr int64_t kEpoch = 25'569, kFirst = 61, kLast = 2'958'465;  // 1900 has a leap day there
            const int64_t serial = kEpoch + day;
            const double number = static_cast<double>(serial) + static_cast<double>(rest) / static_cast<double>(of_day);
            const double fraction = number - static_cast<double>(serial);
            if (serial >= kFirst && serial <= kLast && std::llround(fraction * static_cast<double>(of_day)) == rest) {
                out.put_exact(date_begins.data(), date_begins.size());
                out.advance_to(pipeline::put_float(out.position(), number));
                put_all(out, kNumberEnds);
                return true;
            }
        }
        put_all(out, kTextBegins);
        char* at = out.position();
        if (!prepared.times.put(at, ticks)) return false;
        out.advance_to(at);
        put_all(out, kTextEnds);
        return true;
    }

private:
    static void put_all(Out& out, std::string_view text) { out.put_exact(text.data(), text.size()); }
    static bool is_escape(std::string_view text) {
        if (text.size() < 7 || text[1] != 'x' || text[6] != '_') return false;
        for (const char c : text.substr(2, 4))
            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) return false;
        return true;
    }
};

// A column as letters: A to Z, AA and so on.
std::string letters_of(size_t column) {
    std::string letters;
    for (size_t rest = column + 1; rest > 0; rest = (rest - 1) / 26)
        letters.insert(letters.begin(), static_cast<char>('A' + (rest - 1) % 26));
    return letters;
}

// Writes rows, of which the first has a number. Cells of nulls are left out but for the last of a row, so that all rows
// have the same width.
Failure encode_rows(const SheetForm& form, const ArrowSchema& schema, const ArrowArray& array, PipelineBuffer& buffer,
                    int64_t first_row) {
    std::vector<Prepared> columns;
    std::vector<std::string> places;
    size_t row_bytes = 2 * kMaxPlace;
    for (int64_t i = 0; i < array.n_children; ++i) {
        const Column column(*schema.children[i], *array.children[i], array.offset);
        if (column.kind() == Kind::Unknown) return {kBadType, 0, i};
        columns.push_back(prepare(form, column, ""));
        places.push_back(padded("<c r=\"" + letters_of(static_cast<size_t>(i))));
        row_bytes += kMaxPlace + SheetForm::kMaxOther;
    }
    const std::string row_begins = padded("<row r=\""), row_ends = padded("</row>");
    Out out(buffer);
    for (int64_t row = 0; row < array.length; ++row) {
        char number[kMaxValue] = {};
        const auto digits = static_cast<size_t>(put_integer(number, first_row + row) - number);
        out.reserve(row_bytes);
        out.put(row_begins);
        out.put_exact(number, digits);
        out.put_exact("\">", 2);
        for (size_t i = 0; i < columns.size(); ++i) {
            if (columns[i].column.is_null(row) && i + 1 < columns.size()) continue;
            out.put(places[i]);
            out.put_exact(number, digits);
            const Code code = put_value(form, out, columns[i], row, row_bytes);
            if (code != kOk) return {code, row, static_cast<int64_t>(i)};
        }
        out.put(row_ends);
    }
    return {kOk, 0, 0};
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

// Rows of a worksheet, numbered from `first_row`. Cells of dates have the style of this number in the workbook.
int32_t pipeline_encode_sheet(const ArrowSchema* schema, const ArrowArray* array, PipelineBuffer* buffer,
                              int32_t date_style, int64_t first_row, int64_t* row, int64_t* column) {
    return guarded(row, column, [&] {
        const SheetForm form{"\" s=\"" + std::to_string(date_style) + "\"><v>"};
        return encode_rows(form, *schema, *array, *buffer, first_row);
    });
}

}  // extern "C"
#pragma GCC visibility pop
}  // namespace pipeline
