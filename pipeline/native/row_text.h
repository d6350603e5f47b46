// Rows as text: values become text in a form, and stand behind what is the same in every row.
//
// A batch is written row by row to the end of a buffer that its owner uses again and again. What is the same in many
// rows (the column names around the values, the texts of a dictionary) is prepared once per batch and copied after
// that; a column with one text in all rows becomes a part of what stands between its neighbours.
#pragma once

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "arrow.h"
#include "buffer.h"
#include "decimal.h"
#include "utc_text.h"

namespace pipeline {

// A form says how a format writes what is not the same in all of them:
//
//     kMaxPerByte, kAround      bytes that a byte of a text becomes, and those around a text, at most
//     kMaxOther                 bytes of any other value, at most, and what copies of digits write too far
//     kNull                     text of a null
//     put_text(out, text)       false where it has none for it
//     put_boolean, put_integer, put_float, put_time(out, value)

inline std::string padded(std::string text) {
    text.append(kSlack, '\0');
    return text;
}

inline std::string unpadded(const std::string& text) { return text.substr(0, text.size() - kSlack); }

struct Prepared {
    Column column;
    std::string before;              // what stands before a value, padded
    std::string null;                // the same and the text of a null, padded
    std::vector<std::string> texts;  // the same and the text of each place of a dictionary that was met, padded
    Times times;
};

// What stands before a text, and its text, padded; nothing where it has none.
template <class Form>
std::string with_text(const Form& form, const std::string& before, std::string_view text) {
    PipelineBuffer buffer{nullptr, 0, 0};
    bool has_text;
    {
        Out out(buffer);
        out.reserve(text.size() * Form::kMaxPerByte + Form::kAround);
        has_text = form.put_text(out, text);
    }
    std::string result = has_text ? before + std::string(buffer.data, static_cast<size_t>(buffer.size)) : std::string();
    release(buffer);
    return has_text ? padded(std::move(result)) : result;
}

// The text of a place of a dictionary, made where it is met first: a dictionary may be much larger than the batch. Empty
// where it has none.
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

// Writes one value and what stands before it; kOk, or why it has no text.
template <class Form>
static Code put_value(const Form& form, Out& out, Prepared& prepared, int64_t row, size_t row_bytes) {
    const Column& column = prepared.column;
    if (column.is_null(row)) {
        out.put(prepared.null);
        return kOk;
    }
    if (column.is_dictionary()) {
        const std::string& text = text_of_place(form, prepared, column.index(row));
        if (text.empty()) return kBadText;
        out.reserve(text.size() + row_bytes);
        out.put(text);
        return kOk;
    }
    out.put(prepared.before);
    switch (column.kind()) {
        case Kind::Bool: form.put_boolean(out, column.boolean(row)); return kOk;
        case Kind::Int64: form.put_integer(out, column.integer(row)); return kOk;
        case Kind::Float64: form.put_float(out, column.number(row)); return kOk;
        case Kind::Timestamp: return form.put_time(out, prepared, column.integer(row)) ? kOk : kBadYear;
        default: {
            const std::string_view text = column.text(row);
            out.reserve(text.size() * Form::kMaxPerByte + Form::kAround + row_bytes);
            return form.put_text(out, text) ? kOk : kBadText;
        }
    }
}

// Writes rows: before each value its text of `before`, and `end` behind the last; without `last_separator` the two bytes
// that end a row stand between rows only.
template <class Form>
static Failure encode(const Form& form, const ArrowSchema& schema, const ArrowArray& array, PipelineBuffer& buffer,
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
            const std::string& text = text_of_place(form, prepared, column.index(0));
            if (text.empty()) return {kBadText, 0, i};
            constant = unpadded(text);
            continue;
        }
        constant.clear();
        row_bytes += prepared.null.size() + Form::kMaxOther;
        columns.push_back(std::move(prepared));
        places.push_back(i);
    }
    const std::string ending = padded(constant + std::string(end));
    row_bytes += ending.size();
    Out out(buffer);
    for (int64_t row = 0; row < array.length; ++row) {
        out.reserve(row_bytes);
        for (size_t i = 0; i < columns.size(); ++i)
            if (const Code code = put_value(form, out, columns[i], row, row_bytes); code != kOk)
                return {code, row, places[i]};
        out.put(ending);
    }
    if (!last_separator && array.length > 0) out.take_back(2);
    return {kOk, 0, 0};
}

}  // namespace pipeline
