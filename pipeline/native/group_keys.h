// Groups of values: what is kept of each, which one has which keys, and the texts among those; as many as find room.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace pipeline {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Place {  // first and last go by this
    int64_t time, sequence, session;
    bool operator<(const Place& other) const {
        if (time != other.time) return time < other.time;
        if (sequence != other.sequence) return sequence < other.sequence;
        return session < other.session;
    }
};

struct Group {
    int64_t count = 0, null_count = 0, non_finite_count = 0, session_count = 0, last_session = -1;
    Place first_place{}, last_place{};
    double first = kNaN, last = kNaN;

    // Adds a row, all rows of a session before those of the next.
    void add_row_of(int64_t session) {
        if (last_session == session) return;
        last_session = session;
        ++session_count;
    }
    void add_value(double value, const Place& place) {
        if (count == 0 || place < first_place) {
            first_place = place;
            first = value;
        }
        if (count == 0 || !(place < last_place)) {
            last_place = place;
            last = value;
        }
        ++count;
    }
};

// Memory that may be taken. What found no room once never finds any: so a key is held from its first row on or never.
class Room {
public:
    explicit Room(size_t bytes) : left_(std::max<size_t>(bytes, kLeast)) {}
    bool take(size_t bytes) {
        is_full_ |= bytes > left_;
        if (!is_full_) left_ -= bytes;
        return !is_full_;
    }

private:
    static constexpr size_t kLeast = 1'000;
    size_t left_;
    bool is_full_ = false;
};

// Distinct texts, numbered in the order in which they appear.
class Texts {
public:
    static constexpr uint64_t kUnknown = UINT64_MAX;

    Texts() : slots_(64, kFree) {}

    // Gives the number of a text; kUnknown for a new one that finds no room.
    uint64_t find(std::string_view text, Room& room) {
        const size_t hash = std::hash<std::string_view>{}(text);
        size_t at = hash & (slots_.size() - 1);
        for (; slots_[at] != kFree; at = (at + 1) & (slots_.size() - 1)) {
            const uint32_t number = slots_[at];
            if (hashes_[number] == hash && (*this)[number] == text) return number;
        }
        // It stands here, and once more in the keys that are sorted at the end.
        if (!room.take(2 * text.size() + 64)) return kUnknown;
        const auto made = static_cast<uint32_t>(hashes_.size());
        slots_[at] = made;
        hashes_.push_back(hash);
        bytes_.append(text);
        ends_.push_back(bytes_.size());
        if (2 * hashes_.size() > slots_.size()) grow();
        return made;
    }
    std::string_view operator[](uint64_t number) const {
        const size_t begin = number == 0 ? 0 : ends_[number - 1];
        return {bytes_.data() + begin, ends_[number] - begin};
    }

private:
    static constexpr uint32_t kFree = UINT32_MAX;
    void grow() {
        slots_.assign(2 * slots_.size(), kFree);
        for (size_t number = 0; number < hashes_.size(); ++number) {
            size_t at = hashes_[number] & (slots_.size() - 1);
            while (slots_[at] != kFree) at = (at + 1) & (slots_.size() - 1);
            slots_[at] = static_cast<uint32_t>(number);
        }
    }
    std::vector<uint32_t> slots_;  // a hash table of numbers
    std::vector<size_t> hashes_;   // by number
    std::vector<size_t> ends_;     // by number: where it ends among the bytes
    std::string bytes_;
};

// Numbers groups by their keys, in the order in which they appear.
class Keys {
public:
    static constexpr uint32_t kUnknown = UINT32_MAX;

    explicit Keys(size_t width) : width_(width), slots_(1024, kUnknown) {}

    // Gives the number of a group; kUnknown for a new one that finds no room, `bytes` of it.
    uint32_t find(const uint64_t* key, Room& room, size_t bytes) {
        uint64_t hash = 0;
        for (size_t i = 0; i < width_; ++i) {
            hash = (hash ^ key[i]) * 0x9e3779b97f4a7c15;
            hash ^= hash >> 29;
        }
        size_t at = hash & (slots_.size() - 1);
        for (; slots_[at] != kUnknown; at = (at + 1) & (slots_.size() - 1))
            if (is_same(key, (*this)[slots_[at]])) return slots_[at];
        if (size() == kUnknown || !room.take(bytes)) return kUnknown;
        return add(at, key, hash);
    }
    size_t size() const { return hashes_.size(); }
    const uint64_t* operator[](uint32_t group) const { return keys_.data() + group * width_; }

private:
    bool is_same(const uint64_t* a, const uint64_t* b) const {
        uint64_t difference = 0;
        for (size_t i = 0; i < width_; ++i) difference |= a[i] ^ b[i];
        return difference == 0;
    }
    // Makes a group, found again at a slot that is free.
    uint32_t add(size_t slot, const uint64_t* key, uint64_t hash) {
        const auto made = static_cast<uint32_t>(size());
        slots_[slot] = made;
        keys_.insert(keys_.end(), key, key + width_);
        hashes_.push_back(hash);
        if (2 * size() > slots_.size()) grow();
        return made;
    }
    void grow() {
        slots_.assign(2 * slots_.size(), kUnknown);
        for (size_t group = 0; group < hashes_.size(); ++group) {
            size_t at = hashes_[group] & (slots_.size() - 1);
            while (slots_[at] != kUnknown) at = (at + 1) & (slots_.size() - 1);
            slots_[at] = static_cast<uint32_t>(group);
        }
    }
    size_t width_;
    std::vector<uint32_t> slots_;
    std::vector<uint64_t> keys_;
    std::vector<uint64_t> hashes_;
};

}  // namespace pipeline
