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
        int32_t field = -1, figure = -1;  // among those that are asked for
        int32_t next = 0;     // the key that followed
        int64_t object = -1;  // the last one that has it
        size_t member = 0;    // the first of that one that has it
    };

    ObjectKeys() { forget(); }
    void add_field(std::string_view name) {
        fields_.emplace_back(name);
        forget();
    }
    void add_figure(std::string_view name) {
        figures_.emplace_back(name);
        forget();
    }
    // Those that are asked for, whatever they are; none where all that are figures are wanted.
    const std::vector<std::string>& figures() const { return figures_; }
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
        for (size_t i = 0; i < figures_.size(); ++i)
            if (figures_[i] == name) keys_.back().figure = static_cast<int32_t>(i);
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
    std::vector<std::string> fields_, figures_;
    std::vector<Key> keys_;
    std::unordered_map<std::string, int32_t> places_;  // whose texts stay where they are
    int64_t object_ = 0;
};

// What objects hold, as Arrow has it: a row each.
struct ObjectRows {
    struct Mark {
        size_t rows, keys, figures;
    } marked{};
    std::vector<Texts> fields;
    Texts keys{false}, figures{false};
    std::vector<int32_t> ends{0};  // of the keys and figures of each
    std::vector<uint8_t> present;  // whether it is one, or an array
    std::vector<std::string_view> wanted;  // figures of an object that are asked for

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
    // Notes how many there are, to go back to that.
    void mark() { marked = {present.size(), keys.ends.size(), figures.present.size()}; }
    void go_back() {
        for (Texts& field : fields) cut(field, marked.rows + 1, marked.rows);
        cut(keys, marked.keys, 0);
        cut(figures, marked.keys, marked.figures);
        ends.resize(marked.rows + 1);
        present.resize(marked.rows);
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

private:
    static void cut(Texts& texts, size_t ends, size_t present) {
        texts.ends.resize(ends);
        texts.data.resize(static_cast<size_t>(texts.ends.back()));
        texts.present.resize(present);
    }
};

struct Member {
    int32_t key;
    std::string_view value;
};

// Where objects lie in a text: the value of a key, or all elements of an array, and so on from there.
struct ObjectStep {
    bool is_element;
    std::string key;
};

// A text that is such an object, or arrays and objects of such, or has them at the end of a path.
class ObjectText : private JsonParts {
public:
    ObjectText(std::string_view text, ObjectKeys& keys, ObjectRows& rows, std::vector<Member>& members)
        : JsonParts(text.data(), text.data() + text.size()), keys_(keys), rows_(rows), members_(members) {}

    // Takes apart the objects at the end of a path, where there is one: of a key that stands twice the first value is looked
    // into. Else takes apart what lies in so many arrays and objects at most. An array that lies deeper is taken for an object
    // without members; other values are rows that are none.
    void read(const std::vector<ObjectStep>& path, int levels) {
        read_value(path, levels);
        if (more()) throw Bad{kNotJson};
    }
    // Does the same with elements of an array that stand in the text, each with what separates it from the next one. Gives how
    // much of the text these are: an element that goes on behind it is left.
    size_t read_elements(const std::vector<ObjectStep>& path, int levels) {
        const char* const start = at_;
        const char* done = start;
        try {
            while (true) {
                rows_.mark();
                read_value(path, levels);
                if (!more()) break;
                const bool is_last = *at_ == ']';
                if (!is_last) expect(',');
                done = at_;
                if (is_last) return static_cast<size_t>(done - start);
            }
        } catch (const Bad&) {
            if (end_ - at_ > kUnsure) throw;  // more of the text would not help
        }
        rows_.go_back();
        return static_cast<size_t>(done - start);
    }

private:
    static constexpr int kUnsure = 16;  // bytes of a name or an escape, and more

    void read_value(const std::vector<ObjectStep>& path, int levels) {
        skip_space();
        path.empty() ? look_into(levels, 0) : follow(path, 0);
        skip_space();
    }
    void follow(const std::vector<ObjectStep>& path, size_t step) {
        const int depth = static_cast<int>(step);
        if (!more()) throw Bad{kNotJson};
        if (*at_ == '{' && step == path.size()) {
            object(depth);
        } else if (*at_ == '[' && step < path.size() && path[step].is_element) {
            elements(depth, [&] { follow(path, step + 1); });
        } else if (*at_ == '{' && !path[step].is_element) {
            bool is_found = false;
            members(depth, [&] {
                const bool is_it = plain_key() == path[step].key && !is_found;
                skip_space();
                is_found |= is_it;
                is_it ? follow(path, step + 1) : skip(depth + 1);
            });
        } else {
            skip(depth);
        }
    }
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
        const std::vector<std::string>& wanted = keys_.figures();
        rows_.begin();
        rows_.wanted.assign(wanted.size(), {});
        for (const Member& member : members_) {
            const ObjectKeys::Key& key = keys_[member.key];
            if (key.field >= 0) put_field(rows_.fields[static_cast<size_t>(key.field)], member.value, key.field == 0 && wanted.empty());
            if (key.figure >= 0) rows_.wanted[static_cast<size_t>(key.figure)] = member.value;
            if (wanted.empty() && is_figure(member.value[0])) rows_.add_figure(key.name, member.value);
        }
        for (size_t i = 0; i < wanted.size(); ++i) {
            if (rows_.wanted[i].empty()) continue;
            rows_.keys.data.append(wanted[i]);
            rows_.keys.end_text();
            rows_.figures.begin_row();
            put_field(rows_.figures, rows_.wanted[i], false);
            rows_.figures.end_row();
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
