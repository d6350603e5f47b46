// One JSON line, checked as a whole; what belongs to fields is kept.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "json_escapes.h"
#include "json_texts.h"
#include "utf8.h"

namespace pipeline {

constexpr int kMaxDepth = 512;
constexpr size_t kMaxKeys = 64;       // of one object that are looked for
constexpr size_t kMaxKeyBytes = 256;  // of a key that is known again
constexpr size_t kMaxUnread = 1000;   // keys of one object that are no field

// What is wrong with a line; pipeline/native/json_lines.py has the words.
enum Fault : int32_t {
    kSound = 0,
    kNoMemory = 1,
    kNotJson = 2,
    kNoObject = 3,
    kNotUtf8 = 4,
    kTooDeep = 5,
    kTwice = 6,
    kHalfPair = 7,
};

struct Bad {
    Fault fault;
};

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

// 1: goes on, 2: beyond ASCII; 0: a quote, a backslash or a control character.
inline constexpr std::array<uint8_t, 256> kInString = [] {
    std::array<uint8_t, 256> kinds{};
    for (int c = 0x20; c < 256; ++c) kinds[c] = c == '"' || c == '\\' ? 0 : c < 0x80 ? 1 : 2;
    return kinds;
}();

// How many of the next eight bytes go on a string and are ASCII; fewer may be told where bytes do not come lowest first.
inline int plain_bytes(const char* at) {
    constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
    uint64_t word;
    std::memcpy(&word, at, 8);
    const uint64_t quote = word ^ (kOnes * '"'), backslash = word ^ (kOnes * '\\');
    const uint64_t ends = (((word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes)) & ~word) | word;
    if ((ends & kHighs) == 0) return 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_ctzll(ends & kHighs) / 8;
#else
    return 0;
#endif
}

class Line {
public:
    Line(const char* at, const char* end, std::vector<Texts>& fields) : at_(at), end_(end), fields_(fields) {}

    void read(const Node& root) {
        skip_space();
        const char* const start = at_;
        value(&root, 0);
        skip_space();
        if (at_ != end_) throw Bad{kNotJson};
        if (*start != '{') throw Bad{kNoObject};
    }

private:
    bool more() const { return at_ < end_; }
    void skip_space() {
        while (more() && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r' || *at_ == '\n')) ++at_;
    }
    void expect(char c) {
        if (!more() || *at_ != c) throw Bad{kNotJson};
        ++at_;
    }
    void word(std::string_view text) {
        if (static_cast<size_t>(end_ - at_) < text.size() || std::memcmp(at_, text.data(), text.size()) != 0)
            throw Bad{kNotJson};
        at_ += text.size();
    }
    void digits() {
        if (!more() || !is_digit(*at_)) throw Bad{kNotJson};
        while (more() && is_digit(*at_)) ++at_;
    }
    void number() {
        ++numbers_;
        if (*at_ == '-') ++at_;
        if (more() && *at_ == 'I') return word("Infinity");
        if (more() && *at_ == '0')
            ++at_;
        else
            digits();
        if (more() && *at_ == '.') {
            ++at_;
            digits();
        }
        if (more() && (*at_ == 'e' || *at_ == 'E')) {
            ++at_;
            if (more() && (*at_ == '+' || *at_ == '-')) ++at_;
            digits();
        }
    }
    int unit() {  // of UTF-16, behind \u
        int value = 0;
        for (int i = 0; i < 4; ++i) {
            const int digit = more() ? hex_digit(*at_) : -1;
            if (digit < 0) throw Bad{kNotJson};
            value = value << 4 | digit;
            ++at_;
        }
        return value;
    }
    // Passes over what stands behind \u: a character, or a pair of surrogates.
    void character() {
        const int first = unit();
        if (first < 0xd800 || first >= 0xe000) return;
        if (first >= 0xdc00 || end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') throw Bad{kHalfPair};
        at_ += 2;
        const int second = unit();
        if (second < 0xdc00 || second >= 0xe000) throw Bad{kHalfPair};
    }
    // Passes over a string; gives what stands between its quotes, and whether there are escapes in it.
    std::string_view string(bool& escaped) {
        expect('"');
        const char* const start = at_;
        uint8_t kinds = 0;
        escaped = false;
        while (true) {
            while (end_ - at_ >= 8) {
                const int plain = plain_bytes(at_);
                at_ += plain;
                if (plain < 8) break;
            }
            while (more()) {
                const uint8_t kind = kInString[static_cast<uint8_t>(*at_)];
                if (kind == 0) break;
                kinds |= kind;
                ++at_;
            }
            if (!more() || static_cast<uint8_t>(*at_) < 0x20) throw Bad{kNotJson};
            if (*at_ == '"') break;
            escaped = true;
            if (++at_ == end_) throw Bad{kNotJson};
            const char c = *at_++;
            if (c == 'u')
                character();
            else if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos)
                throw Bad{kNotJson};
        }
        const std::string_view text(start, at_ - start);
        ++at_;
        if ((kinds & 2) && count_characters(text) < 0) throw Bad{kNotUtf8};
        return text;
    }

    // Passes over a value and keeps what belongs to the fields at or below a node, which is null where none do.
    void value(const Node* node, int depth) {
        if (!more()) throw Bad{kNotJson};
        const char* const start = at_;
        Texts* const field = node == nullptr || node->field < 0 ? nullptr : &fields_[node->field];
        const bool is_whole = field != nullptr && field->is_json && node->children.empty() && *at_ == '{';
        if (is_whole) {
            const size_t known = field->put_known({at_, static_cast<size_t>(end_ - at_)});
            at_ += known;
            if (known != 0) return;
        }
        bool escaped = false;
        std::string_view text;
        switch (*at_) {
            case '{': object(node, depth); break;
            case '[': array(depth); break;
            case '"': text = string(escaped); break;
            case 't': word("true"); break;
            case 'f': word("false"); break;
            case 'n': word("null"); break;
            case 'N': word("NaN"), ++numbers_; break;
            case 'I': word("Infinity"), ++numbers_; break;
            default: number();
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
    void object(const Node* node, int depth) {
        if (depth == kMaxDepth) throw Bad{kTooDeep};
        ++at_;
        skip_space();
        if (more() && *at_ == '}') {
            ++at_;
            return;
        }
        uint64_t seen = 0;
        for (size_t place = 0;; ++place) {
            skip_space();
            const Node* const below = key(node, place, seen);
            skip_space();
            is_unread(node, below) ? unread(*node, depth) : value(below, depth + 1);
            skip_space();
            if (more() && *at_ == '}') break;
            expect(',');
        }
        ++at_;
    }
    // Whether the value that comes belongs to no field: its key leads to none, or it should be an object on the way to one.
    bool is_unread(const Node* node, const Node* below) {
        if (node == nullptr || node->field >= 0) return false;
        if (below == nullptr) return true;
        if (below->field >= 0 || !more() || *at_ == '{' || *at_ == 'n') return false;
        unread_ = node->unread_place(below->name);
        return true;
    }
    // Passes over the value of the key that was read last, and counts it.
    void unread(const Node& node, int depth) {
        const size_t place = unread_;
        const int64_t before = numbers_;
        const bool is_null = more() && *at_ == 'n';
        value(nullptr, depth + 1);
        node.unread[place].values += is_null ? 0 : 1;
        node.unread[place].numbers += numbers_ - before;
    }
    // Passes over a key and its colon; gives what stands between its quotes, and whether there are escapes in it.
    std::string_view key(bool& escaped) {
        const std::string_view name = string(escaped);
        skip_space();
        expect(':');
        return name;
    }
    // Passes over a key at a place of an object, and its colon; gives the node that it leads to, or null.
    const Node* key(const Node* node, size_t place, uint64_t& seen) {
        bool escaped;
        if (node == nullptr) return key(escaped), nullptr;
        const Node* below;
        if (place < node->keys.size() && begins_with(node->keys[place].text)) {
            at_ += node->keys[place].text.size();
            below = node->keys[place].child;
            unread_ = node->keys[place].unread;
        } else {
            below = new_key(*node, place);
        }
        if (below == nullptr) return nullptr;
        const uint64_t bit = uint64_t{1} << (below - node->children.data());
        if (seen & bit) throw Bad{kTwice};
        seen |= bit;
        return below;
    }
    bool begins_with(std::string_view text) const {
        return static_cast<size_t>(end_ - at_) >= text.size() && std::memcmp(at_, text.data(), text.size()) == 0;
    }
    // Does so where another key is expected, and notes it.
    const Node* new_key(const Node& node, size_t place) {
        const char* const start = at_;
        bool escaped;
        std::string_view name = key(escaped);
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
    void array(int depth) {
        if (depth == kMaxDepth) throw Bad{kTooDeep};
        ++at_;
        skip_space();
        if (more() && *at_ == ']') {
            ++at_;
            return;
        }
        while (true) {
            skip_space();
            value(nullptr, depth + 1);
            skip_space();
            if (more() && *at_ == ']') break;
            expect(',');
        }
        ++at_;
    }

    const char* at_;
    const char* const end_;
    std::vector<Texts>& fields_;
    std::string name_;
    size_t unread_ = 0;  // of the key that was read last
    int64_t numbers_ = 0;
};

}  // namespace pipeline
