// Names that JSON documents hold; pipeline/native/json_names.h counts them.

#include <exception>
#include <stdexcept>
#include <string_view>

#include "json_names.h"

namespace pipeline {
namespace {

// What was found, as arrays: of each name seven figures, and its key.
struct Found {
    Names names;
    std::vector<int64_t> figures{};
    std::string keys{};
    std::vector<int64_t> ends{};

    explicit Found(int64_t limit) : names(limit) {}
    void list() {
        figures.clear();
        keys.clear();
        ends.assign(1, 0);
        for (const Name& name : names.names()) {
            figures.insert(figures.end(), {name.parent, name.kind, name.number, name.use, name.numbers, name.booleans, name.texts});
            keys += name.key;
            ends.push_back(static_cast<int64_t>(keys.size()));
        }
    }
};

}  // namespace

#pragma GCC visibility push(default)
extern "C" void* pipeline_json_names_new(int64_t limit) {
    try {
        return new Found(limit);
    } catch (const std::exception&) {
        return nullptr;
    }
}
extern "C" void pipeline_json_names_free(void* found) { delete static_cast<Found*>(found); }

// Adds a step of a declared path. Gives the place it leads to, or -1.
extern "C" int32_t pipeline_json_names_step(void* found, int32_t from, int32_t kind, int64_t number, const char* key,
                                            int64_t size) {
    try {
        return static_cast<Found*>(found)->names.declare(from, static_cast<Name::Kind>(kind), number,
                                                         std::string(key, static_cast<size_t>(size)));
    } catch (const std::exception&) {
        return -1;
    }
}
// Says what is done with what lies at a place, or below it.
extern "C" int32_t pipeline_json_names_use(void* found, int32_t at, int32_t use, int32_t is_below) {
    try {
        static_cast<Found*>(found)->names.declare_use(at, static_cast<Use>(use), is_below != 0);
        return kSound;
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Reads the next block. Gives what is wrong with which line, from 0.
extern "C" int32_t pipeline_json_names_read(void* found, const char* data, int64_t size, int32_t is_last, int64_t* line) {
    try {
        return static_cast<Found*>(found)->names.read(data, static_cast<size_t>(size), is_last != 0, *line);
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Gives the names, each behind its parent: their figures, their keys, and where these end. Gives how many there are.
extern "C" int64_t pipeline_json_names_list(void* found, const void** figures, const void** keys, const void** ends) {
    try {
        auto& all = *static_cast<Found*>(found);
        all.list();
        *figures = all.figures.data();
        *keys = all.keys.data();
        *ends = all.ends.data();
        return static_cast<int64_t>(all.ends.size() - 1);
    } catch (const std::exception&) {
        return -1;
    }
}
#pragma GCC visibility pop

}  // namespace pipeline
