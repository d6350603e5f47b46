// Takes fields out of JSON lines: the whole of each line is checked (RFC 8259), the fields alone are kept.
//
// The lines come in blocks, and what is found in a block is overwritten by the next one.

#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "json_line.h"
#include "json_texts.h"

namespace pipeline {
namespace {

class Lines {
public:
    // Adds the next field; `path` holds its keys, each ended by NUL.
    void add_field(std::string_view path, bool is_json) {
        Node* node = &root_;
        while (!path.empty()) {
            const std::string_view name = path.substr(0, path.find('\0'));
            path.remove_prefix(name.size() + 1);
            Node* next = nullptr;
            for (Node& child : node->children)
                if (child.name == name) next = &child;
            if (next == nullptr) {
                if (node->children.size() == kMaxKeys) throw std::length_error("too many fields");
                node->children.push_back({std::string(name), -1, {}});
                next = &node->children.back();
            }
            node = next;
        }
        node->field = static_cast<int32_t>(fields_.size());
        fields_.emplace_back(is_json);
    }
    Fault read(const char* data, size_t size, int64_t& line) {
        for (Texts& field : fields_) field.clear();
        const char* const end = data + size;
        rows_ = 0;
        for (line = 0; data < end; ++line) {
            const auto* stop = static_cast<const char*>(std::memchr(data, '\n', end - data));
            if (stop == nullptr) stop = end;
            if (!is_blank({data, static_cast<size_t>(stop - data)})) {
                for (Texts& field : fields_) field.begin_row();
                try {
                    Line(data, stop, fields_).read(root_);
                } catch (const Bad& bad) {
                    return bad.fault;
                }
                for (Texts& field : fields_) field.end_row();
                ++rows_;
            }
            data = stop + 1;
        }
        return kSound;
    }
    // Lists the keys that led to no field: how many keys lead there, their ends in the text, and what was counted.
    void list_unread() {
        figures_.clear();
        keys_.clear();
        ends_.assign(1, 0);
        std::vector<std::string_view> path;
        list_unread(root_, path);
    }
    const std::vector<int64_t>& figures() const { return figures_; }
    const std::string& keys() const { return keys_; }
    const std::vector<int64_t>& ends() const { return ends_; }
    int64_t rows() const { return rows_; }
    const Texts& field(int32_t at) const { return fields_[at]; }

private:
    static bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\v\f") == std::string_view::npos; }

    void list_unread(const Node& node, std::vector<std::string_view>& path) {
        for (const UnreadKey& key : node.unread) {
            path.push_back(key.name);
            for (const std::string_view one : path) {
                keys_ += one;
                ends_.push_back(static_cast<int64_t>(keys_.size()));
            }
            figures_.insert(figures_.end(), {static_cast<int64_t>(path.size()), key.values, key.numbers});
            path.pop_back();
        }
        for (const Node& child : node.children) {
            path.push_back(child.name);
            list_unread(child, path);
            path.pop_back();
        }
    }

    Node root_;
    std::vector<Texts> fields_;
    std::vector<int64_t> figures_, ends_;
    std::string keys_;
    int64_t rows_ = 0;
};

}  // namespace

#pragma GCC visibility push(default)
extern "C" void* pipeline_json_lines_new() { return new (std::nothrow) Lines(); }
extern "C" void pipeline_json_lines_free(void* lines) { delete static_cast<Lines*>(lines); }

extern "C" int32_t pipeline_json_lines_field(void* lines, const char* path, int64_t size, int32_t is_json) {
    try {
        static_cast<Lines*>(lines)->add_field({path, static_cast<size_t>(size)}, is_json != 0);
        return kSound;
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Reads whole lines. Gives how many rows they hold, and what is wrong with which line.
extern "C" int32_t pipeline_json_lines_read(void* lines, const char* data, int64_t size, int64_t* rows, int64_t* line) {
    try {
        auto& all = *static_cast<Lines*>(lines);
        const Fault fault = all.read(data, static_cast<size_t>(size), *line);
        *rows = all.rows();
        return fault;
    } catch (const std::exception&) {
        return kNoMemory;
    }
}

// Gives where the texts of a field lie, their ends, and a byte for each row that has one; where the texts are a dictionary
// the codes of the rows, too. Gives how many texts there are.
extern "C" int64_t pipeline_json_lines_texts(const void* lines, int32_t field, const void** data, const void** ends,
                                             const void** present, const void** codes) {
    const Texts& texts = static_cast<const Lines*>(lines)->field(field);
    *data = texts.data.data();
    *ends = texts.ends.data();
    *present = texts.present.data();
    *codes = texts.is_json ? texts.codes.data() : nullptr;
    return static_cast<int64_t>(texts.ends.size() - 1);
}

// Gives the keys that led to no field: of each how many keys lead there, its values, and the numbers in them; the keys, and
// where they end. Gives how many there are.
extern "C" int64_t pipeline_json_lines_unread(void* lines, const void** figures, const void** keys, const void** ends) {
    try {
        auto& all = *static_cast<Lines*>(lines);
        all.list_unread();
        *figures = all.figures().data();
        *keys = all.keys().data();
        *ends = all.ends().data();
        return static_cast<int64_t>(all.figures().size() / 3);
    } catch (const std::exception&) {
        return -1;
    }
}

// Finds a text; gives its place, or -1.
extern "C" int64_t pipeline_find_text(const char* data, int64_t size, const char* text, int64_t text_size) {
    const std::string_view wanted(text, static_cast<size_t>(text_size));
    const char* const end = data + size;
    const char* at = data;
    while (end - at >= text_size) {
        // The second character is sought: the first one is often a quote, which is everywhere.
        const size_t probe = text_size > 1 ? 1 : 0;
        const auto* found = static_cast<const char*>(
            std::memchr(at + probe, wanted[probe], static_cast<size_t>(end - at - text_size + 1)));
        if (found == nullptr) return -1;
        at = found - probe;
        if (std::memcmp(at, wanted.data(), wanted.size()) == 0) return at - data;
        ++at;
    }
    return -1;
}
#pragma GCC visibility pop

}  // namespace pipeline
