// Reads texts as numbers, those that are written as JSON has them; all others are left to who knows more forms.

#include <cmath>
#include <exception>

#include "arrow.h"
#include "number_text.h"

namespace pipeline {
namespace {

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53: beyond, not every integer is a float64

bool read(const char* begin, const char* end, double& out) {
    return parse_double(begin, end, out) && std::fabs(out) < kExactIntegers;
}
bool read(const char* begin, const char* end, int64_t& out) { return parse_int64(begin, end, out); }

template <class Number>
bool read_all(const Column& column, int64_t rows, Number* out) {
    for (int64_t row = 0; row < rows; ++row) {
        out[row] = 0;
        if (column.is_null(row)) continue;
        const std::string_view text = column.text(row);
        if (!read(text.data(), text.data() + text.size(), out[row])) return false;
    }
    return true;
}

}  // namespace

#pragma GCC visibility push(default)
// `numbers` has a place for each row, of float64 or int64; that of a null is 0. Gives 1 where all could be read, else 0.
extern "C" int32_t pipeline_number_texts(const ArrowSchema* schema, const ArrowArray* array, int32_t is_float,
                                         void* numbers) {
    try {
        const Column column(*schema, *array, 0);
        if (column.kind() != Kind::String || column.is_dictionary()) return 0;
        return is_float != 0 ? read_all(column, array->length, static_cast<double*>(numbers))
                             : read_all(column, array->length, static_cast<int64_t*>(numbers));
    } catch (const std::exception&) {
        return 0;
    }
}
#pragma GCC visibility pop

}  // namespace pipeline
