// One JSON line, checked as a whole; what belongs to fields is kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "json_parts.h"
#include "json_texts.h"

namespace pipeline {

constexpr size_t kMaxKeys = 64;       // of one object that are looked for
constexpr size_t kMaxKeyBytes = 256;  // of a key that is known again
constexpr size_t kMaxUnread = 1000;   // keys of one object that are no field

struct Node;

// A key that leads to no field.
struct UnreadKey {
    std::string name;
    int64_t values = 0;   // that are not null
    int64_t numbers = 0;  // there, or below
};

// A key as an object had it last at a place, with its quotes and colon.
struct KnownKey {
    std::string text;
    const Node* child;
    size_t unread;  // its place among those that lead to no field
};

// A key on the way to a field.
struct Node {
    std::string name;
    int32_t field = -1;
    std::vector<Node> children;
    mutable std::vector<KnownKey> keys{};  // objects mostly have the same ones in the same order
    mutable std::vector<UnreadKey> unread{};
    mutable std::unordered_map<std::string, size_t> unread_places{};

    // Gives the place of a key among those that lead to no field; all that there are too many of are one.
    size_t unread_place(std::string_view key) const {
        std::string text(unread.size() < kMaxUnread || unread_places.count(std::string(key)) != 0 ? key : "...");
        const auto [found, is_new] = unread_places.emplace(std::move(text), unread.size());
        if (is_new) unread.push_back({found->first});
        return found->second;
    }
};

class Line : private JsonParts {
public:
    Line(const char* at, const char* end, std::vector<Texts>& fields) : JsonParts(at, end), fields_(fields) {}

    void read(const Node& root) {
        skip_space();
        const char* const start = at_;
        value(&root, 0);
        skip_space();
        if (at_ != end_) throw Bad{kNotJson};
        if (*start != '{') throw Bad{kNoObject};
    }

private:
    // Passes over a value and keeps what belongs to the fields at or below a node, which is null where none do.
    void value(const Node* node, int depth) {
        if (node == nullptr) return skip(depth);
        if (!more()) throw Bad{kNotJson};
        const char* const start = at_;
        Texts* const field = node->field < 0 ? nullptr : &fields_[node->field];
        const bool is_whole = field != nullptr && field->is_json && node->children.empty() && *at_ == '{';
        if (is_whole) {
            const size_t known = field->put_known({at_, static_cast<size_t>(end_ - at_)});
            at_ += known;
            if (known != 0) return;
        }
        bool escaped = false;
        std::string_view text;
        switch (*at_) {
            case '{': object(*node, depth); break;
            case '"': text = string(escaped); break;
            default: skip(depth);
        }
        if (field == nullptr || *start == 'n') return;
        const std::string_view whole(start, at_ - start);
        if (is_whole) return field->put_object(whole);
        if (field->is_json) return field->put_json(whole);
        field->present.back() = 1;
        if (*start != '"')
            field->data.append(whole);
        else if (escaped)
            put_unescaped(field->data, text);
        else
            field->data.append(text);
    }
    void object(const Node& node, int depth) {
        uint64_t seen = 0;
        size_t place = 0;
        members(depth, [&] {
            const Node* const below = key(node, place++, seen);
            skip_space();
            is_unread(node, below) ? unread(node, depth) : value(below, depth + 1);
        });
    }
    // Whether the value that comes belongs to no field: its key leads to none, or it should be an object on the way to one.
    bool is_unread(const Node& node, const Node* below) {
        if (node.field >= 0) return false;
        if (below == nullptr) return true;
        if (below->field >= 0 || !more() || *at_ == '{' || *at_ == 'n') return false;
        unread_ = node.unread_place(below->name);
        return true;
    }
    // Passes over the value of the key that was read last, and counts it.
    void unread(const Node& node, int depth) {
        const size_t place = unread_;
        const int64_t before = numbers_;
        const bool is_null = more() && *at_ == 'n';
        skip(depth + 1);
        node.unread[place].values += is_null ? 0 : 1;
        node.unread[place].numbers += numbers_ - before;
    }
    // Passes over a key at a place of an object, and its colon; gives the node that it leads to, or null.
    const Node* key(const Node& node, size_t place, uint64_t& seen) {
        const Node* below;
        if (place < node.keys.size() && begins_with(node.keys[place].text)) {
            at_ += node.keys[place].text.size();
            below = node.keys[place].child;
            unread_ = node.keys[place].unread;
        } else {
            below = new_key(node, place);
        }
        if (below == nullptr) return nullptr;
        const uint64_t bit = uint64_t{1} << (below - node.children.data());
        if (seen & bit) throw Bad{kTwice};
        seen |= bit;
        return below;
    }
    // Does so where another key is expected, and notes it.
    const Node* new_key(const Node& node, size_t place) {
        const char* const start = at_;
        bool escaped;
        std::string_view name = JsonParts::key(escaped);
        if (escaped) {
            name_.clear();
            put_unescaped(name_, name);
            name = name_;
        }
        const Node* below = nullptr;
        for (const Node& child : node.children)
            if (child.name == name) below = &child;
        unread_ = below == nullptr && node.field < 0 ? node.unread_place(name) : 0;
        const std::string_view text(start, at_ - start);
        if (place < kMaxKeys && text.size() <= kMaxKeyBytes) {
            if (place >= node.keys.size()) node.keys.resize(place + 1, {"\"", nullptr, 0});  // which is no key
            node.keys[place] = {std::string(text), below, unread_};
        }
        return below;
    }
    std::vector<Texts>& fields_;
    std::string name_;
    size_t unread_ = 0;  // of the key that was read last
};

}  // namespace pipeline
