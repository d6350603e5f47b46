// Objects that JSON texts hold, taken apart: fields that are asked for, and all members that are numbers, true or false.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "json_parts.h"
#include "json_texts.h"

namespace pipeline {

constexpr size_t kMaxKnownKeys = 10'000;  // of all objects, before they are forgotten

// The keys of objects: what followed a key once mostly follows it again.
class ObjectKeys {
public:
    struct Key {
        std::string quoted;  // as it stands in texts; where that has escapes, a quote that fits none
        std::string_view name{};
        int32_t field = -1;
        int32_t next = 0;     // the key that followed
        int64_t object = -1;  // the last one that has it
        size_t member = 0;    // the first of that one that has it
    };

    ObjectKeys() { forget(); }
    void add_field(std::string_view name) {
        fields_.emplace_back(name);
        forget();
    }
    size_t field_count() const { return fields_.size(); }
    const std::string& first_field() const { return fields_[0]; }
    Key& operator[](int32_t place) { return keys_[static_cast<size_t>(place)]; }
    // Gives the place of a key, which is without escapes.
    int32_t find(std::string_view name) {
        const auto [found, is_new] = places_.emplace(name, static_cast<int32_t>(keys_.size()));
        if (!is_new) return found->second;
        const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) { return kInString[static_cast<uint8_t>(c)] != 0; });
        keys_.push_back({is_plain ? '"' + found->first + '"' : "\"", found->first});
        for (size_t i = 0; i < fields_.size(); ++i)
            if (fields_[i] == name) keys_.back().field = static_cast<int32_t>(i);
        return found->second;
    }
    // Begins another object.
    void begin() {
        if (keys_.size() > kMaxKnownKeys) forget();
        ++object_;
    }
    // Notes that the object has a key as its next member; gives the member that has it already, else this one.
    size_t note(int32_t place, size_t member) {
        Key& key = (*this)[place];
        if (key.object == object_) return key.member;
        key.object = object_;
        return key.member = member;
    }

private:
    void forget() {
        keys_.assign(1, {"\""});  // stands before all keys of an object
        places_.clear();
    }
    std::vector<std::string> fields_;
    std::vector<Key> keys_;
    std::unordered_map<std::string, int32_t> places_;  // whose texts stay where they are
    int64_t object_ = 0;
};

// What objects hold, as Arrow has it: a row each.
struct ObjectRows {
    std::vector<Texts> fields;
    Texts keys{false}, figures{false};
    std::vector<int32_t> ends{0};  // of the keys and figures of each
    std::vector<uint8_t> present;  // whether it is one, or an array

    void clear() {
        for (Texts& field : fields) field.clear();
        keys.clear();
        figures.clear();
        ends.assign(1, 0);
        present.clear();
    }
    void begin() {
        for (Texts& field : fields) field.begin_row();
    }
    void end(bool is_object) {
        for (Texts& field : fields) field.end_row();
        ends.push_back(static_cast<int32_t>(keys.ends.size() - 1));
        present.push_back(is_object);
    }
    void add_figure(std::string_view key, std::string_view figure) {
        keys.data.append(key);
        keys.end_text();
        if (figure[0] == 't' || figure[0] == 'f') figure = figure[0] == 't' ? "1" : "0";
        figures.data.append(figure);
        figures.end_text();
    }
};

struct Member {
    int32_t key;
    std::string_view value;
};

// A text that is such an object, or arrays and objects of such.
class ObjectText : private JsonParts {
public:
    ObjectText(std::string_view text, ObjectKeys& keys, ObjectRows& rows, std::vector<Member>& members)
        : JsonParts(text.data(), text.data() + text.size()), keys_(keys), rows_(rows), members_(members) {}

    // Takes apart what lies in so many arrays and objects at most. An array that lies deeper is taken for an object without
    // members; other values are rows that are none.
    void read(int levels) {
        skip_space();
        look_into(levels, 0);
        skip_space();
        if (at_ != end_) throw Bad{kNotJson};
    }

private:
    void look_into(int levels, int depth) {
        if (!more()) throw Bad{kNotJson};
        if (*at_ == '{' && (levels == 0 || has_first_field(depth))) {
            object(depth);
        } else if (*at_ == '{') {
            bool escaped;
            members(depth, [&] { key(escaped), skip_space(), look_into(levels - 1, depth + 1); });
        } else if (*at_ == '[' && levels > 0) {
            elements(depth, [&] { look_into(levels - 1, depth + 1); });
        } else {
            const bool is_array = *at_ == '[';
            skip(depth);
            rows_.begin();
            rows_.end(is_array);
        }
    }
    // Whether the object that comes has a text as its first field. What is wrong with it is found when it is read.
    bool has_first_field(int depth) {
        const char* const start = at_++;
        bool is_text = false;
        for (skip_space(); more() && *at_ == '"'; ++at_, skip_space()) {
            const std::string_view name = plain_key();
            skip_space();
            if (name == keys_.first_field()) {
                is_text = more() && *at_ == '"';
                break;
            }
            skip(depth + 1);
            skip_space();
            if (!more() || *at_ != ',') break;
        }
        at_ = start;
        return is_text;
    }
    // Passes over a key and its colon; gives it without escapes.
    std::string_view plain_key() {
        bool escaped;
        const std::string_view name = key(escaped);
        if (!escaped) return name;
        name_.clear();
        put_unescaped(name_, name);
        return name_;
    }
    int32_t next_key(int32_t last) {
        const int32_t expected = keys_[last].next;
        if (const std::string& quoted = keys_[expected].quoted; begins_with(quoted) && quoted.size() > 1) {
            at_ += quoted.size();
            skip_space();
            expect(':');
            return expected;
        }
        const int32_t found = keys_.find(plain_key());
        keys_[last].next = found;
        return found;
    }
    void object(int depth) {
        keys_.begin();
        members_.clear();
        int32_t last = 0;
        members(depth, [&] {
            last = next_key(last);
            skip_space();
            const char* const start = at_;
            skip(depth + 1);
            const size_t first = keys_.note(last, members_.size());
            const std::string_view value(start, static_cast<size_t>(at_ - start));
            // Of a key that stands twice the first value counts.
            members_.push_back({last, first < members_.size() ? members_[first].value : value});
        });
        put();
    }
    // Adds the row of the object that was read.
    void put() {
        rows_.begin();
        for (const Member& member : members_) {
            const ObjectKeys::Key& key = keys_[member.key];
            if (key.field >= 0) put_field(rows_.fields[static_cast<size_t>(key.field)], member.value, key.field == 0);
            if (is_figure(member.value[0])) rows_.add_figure(key.name, member.value);
        }
        rows_.end(true);
    }
    static bool is_figure(char c) { return is_digit(c) || c == '-' || c == 't' || c == 'f' || c == 'N' || c == 'I'; }
    static void put_field(Texts& field, std::string_view value, bool is_text_wanted) {
        if (field.present.back() != 0 || value[0] == 'n' || (is_text_wanted && value[0] != '"')) return;
        field.present.back() = 1;
        if (value[0] != '"') {
            field.data.append(value);
            return;
        }
        value = value.substr(1, value.size() - 2);
        if (value.find('\\') == std::string_view::npos)
            field.data.append(value);
        else
            put_unescaped(field.data, value);
    }

    ObjectKeys& keys_;
    ObjectRows& rows_;
    std::vector<Member>& members_;
    std::string name_;
};

}  // namespace pipeline
