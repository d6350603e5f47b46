// The texts of a field of JSON lines, and objects that are known again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pipeline {

// Objects that were read before. An object tells by itself where it ends, so one that stands in a line again need not be
// read again; and what followed an object once mostly follows it again.
class KnownObjects {
public:
    struct Known {
        std::string object;
        int64_t block = -1;  // the last one that has it
        int32_t code = 0;    // in that block
        uint16_t next = 0;   // the place of what followed
    };

    // Gives the object that is expected next if the text begins with it, else null.
    Known* expected(std::string_view text) {
        Known& known = places_[places_[last_].next];
        if (known.object.empty() || text.compare(0, known.object.size(), known.object) != 0) return nullptr;
        last_ = places_[last_].next;
        return &known;
    }
    // Notes an object that was read, and gives it if it is the one that is known already, else null.
    Known* note(std::string_view object, int64_t block, int32_t code) {
        if (object.size() > kMaxBytes) return nullptr;
        const auto place = static_cast<uint16_t>(std::hash<std::string_view>{}(object) % kPlaces);
        last_ = places_[last_].next = place;
        Known& known = places_[place];
        if (known.object == object) return &known;
        known.object = object;
        known.block = block;
        known.code = code;
        return nullptr;
    }

private:
    static constexpr size_t kPlaces = 1024, kMaxBytes = 2048;
    std::vector<Known> places_ = std::vector<Known>(kPlaces);
    uint16_t last_ = 0;
};

// One field of all rows of a block: texts as Arrow has them, and a byte for each row that has one. JSON is kept as a
// dictionary, in which one text may stand more than once.
struct Texts {
    std::vector<int32_t> ends{0};
    std::string data;
    std::vector<uint8_t> present;
    std::vector<int32_t> codes;
    const bool is_json;
    KnownObjects known;
    int64_t block = 0;

    explicit Texts(bool json) : is_json(json) {}
    void clear() {
        ends.assign(1, 0);
        data.clear();
        present.clear();
        codes.clear();
        ++block;
    }
    void begin_row() {
        present.push_back(0);
        if (is_json) codes.push_back(0);
    }
    void end_row() {
        if (!is_json) end_text();
    }
    void end_text() { ends.push_back(static_cast<int32_t>(data.size())); }
    void put_json(std::string_view json) {
        present.back() = 1;
        codes.back() = new_code();
        data.append(json);
        end_text();
    }
    // Gives how many of the bytes that a text begins with are an object that is known, after it was put.
    size_t put_known(std::string_view text) {
        KnownObjects::Known* const found = known.expected(text);
        if (found == nullptr) return 0;
        put_known(*found);
        return found->object.size();
    }
    void put_object(std::string_view object) {
        KnownObjects::Known* const found = known.note(object, block, new_code());
        found == nullptr ? put_json(object) : put_known(*found);
    }

private:
    int32_t new_code() const { return static_cast<int32_t>(ends.size() - 1); }
    void put_known(KnownObjects::Known& found) {
        if (found.block != block) {
            found.block = block;
            found.code = new_code();
            return put_json(found.object);
        }
        present.back() = 1;
        codes.back() = found.code;
    }
};

}  // namespace pipeline
