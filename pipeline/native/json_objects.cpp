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
    void add_figure(std::string_view name) { keys_.add_figure(name); }
    void add_step(ObjectStep step) { path_.push_back(std::move(step)); }
    // Reads lines, but for those of white space alone; of text, those alone that begin with a brace and hold more.
    Fault read_lines(std::string_view block, bool is_text, int64_t& line) {
        rows_.clear();
        for (line = 0; !block.empty(); ++line) {
            const std::string_view text = block.substr(0, block.find('\n'));
            block.remove_prefix(std::min(text.size() + 1, block.size()));
            if (is_text && text.substr(0, 1) != "{") continue;
            if (text.find_first_not_of(" \t\r\v\f", is_text) == std::string_view::npos) continue;
            if (const Fault fault = read(text); fault != kSound) return fault;
        }
        return kSound;
    }
    // Reads elements of an array; gives how much of the text they are.
    Fault read_elements(std::string_view text, int64_t& size) {
        rows_.clear();
        try {
            size = static_cast<int64_t>(ObjectText(text, keys_, rows_, members_).read_elements(path_, levels_));
            return kSound;
        } catch (const Bad& bad) {
            return bad.fault;
        }
    }
    const ObjectRows& rows() const { return rows_; }

private:
    Fault read(std::string_view text) {
        try {
            ObjectText(text, keys_, rows_, members_).read(path_, levels_);
            return kSound;
        } catch (const Bad& bad) {
            return bad.fault;
        }
    }

    const int levels_;
    std::vector<ObjectStep> path_;
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

// Adds a figure that is asked for.
extern "C" int32_t pipeline_json_objects_figure(void* objects, const char* name, int64_t size) {
    try {
        static_cast<Objects*>(objects)->add_figure({name, static_cast<size_t>(size)});
        return kSound;
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Adds a step of the path to the objects: a key, or all elements.
extern "C" int32_t pipeline_json_objects_step(void* objects, int32_t is_element, const char* key, int64_t size) {
    try {
        static_cast<Objects*>(objects)->add_step({is_element != 0, std::string(key, static_cast<size_t>(size))});
        return kSound;
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Reads lines, of JSON or of text among which some are. Gives what is wrong with which of them.
extern "C" int32_t pipeline_json_objects_lines(void* objects, const char* data, int64_t size, int32_t is_text, int64_t* line) {
    try {
        return static_cast<Objects*>(objects)->read_lines({data, static_cast<size_t>(size)}, is_text != 0, *line);
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Reads elements of an array that stand as a whole in a text, with what is behind each. Gives what is wrong, or how much of
// the text they are.
extern "C" int32_t pipeline_json_objects_elements(void* objects, const char* data, int64_t size, int64_t* done) {
    try {
        return static_cast<Objects*>(objects)->read_elements({data, static_cast<size_t>(size)}, *done);
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Gives the texts of a field, or behind all fields keys or figures: where they lie, their ends, and of fields, and of figures
// that are asked for, a byte for each that is there. Gives how many there are.
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
