// Gives elements of XML as rows, a block after the other; what is found in a block is overwritten by the next one.

#include "xml_rows.h"

#include <algorithm>
#include <exception>

namespace pipeline {
namespace {

constexpr int64_t kNoMemory = -1;


template <class Function>
int64_t guarded(const Function& function) {
    try {
        return function();
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" void* pipeline_xml_rows_new(int32_t columns, int32_t label, int32_t parent, int32_t more) {
    try {
        return new XmlRows(columns, label, parent, more);
    } catch (const std::exception&) {
        return nullptr;
    }
}
extern "C" void pipeline_xml_rows_free(void* rows) { delete static_cast<XmlRows*>(rows); }

extern "C" int64_t pipeline_xml_rows_tag(void* rows, const char* name, int64_t size, int32_t kind, int32_t column) {
    return guarded([&] { return static_cast<XmlRows*>(rows)->add_tag({name, static_cast<size_t>(size)}, kind, column), int64_t{0}; });
}

extern "C" int64_t pipeline_xml_rows_attribute(void* rows, const char* name, int64_t size, int32_t column, int32_t rank,
                                               int32_t check) {
    return guarded([&] {
        return static_cast<XmlRows*>(rows)->add_attribute({name, static_cast<size_t>(size)}, column, rank, check), int64_t{0};
    });
}

// Reads whole outermost elements from a place on. Gives how many bytes they are, and how many lines end in these.
extern "C" int64_t pipeline_xml_rows_read(void* rows, const char* data, int64_t start, int64_t end, int64_t* lines) {
    return guarded([&] {
        const size_t read = static_cast<XmlRows*>(rows)->read({data + start, static_cast<size_t>(end - start)});
        *lines = std::count(data + start, data + start + read, '\n');
        return static_cast<int64_t>(read);
    });
}

// Gives the texts of a column: where they lie, their ends, and a byte for each row that has one. Gives how many rows there are.
extern "C" int64_t pipeline_xml_rows_texts(const void* rows, int32_t column, const void** data, const void** ends,
                                           const void** present) {
    const Texts& texts = static_cast<const XmlRows*>(rows)->columns()[static_cast<size_t>(column)];
    *data = texts.data.data();
    *ends = texts.ends.data();
    *present = texts.present.data();
    return static_cast<int64_t>(texts.present.size());
}

// Gives how deep each row lies within others. Gives how many there are.
extern "C" int64_t pipeline_xml_rows_depths(const void* rows, const void** depths) {
    const auto& found = static_cast<const XmlRows*>(rows)->depths();
    *depths = found.data();
    return static_cast<int64_t>(found.size());
}

// Gives the name of what was not used, by its place, and how often that is there; -1 behind the last one.
extern "C" int64_t pipeline_xml_rows_unused(const void* rows, int64_t place, const void** name, int64_t* size) {
    const auto& unused = static_cast<const XmlRows*>(rows)->unused();
    if (place >= static_cast<int64_t>(unused.size())) return -1;
    const auto& [text, count] = *std::next(unused.begin(), place);
    *name = text.data();
    *size = static_cast<int64_t>(text.size());
    return count;
}
#pragma GCC visibility pop

}  // namespace pipeline
