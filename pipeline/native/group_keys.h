// Groups of values: what is kept of each, and which one has which keys.
#pragma once

#include <cstdint>
#include <limits>
#include <stdexcept>
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
};

// Numbers groups by their keys, in the order in which they appear.
class Keys {
public:
    explicit Keys(size_t width) : width_(width), slots_(1024, kFree) {}

    uint32_t find(const int64_t* key) {
        uint64_t hash = 0;
        for (size_t i = 0; i < width_; ++i) {
            hash = (hash ^ static_cast<uint64_t>(key[i])) * 0x9e3779b97f4a7c15;
            hash ^= hash >> 29;
        }
        for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
            const uint32_t group = slots_[at];
            if (group == kFree) return add(at, key, hash);
            if (is_same(key, keys_.data() + group * width_)) return group;
        }
    }
    size_t size() const { return hashes_.size(); }
    const std::vector<int64_t>& all() const { return keys_; }

private:
    static constexpr uint32_t kFree = UINT32_MAX;
    bool is_same(const int64_t* a, const int64_t* b) const {
        int64_t difference = 0;
        for (size_t i = 0; i < width_; ++i) difference |= a[i] ^ b[i];
        return difference == 0;
    }
    // Makes a group, found again at a slot that is free.
    uint32_t add(size_t slot, const int64_t* key, uint64_t hash) {
        const auto made = static_cast<uint32_t>(size());
        slots_[slot] = made;
        keys_.insert(keys_.end(), key, key + width_);
        hashes_.push_back(hash);
        if (made + 1 == kFree) throw std::runtime_error("more groups than can be counted");
        if (2 * size() > slots_.size()) grow();
        return made;
    }
    void grow() {
        slots_.assign(2 * slots_.size(), kFree);
        for (size_t group = 0; group < hashes_.size(); ++group) {
            size_t at = hashes_[group] & (slots_.size() - 1);
            while (slots_[at] != kFree) at = (at + 1) & (slots_.size() - 1);
            slots_[at] = static_cast<uint32_t>(group);
        }
    }
    size_t width_;
    std::vector<uint32_t> slots_;
    std::vector<int64_t> keys_;
    std::vector<uint64_t> hashes_;
};

}  // namespace pipeline
