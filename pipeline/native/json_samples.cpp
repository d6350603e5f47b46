// Takes arrays of samples out of a JSON document, which may be larger than memory; pipeline/native/json_scanner.h reads it.

#include <exception>
#include <new>
#include <stdexcept>
#include <string_view>

#include "json_scanner.h"

namespace pipeline {

#pragma GCC visibility push(default)
extern "C" void* pipeline_json_samples_new(int32_t task, int64_t limit, int32_t checks_all) {
    try {
        return new Scanner(static_cast<Task>(task), limit, checks_all != 0);
    } catch (const std::exception&) {
        return nullptr;
    }
}
extern "C" void pipeline_json_samples_free(void* scanner) { delete static_cast<Scanner*>(scanner); }

// Adds a step of a path; the last one of each is an end.
extern "C" int32_t pipeline_json_samples_step(void* scanner, int32_t kind, int64_t number, const char* key, int64_t size) {
    try {
        auto& one = *static_cast<Scanner*>(scanner);
        if (one.step_count() == kMaxSteps) return kNoMemory;
        one.add_step({static_cast<Step::Kind>(kind), number, std::string(key, static_cast<size_t>(size))});
        return kSound;
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

extern "C" int32_t pipeline_json_samples_start(void* scanner, int64_t offset) {
    try {
        static_cast<Scanner*>(scanner)->start(offset);
        return kSound;
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Reads the next block. Gives what is wrong with which line, from 0; and whether nothing more is wanted.
extern "C" int32_t pipeline_json_samples_read(void* scanner, const char* data, int64_t size, int32_t is_last, int64_t* line,
                                              int64_t* is_finished) {
    try {
        auto& one = *static_cast<Scanner*>(scanner);
        const Fault fault = one.read(data, static_cast<size_t>(size), is_last != 0, *line);
        *is_finished = one.is_finished();
        return fault;
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Gives what was written of the block: its text, and of elements how many there are, where they end, and a byte for each
// that is there. It stays until the next block.
extern "C" int64_t pipeline_json_samples_text(const void* scanner, const void** text, int64_t* size, const void** ends,
                                              const void** present) {
    const auto& one = *static_cast<const Scanner*>(scanner);
    *text = one.text().data();
    *size = static_cast<int64_t>(one.text().size());
    *ends = one.ends().data();
    *present = one.present().data();
    return static_cast<int64_t>(one.present().size());
}

// Gives the arrays that were cut out: of each where its elements begin, how many they are, and where its bracket stands.
extern "C" int64_t pipeline_json_samples_arrays(const void* scanner, const void** arrays) {
    const auto& one = *static_cast<const Scanner*>(scanner);
    *arrays = one.arrays().data();
    return static_cast<int64_t>(one.arrays().size() / 3);
}

// Gives what was gathered of the block: the lines of elements; documents that are complete, of them the arrays and the bytes
// of elements, and the byte of the file behind the last one.
extern "C" int64_t pipeline_json_samples_gathered(const void* scanner, const void** elements, int64_t* counts) {
    const auto& one = *static_cast<const Scanner*>(scanner);
    *elements = one.elements().data();
    counts[0] = one.gathered().documents;
    counts[1] = one.gathered().arrays;
    counts[2] = one.gathered().element_bytes;
    counts[3] = one.gathered().end;
    return static_cast<int64_t>(one.elements().size());
}
#pragma GCC visibility pop

}  // namespace pipeline
