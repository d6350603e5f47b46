// Takes lines of text apart that are of a known form as a whole; all others are given as they stand.
//
// A form is texts, blanks and fields, one behind the other. Nothing is tried twice: a field ends where the text behind it
// begins for the first time, or where a character stands that it cannot have. A line with other characters than ASCII that
// can be seen is of no form.

#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "number_text.h"

namespace pipeline {
namespace {

enum class Kind : int32_t {
    kText = 0,
    kBlanks = 1,
    kWord = 2,
    kPhrase = 3,
    kInteger = 4,
    kDecimal = 5,
    kSeconds = 6,
    kWords = 7,
    kName = 8,
    kNanoseconds = 9,
    kField = 10,
    kJson = 11,
    kNumber = 12,
    kWhole = 13,
};

struct Part {
    Kind kind;
    int32_t column;    // -1 for none
    std::string text;  // that stands here, or with which a word begins
};

// What a column holds of the rows of a block: texts as Arrow has them, numbers, or lists of texts.
struct LineColumn {
    std::vector<int32_t> ends{0}, list_ends{0};
    std::string data;
    std::vector<int64_t> numbers;  // of float64 their bits
    std::vector<uint8_t> present;

    void clear() {
        ends.assign(1, 0);
        list_ends.assign(1, 0);
        data.clear();
        numbers.clear();
        present.clear();
    }
};

struct Form {
    std::vector<Part> parts;
    std::vector<int32_t> lacking;  // columns that it has no field of
    bool is_begun = false;
    int64_t lines = 0;  // of this form, in all that was read
};

class LineForms {
public:
    void add_form() { forms_.emplace_back(); }
    void add_part(Part part) {
        const auto columns = static_cast<size_t>(part.column + 1);
        if (columns > columns_.size()) {
            columns_.resize(columns);
            kinds_.resize(columns, part.kind);
        }
        if (columns) kinds_[columns - 1] = part.kind;
        forms_.back().parts.push_back(std::move(part));
        spans_.resize(std::max(spans_.size(), forms_.back().parts.size()));
    }
    // Reads whole lines, of which those that hold only white space are no rows; gives how many lines there are.
    int64_t read(const char* data, size_t size, bool others_alone, int64_t number) {
        for (LineColumn& column : columns_) column.clear();
        lines_.clear();
        numbers_.clear();
        codes_.clear();
        const char* const end = data + size;
        const int64_t first = number;
        for (; data < end; ++number) {
            const auto* stop = static_cast<const char*>(std::memchr(data, '\n', end - data));
            const char* const next = stop == nullptr ? end : stop + 1;
            if (stop == nullptr) stop = end;
            while (stop > data && stop[-1] == '\r') --stop;
            if (!is_blank(data, stop)) take(data, stop, number, others_alone);
            data = next;
        }
        return number - first;
    }
    const LineColumn& column(int64_t at) const { return at < 0 ? lines_ : columns_[static_cast<size_t>(at)]; }
    const std::vector<int64_t>& numbers() const { return numbers_; }
    const std::vector<int32_t>& codes() const { return codes_; }
    int64_t lines_of(int64_t form) const { return forms_[static_cast<size_t>(form)].lines; }

private:
    static bool is_blank(const char* at, const char* end) {
        while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r'))) ++at;
        return at == end;
    }
    static bool is_seen(char c) { return c > ' ' && c < 0x7f; }
    static bool is_letter_or_digit(char c) {
        return number::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
    static bool is_blank(char c) { return c == ' ' || c == '\t'; }
    static int64_t number_of(const char* at, const char* end) {
        int64_t number = 0;
        for (; at < end; ++at) number = 10 * number + (*at - '0');
        return number;
    }

    void take(const char* data, const char* stop, int64_t number, bool others_alone) {
        for (size_t form = 0; form < forms_.size(); ++form) {
            if (!fits(forms_[form].parts, data, stop)) continue;
            ++forms_[form].lines;
            if (others_alone) return;
            for (const int32_t column : lacking(forms_[form]))
                put_none(columns_[static_cast<size_t>(column)], kinds_[static_cast<size_t>(column)]);
            for (size_t at = 0; at < forms_[form].parts.size(); ++at) put(forms_[form].parts[at], spans_[at]);
            lines_.present.push_back(0);
            end_row(number, static_cast<int32_t>(form));
            return;
        }
        if (!others_alone)
            for (size_t at = 0; at < columns_.size(); ++at) put_none(columns_[at], kinds_[at]);
        lines_.data.append(data, stop);
        lines_.present.push_back(1);
        end_row(number, -1);
    }
    const std::vector<int32_t>& lacking(Form& form) {
        if (form.is_begun) return form.lacking;
        form.is_begun = true;
        std::vector<bool> has(columns_.size());
        for (const Part& part : form.parts)
            if (part.column >= 0) has[static_cast<size_t>(part.column)] = true;
        for (size_t at = 0; at < has.size(); ++at)
            if (!has[at]) form.lacking.push_back(static_cast<int32_t>(at));
        return form.lacking;
    }
    void end_row(int64_t number, int32_t code) {
        lines_.ends.push_back(static_cast<int32_t>(lines_.data.size()));
        numbers_.push_back(number);
        codes_.push_back(code);
    }

    struct Span {
        const char* begin;
        const char* end;
        int64_t number;
    };
    // Says whether a line is of a form, and where its parts stand.
    bool fits(const std::vector<Part>& parts, const char* at, const char* end) {
        const auto digits = [&] {
            const char* const first = at;
            while (at < end && number::is_digit(*at)) ++at;
            return at > first;
        };
        for (size_t i = 0; i < parts.size(); ++i) {
            const Part& part = parts[i];
            Span& span = spans_[i];
            span.begin = at;
            const size_t size = part.text.size();
            if (size) {
                if (static_cast<size_t>(end - at) < size || *at != part.text[0]) return false;
                if (size > 1 && std::memcmp(at, part.text.data(), size) != 0) return false;
                at += size;
            }
            const std::string* const next = i + 1 < parts.size() && parts[i + 1].kind == Kind::kText ? &parts[i + 1].text : nullptr;
            switch (part.kind) {
                case Kind::kText: break;
                case Kind::kBlanks:
                    while (at < end && is_blank(*at)) ++at;
                    if (at == span.begin) return false;
                    break;
                case Kind::kWord:
                    while (at < end && is_seen(*at) && !begins(next, at, end)) ++at;
                    if (at == span.begin) return false;
                    break;
                case Kind::kName:
                    if (at == end || !is_letter_or_digit(*at)) return false;
                    [[fallthrough]];
                case Kind::kPhrase:
                    if (at == end || !is_seen(*at)) return false;
                    while (at < end && (is_seen(*at) || is_blank(*at)) && !begins(next, at, end)) ++at;
                    if (at == span.begin) return false;
                    break;
                case Kind::kField:
                    while (at < end && (is_seen(*at) || *at == ' ') && !begins(next, at, end)) ++at;
                    break;
                case Kind::kJson:
                    while (at < end && *at != '"') {
                        if (*at != '\\' && !is_seen(*at) && *at != ' ') return false;
                        if (*at == '\\' && unescaped(at, end) == 0) return false;
                        at += *at != '\\' ? 1 : at[1] == 'u' ? 6 : 2;
                    }
                    break;
                case Kind::kInteger:
                    if (!digits() || at - span.begin > 18) return false;
                    span.number = number_of(span.begin, at);
                    break;
                case Kind::kNumber:
                case Kind::kWhole: {
                    NumberText found;
                    at = scan_number(at, end, found);
                    if (at == nullptr) return false;
                    if (part.column < 0) break;
                    if (part.kind == Kind::kWhole ? !to_int64(found, span.number) : !is_held(span.begin, at, found, span.number))
                        return false;
                    break;
                }
                case Kind::kNanoseconds: {
                    if (!digits() || at - span.begin > 9) return false;
                    span.number = number_of(span.begin, at) * 1'000'000'000;
                    if (at == end || *at != '.') break;
                    const char* const first = ++at;
                    if (!digits() || at - first > 9) return false;
                    int64_t fraction = number_of(first, at);
                    for (auto left = 9 - (at - first); left > 0; --left) fraction *= 10;
                    span.number += fraction;
                    break;
                }
                case Kind::kDecimal:
                    if (!digits()) return false;
                    if (at < end && *at == '.') {
                        ++at;
                        if (!digits()) return false;
                    }
                    break;
                case Kind::kSeconds: {
                    double seconds;
                    if (!digits() || at == end || *at != '.' || !(++at, digits())) return false;
                    if (!parse_double(span.begin, at, seconds) || seconds > 9e9) return false;
                    span.number = static_cast<int64_t>(std::round(seconds * 1e6)) * 1000;
                    break;
                }
                case Kind::kWords:
                    if (at == end || !is_seen(*at)) return false;
                    while (at < end && (is_seen(*at) || is_blank(*at))) ++at;
                    break;
            }
            span.end = at;
        }
        return at == end;
    }
    // Gives the bits of the float64 nearest to a number; false where integers of its size may lie between two of them.
    static bool is_held(const char* begin, const char* end, const NumberText& found, int64_t& bits) {
        double value;
        if (!to_double(begin, end, found, value) || std::fabs(value) >= 0x1p53) return false;
        std::memcpy(&bits, &value, sizeof bits);
        return true;
    }
    static bool begins(const std::string* text, const char* at, const char* end) {
        return text != nullptr && *at == (*text)[0] && static_cast<size_t>(end - at) >= text->size() &&
               (text->size() == 1 || std::memcmp(at, text->data(), text->size()) == 0);
    }

    // What an escape of JSON stands for, 0 where it is none, or stands for no sign of ASCII.
    static char unescaped(const char* at, const char* end) {
        if (end - at < 2) return 0;
        static constexpr char kLetters[] = "\"\\/bfnrt", kSigns[] = "\"\\/\b\f\n\r\t";
        const auto* const found = static_cast<const char*>(std::memchr(kLetters, at[1], sizeof kLetters - 1));
        if (found != nullptr) return kSigns[found - kLetters];
        if (end - at < 6 || at[1] != 'u' || at[2] != '0' || at[3] != '0') return 0;
        const int high = at[4] - '0', low = hex_digit(at[5]);
        return high < 0 || high > 7 || low < 0 ? 0 : static_cast<char>(16 * high + low);
    }
    static int hex_digit(char c) {
        if (number::is_digit(c)) return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    }

    static bool is_number(Kind kind) {
        return kind == Kind::kInteger || kind == Kind::kSeconds || kind == Kind::kNanoseconds || kind == Kind::kNumber ||
               kind == Kind::kWhole;
    }
    static void put_none(LineColumn& column, Kind kind) {
        column.present.push_back(0);
        if (is_number(kind))
            column.numbers.push_back(0);
        else if (kind == Kind::kWords)
            column.list_ends.push_back(static_cast<int32_t>(column.ends.size() - 1));
        else
            column.ends.push_back(static_cast<int32_t>(column.data.size()));
    }
    void put(const Part& part, const Span& span) {
        if (part.column < 0) return;
        LineColumn& column = columns_[static_cast<size_t>(part.column)];
        column.present.push_back(1);
        if (is_number(part.kind)) {
            column.numbers.push_back(span.number);
        } else if (part.kind == Kind::kWords) {
            for (const char* at = span.begin; at < span.end;) {
                const char* stop = at;
                while (stop < span.end && !is_blank(*stop)) ++stop;
                column.data.append(at, stop);
                column.ends.push_back(static_cast<int32_t>(column.data.size()));
                for (at = stop; at < span.end && is_blank(*at);) ++at;
            }
            column.list_ends.push_back(static_cast<int32_t>(column.ends.size() - 1));
        } else if (part.kind == Kind::kJson) {
            for (const char* at = span.begin; at < span.end;) {
                const auto* const stop = static_cast<const char*>(std::memchr(at, '\\', span.end - at));
                column.data.append(at, stop == nullptr ? span.end : stop);
                if (stop == nullptr) break;
                column.data.push_back(unescaped(stop, span.end));
                at = stop + (stop[1] == 'u' ? 6 : 2);
            }
            column.ends.push_back(static_cast<int32_t>(column.data.size()));
        } else {
            column.data.append(span.begin, static_cast<size_t>(span.end - span.begin));
            column.ends.push_back(static_cast<int32_t>(column.data.size()));
        }
    }

    std::vector<Form> forms_;
    std::vector<LineColumn> columns_;
    std::vector<Kind> kinds_;  // of the columns
    std::vector<Span> spans_;
    LineColumn lines_;  // that are of no form
    std::vector<int64_t> numbers_;
    std::vector<int32_t> codes_;  // the form of each row, -1 for none
};

}  // namespace

#pragma GCC visibility push(default)
extern "C" void* pipeline_line_forms_new() { return new (std::nothrow) LineForms(); }
extern "C" void pipeline_line_forms_free(void* forms) { delete static_cast<LineForms*>(forms); }

// Adds a part to the last form, or begins the next form with it. `column` is -1 where nobody wants it. 1 without memory.
extern "C" int32_t pipeline_line_forms_part(void* forms, int32_t is_first, int32_t kind, int32_t column, const char* text,
                                            int64_t size) {
    try {
        auto& all = *static_cast<LineForms*>(forms);
        if (is_first) all.add_form();
        all.add_part({static_cast<Kind>(kind), column, std::string(text, static_cast<size_t>(size))});
        return 0;
    } catch (const std::exception&) {
        return 1;
    }
}

// Reads whole lines, of which the first has a number. Gives how many lines there are, -1 without memory.
extern "C" int64_t pipeline_line_forms_read(void* forms, const char* data, int64_t size, int32_t others_alone, int64_t number) {
    try {
        return static_cast<LineForms*>(forms)->read(data, static_cast<size_t>(size), others_alone != 0, number);
    } catch (const std::exception&) {
        return -1;
    }
}

// Gives the numbers of the lines that are rows, and the form of each. Gives how many these are.
extern "C" int64_t pipeline_line_forms_rows(const void* forms, const void** numbers, const void** codes) {
    const auto& all = *static_cast<const LineForms*>(forms);
    *numbers = all.numbers().data();
    *codes = all.codes().data();
    return static_cast<int64_t>(all.numbers().size());
}

// Gives what a column holds, -1 for the lines that are of no form: a byte for each row that has a value; numbers; or texts
// and where they end, and of lists where these end. Gives how many texts there are.
extern "C" int64_t pipeline_line_forms_column(const void* forms, int64_t column, const void** present, const void** numbers,
                                              const void** data, const void** ends, const void** list_ends) {
    const LineColumn& one = static_cast<const LineForms*>(forms)->column(column);
    *present = one.present.data();
    *numbers = one.numbers.data();
    *data = one.data.data();
    *ends = one.ends.data();
    *list_ends = one.list_ends.data();
    return static_cast<int64_t>(one.ends.size() - 1);
}

// Gives how many lines of a form there were in all that was read.
extern "C" int64_t pipeline_line_forms_lines(const void* forms, int64_t form) {
    return static_cast<const LineForms*>(forms)->lines_of(form);
}
#pragma GCC visibility pop

}  // namespace pipeline
