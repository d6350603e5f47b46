// Takes objects apart that JSON texts hold: lines, or elements of arrays. What is found in a block is overwritten by the
// next one.

#include "json_objects.h"

#include <algorithm>
#include <exception>
#include <new>

namespace pipeline {
namespace {

class Objects {
public:
    explicit Objects(int32_t levels) : levels_(levels) {}

    void add_field(std::string_view name) {
        keys_.add_field(name);
        rows_.fields.emplace_back(false);
    }
    // Reads lines, but for those of white space alone.
    Fault read_lines(std::string_view block, int64_t& line) {
        rows_.clear();
        for (line = 0; !block.empty(); ++line) {
            const std::string_view text = block.substr(0, block.find('\n'));
            block.remove_prefix(std::min(text.size() + 1, block.size()));
            if (text.find_first_not_of(" \t\r\v\f") == std::string_view::npos) continue;
            if (const Fault fault = read(text); fault != kSound) return fault;
        }
        return kSound;
    }
    // Reads texts that stand one behind the other; an empty one stands for null.
    Fault read_texts(const char* data, const int32_t* ends, int64_t count, int64_t& text) {
        rows_.clear();
        for (text = 0; text < count; ++text) {
            const std::string_view one(data + ends[text], static_cast<size_t>(ends[text + 1] - ends[text]));
            if (const Fault fault = read(one.empty() ? "null" : one); fault != kSound) return fault;
        }
        return kSound;
    }
    const ObjectRows& rows() const { return rows_; }

private:
    Fault read(std::string_view text) {
        try {
            ObjectText(text, keys_, rows_, members_).read(levels_);
            return kSound;
        } catch (const Bad& bad) {
            return bad.fault;
        }
    }

    const int levels_;
    ObjectKeys keys_;
    ObjectRows rows_;
    std::vector<Member> members_;
};

}  // namespace

#pragma GCC visibility push(default)
extern "C" void* pipeline_json_objects_new(int32_t levels) { return new (std::nothrow) Objects(levels); }
extern "C" void pipeline_json_objects_free(void* objects) { delete static_cast<Objects*>(objects); }

extern "C" int32_t pipeline_json_objects_field(void* objects, const char* name, int64_t size) {
    try {
        static_cast<Objects*>(objects)->add_field({name, static_cast<size_t>(size)});
        return kSound;
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Reads lines, whose bytes `size` are, or as many texts, where their ends are given. Gives what is wrong with which of them.
extern "C" int32_t pipeline_json_objects_read(void* objects, const char* data, int64_t size, const int32_t* ends, int64_t* at) {
    try {
        auto& all = *static_cast<Objects*>(objects);
        if (ends != nullptr) return all.read_texts(data, ends, size, *at);
        return all.read_lines({data, static_cast<size_t>(size)}, *at);
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Gives the texts of a field, or behind all fields keys or figures: where they lie, their ends, and of fields a byte for each
// that is there. Gives how many there are.
extern "C" int64_t pipeline_json_objects_texts(const void* objects, int64_t which, const void** data, const void** ends,
                                               const void** present) {
    const ObjectRows& rows = static_cast<const Objects*>(objects)->rows();
    const auto at = static_cast<size_t>(which);
    const Texts& texts = at < rows.fields.size() ? rows.fields[at] : at == rows.fields.size() ? rows.keys : rows.figures;
    *data = texts.data.data();
    *ends = texts.ends.data();
    *present = texts.present.data();
    return static_cast<int64_t>(texts.ends.size() - 1);
}

// Gives the ends of the keys of each row, and a byte for each that is an object. Gives how many there are.
extern "C" int64_t pipeline_json_objects_rows(const void* objects, const void** ends, const void** present) {
    const ObjectRows& rows = static_cast<const Objects*>(objects)->rows();
    *ends = rows.ends.data();
    *present = rows.present.data();
    return static_cast<int64_t>(rows.present.size());
}
#pragma GCC visibility pop

}  // namespace pipeline
