// Counts what a JSON document holds, by name: how many numbers, booleans and texts lie at each path; null is nothing. All
// elements of an array have one path. Paths that are declared say what is read; where one has any key, all keys that no
// other path names are one.
//
// The document comes in blocks, and may be several, as lines are.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "json_tokens.h"

namespace pipeline {

// What is done with the values at a path; pipeline/native/json_names.py has the words.
enum Use : int32_t { kIgnored = 0, kRead = 1, kReadNumbers = 2, kReadFigures = 3, kLeft = 4 };

// A place in the tree of declared paths.
struct Declared {
    std::unordered_map<std::string, int32_t> keys{};
    std::vector<std::pair<int64_t, int32_t>> elements{};
    int32_t any_key = -1, any_element = -1;
    Use use = kIgnored;    // of the values here
    Use below = kIgnored;  // of all below that no path leads to
};

// A path of the document.
struct Name {
    enum Kind : int32_t { kKey = 0, kAnyKey, kAnyElement, kElement, kBelow, kAgain, kMore, kRoot } kind;
    int32_t parent = -1;
    int64_t number = 0;  // of an element
    std::string key{};
    Use use = kIgnored, below = kIgnored;
    std::vector<int32_t> declared{};
    std::unordered_map<std::string, int32_t> keys{}, again{};
    std::vector<std::pair<int64_t, int32_t>> elements{};
    int32_t any_key = -1, any_element = -1, rest = -1;
    bool tells_elements = false;
    int64_t numbers = 0, booleans = 0, texts = 0;
};

// The keys of one object, by their hashes.
class SeenKeys {
public:
    void clear() {
        places_.assign(kFew, 0);
        count_ = 0;
    }
    // False where it was there.
    bool add(uint64_t hash) {
        hash += hash == 0;
        if (2 * ++count_ > places_.size()) grow();
        return put(hash);
    }

private:
    static constexpr size_t kFew = 32;
    bool put(uint64_t hash) {
        size_t at = hash & (places_.size() - 1);
        while (places_[at] != 0 && places_[at] != hash) at = (at + 1) & (places_.size() - 1);
        if (places_[at] == hash) return false;
        places_[at] = hash;
        return true;
    }
    void grow() {
        std::vector<uint64_t> before(2 * places_.size(), 0);
        before.swap(places_);
        for (const uint64_t hash : before)
            if (hash != 0) put(hash);
    }
    std::vector<uint64_t> places_ = std::vector<uint64_t>(kFew, 0);
    size_t count_ = 0;
};

class Names : private Tokens {
public:
    explicit Names(int64_t limit) : Tokens(true), limit_(static_cast<size_t>(limit)), declared_(1) {
        begin(0);
        names_.push_back({Name::kRoot});
        names_[0].declared = {0};
    }
    // Gives the place that a step leads to from another.
    int32_t declare(int32_t from, Name::Kind kind, int64_t number, std::string key) {
        const auto next = static_cast<int32_t>(declared_.size());
        Declared& place = declared_.at(static_cast<size_t>(from));
        int32_t found = next;
        if (kind == Name::kKey) {
            found = place.keys.emplace(std::move(key), next).first->second;
        } else if (kind == Name::kElement) {
            for (const auto& [one, to] : place.elements)
                if (one == number) found = to;
            if (found == next) place.elements.emplace_back(number, next);
            names_[0].tells_elements |= from == 0;
        } else {
            int32_t& to = kind == Name::kAnyKey ? place.any_key : place.any_element;
            if (to < 0) to = next;
            found = to;
        }
        if (found == next) declared_.emplace_back();
        return found;
    }
    void declare_use(int32_t at, Use use, bool is_below) {
        Declared& place = declared_.at(static_cast<size_t>(at));
        (is_below ? place.below : place.use) = use;
        names_[0].below = declared_[0].below;
    }
    Fault read(const char* data, size_t size, bool is_last, int64_t& line) {
        feed(data, size, is_last);
        try {
            while (step()) {
            }
            if (is_last && !(stack_.empty() && expect_ == kValue)) throw Bad{kNotJson};
        } catch (const Bad& bad) {
            line = line_of_token();
            return bad.fault;
        }
        return kSound;
    }
    const std::vector<Name>& names() const { return names_; }

private:
    enum Expect { kValue, kValueOrEnd, kKey, kKeyOrEnd, kColon, kCommaOrEnd };
    struct Frame {
        bool is_object;
        int32_t name;
        int64_t count;  // of elements that began
    };

    // Does the next token; false where the block ends before it does.
    bool step() {
        if (!find_token()) return false;
        const char c = buffer_[at_];
        switch (expect_) {
            case kColon:
                if (c != ':') throw Bad{kNotJson};
                ++at_;
                expect_ = kValue;
                return true;
            case kCommaOrEnd:
                if (c == (stack_.back().is_object ? '}' : ']')) return end();
                if (c != ',') throw Bad{kNotJson};
                ++at_;
                expect_ = stack_.back().is_object ? kKey : kValue;
                return true;
            case kKeyOrEnd:
                if (c == '}') return end();
                [[fallthrough]];
            case kKey: return key();
            case kValueOrEnd:
                if (c == ']') return end();
                [[fallthrough]];
            case kValue: return value(c);
        }
        return false;
    }
    bool end() {
        ++at_;
        stack_.pop_back();
        expect_ = stack_.empty() ? kValue : kCommaOrEnd;
        return true;
    }
    bool key() {
        if (buffer_[at_] != '"') throw Bad{kNotJson};
        const size_t start = at_;
        bool escaped = false;
        if (!string(escaped)) return false;
        const std::string_view text(buffer_.data() + start + 1, at_ - start - 2);
        name_.clear();
        if (!escaped || !put_unescaped(name_, text)) name_.assign(text);
        const int32_t from = stack_.back().name;
        next_ = below_key(from);
        if (!seen_[stack_.size() - 1].add(std::hash<std::string_view>{}(name_))) ++names_[again(from, next_)].texts;
        expect_ = kColon;
        return true;
    }
    bool value(char c) {
        if (c == '{' || c == '[') {
            if (stack_.size() == kMaxNesting) throw Bad{kTooDeep};
            const int32_t name = name_of_value();
            ++at_;
            stack_.push_back({c == '{', name, 0});
            if (seen_.size() < stack_.size()) seen_.emplace_back();
            seen_[stack_.size() - 1].clear();
            expect_ = c == '{' ? kKeyOrEnd : kValueOrEnd;
            return true;
        }
        bool escaped;
        if (!(c == '"' ? string(escaped) : word())) return false;
        Name& name = names_[name_of_value()];
        name.texts += c == '"';
        name.booleans += c == 't' || c == 'f';
        name.numbers += is_digit(c) || c == '-' || c == 'N' || c == 'I';
        expect_ = stack_.empty() ? kValue : kCommaOrEnd;
        return true;
    }
    int32_t name_of_value() {
        if (stack_.empty()) return 0;
        Frame& frame = stack_.back();
        return frame.is_object ? next_ : below_element(frame.name, frame.count++);
    }

    static bool is_one(const Name& name) { return name.kind == Name::kBelow || name.kind == Name::kMore; }
    int32_t add(Name name) {
        const Name& from = names_[name.parent];
        name.below = from.below;
        for (auto at = name.declared.rbegin(); at != name.declared.rend(); ++at) {  // the first one says more than others
            const Declared& place = declared_[*at];
            if (place.use != kIgnored) name.use = place.use;
            if (place.below != kIgnored) name.below = place.below;
            name.tells_elements |= !place.elements.empty();
        }
        if (name.use == kIgnored) name.use = from.below;
        names_.push_back(std::move(name));
        return static_cast<int32_t>(names_.size() - 1);
    }
    int32_t rest(int32_t from) {
        if (names_[from].rest < 0) {
            const int32_t made = add({Name::kBelow, from});
            names_[from].rest = made;
        }
        return names_[from].rest;
    }
    // The name of all that there are too many of.
    int32_t more() {
        if (more_ < 0) more_ = add({Name::kMore, 0});
        return more_;
    }
    bool is_full() const { return names_.size() >= limit_; }

    // Gives the name of a key that stands in an object again, as one that has a name stands there first.
    int32_t again(int32_t from, int32_t first) {
        const auto found = names_[from].again.find(name_);
        if (found != names_[from].again.end()) return found->second;
        if (is_full()) return more();
        const int32_t made = add({Name::kAgain, from, 0, name_});
        names_[made].use = names_[first].use == kIgnored ? names_[first].below : names_[first].use;
        names_[from].again.emplace(name_, made);
        return made;
    }
    // Gives the name of the key that was read, in an object of another name.
    int32_t below_key(int32_t from) {
        if (is_one(names_[from])) return from;
        const auto found = names_[from].keys.find(name_);
        if (found != names_[from].keys.end()) return found->second;
        std::vector<int32_t> exact, any;
        for (const int32_t at : names_[from].declared) {
            const Declared& place = declared_[at];
            const auto to = place.keys.find(name_);
            if (to != place.keys.end()) exact.push_back(to->second);
            if (place.any_key >= 0) any.push_back(place.any_key);
        }
        if (exact.empty() && any.empty() && names_[from].below != kIgnored) return rest(from);
        // Where not all is read, keys are told by their names.
        const Use use = any.size() == 1 ? declared_[any[0]].use : kIgnored;
        const bool is_told = (use == kReadNumbers || use == kReadFigures) && !is_full();
        if (exact.empty() && !any.empty() && !is_told) {
            if (names_[from].any_key < 0) {
                const int32_t made = add({Name::kAnyKey, from, 0, {}, kIgnored, kIgnored, any});
                names_[from].any_key = made;
            }
            return names_[from].any_key;
        }
        exact.insert(exact.end(), any.begin(), any.end());
        if (exact.empty() && is_full()) return more();
        const int32_t made = add({Name::kKey, from, 0, name_, kIgnored, kIgnored, exact});
        names_[from].keys.emplace(name_, made);
        return made;
    }
    int32_t below_element(int32_t from, int64_t number) {
        if (is_one(names_[from])) return from;
        if (names_[from].tells_elements) {
            for (const auto& [one, name] : names_[from].elements)
                if (one == number) return name;
            std::vector<int32_t> exact;
            for (const int32_t at : names_[from].declared)
                for (const auto& [one, to] : declared_[at].elements)
                    if (one == number) exact.push_back(to);
            if (!exact.empty()) {
                const int32_t made = add({Name::kElement, from, number, {}, kIgnored, kIgnored, exact});
                names_[from].elements.emplace_back(number, made);
                return made;
            }
        }
        if (names_[from].any_element >= 0) return names_[from].any_element;
        std::vector<int32_t> any;
        for (const int32_t at : names_[from].declared)
            if (declared_[at].any_element >= 0) any.push_back(declared_[at].any_element);
        if (any.empty() && names_[from].below != kIgnored) return rest(from);
        if (any.empty() && is_full()) return more();
        const int32_t made = add({Name::kAnyElement, from, 0, {}, kIgnored, kIgnored, any});
        names_[from].any_element = made;
        return made;
    }

    const size_t limit_;
    std::vector<Declared> declared_;
    std::vector<Name> names_;
    int32_t more_ = -1;
    Expect expect_ = kValue;
    std::vector<Frame> stack_;
    std::vector<SeenKeys> seen_;  // by depth
    int32_t next_ = 0;            // the name of the value behind a key
};

}  // namespace pipeline
