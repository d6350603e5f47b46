// Texts of a column that mostly repeat: each distinct one is kept once, in the order in which they came.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pipeline {

class RepeatedTexts {
public:
    void clear() {
        slots_.assign(slots_.size(), kNone);
        hashes_.clear();
        next_.clear();
        ends_.assign(1, 0);
        data_.clear();
        previous_ = kNone;
    }
    size_t size() const { return next_.size(); }
    std::string_view text(int32_t place) const {
        const auto at = static_cast<size_t>(place);
        return {data_.data() + ends_[at], static_cast<size_t>(ends_[at + 1] - ends_[at])};
    }
    const std::vector<int32_t>& ends() const { return ends_; }
    const std::string& data() const { return data_; }

    // Gives the place of a text among the distinct ones.
    int32_t place_of(std::string_view wanted) {
        // What followed a text once mostly follows it again: that saves the look at all of its bytes.
        const int32_t guess = previous_ == kNone ? kNone : next_[static_cast<size_t>(previous_)];
        const int32_t place = guess != kNone && text(guess) == wanted ? guess : find(wanted);
        if (previous_ != kNone) next_[static_cast<size_t>(previous_)] = place;
        return previous_ = place;
    }

private:
    static constexpr int32_t kNone = -1;

    int32_t find(std::string_view wanted) {
        const size_t hash = std::hash<std::string_view>{}(wanted);
        if (2 * (size() + 1) > slots_.size()) grow();
        size_t slot = hash & (slots_.size() - 1);
        for (; slots_[slot] != kNone; slot = (slot + 1) & (slots_.size() - 1)) {
            const int32_t place = slots_[slot];
            if (hashes_[static_cast<size_t>(place)] == hash && text(place) == wanted) return place;
        }
        hashes_.push_back(hash);
        next_.push_back(kNone);
        data_.append(wanted);
        ends_.push_back(static_cast<int32_t>(data_.size()));
        return slots_[slot] = static_cast<int32_t>(size() - 1);
    }
    void grow() {
        slots_.assign(slots_.empty() ? 32 : 2 * slots_.size(), kNone);
        for (size_t place = 0; place < size(); ++place) {
            size_t slot = hashes_[place] & (slots_.size() - 1);
            while (slots_[slot] != kNone) slot = (slot + 1) & (slots_.size() - 1);
            slots_[slot] = static_cast<int32_t>(place);
        }
    }

    std::vector<int32_t> slots_;   // a hash table of places
    std::vector<size_t> hashes_;   // by place
    std::vector<int32_t> next_;    // by place: which came after it last
    std::vector<int32_t> ends_{0};
    std::string data_;
    int32_t previous_ = kNone;
};

}  // namespace pipeline
