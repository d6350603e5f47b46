// Elements of XML as rows: their attributes, texts within them, and how deep they lie within others of their kind.
//
// What is read is a part of XML: elements with attributes, texts, entities that every XML has. Where anything else comes, or
// is wrong, reading stops before the outermost element that it is in, which a parser of all XML takes then.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "json_escapes.h"
#include "json_texts.h"
#include "utf8.h"

namespace pipeline {

class XmlRows {
public:
    enum Kind : int32_t { kRow = 0, kText = 1, kKnown = 2, kUnknown = 3 };

    // Says how many columns there are, which one names a row to those within it, which one has that name, and which one has
    // further attributes, as JSON.
    XmlRows(int32_t columns, int32_t label, int32_t parent, int32_t more)
        : label_(label), parent_(parent), more_(more), checks_(static_cast<size_t>(columns), kAny) {
        for (int32_t i = 0; i < columns; ++i) columns_.emplace_back(false);
    }
    enum Check : int32_t { kAny = 0, kNumber = 1, kNeededNumber = 2 };
    void add_tag(std::string_view name, int32_t kind, int32_t column) {
        tags_.push_back({std::string(name), static_cast<Kind>(kind), column});
    }
    // Of the attributes of one column that with the lowest rank counts.
    void add_attribute(std::string_view name, int32_t column, int32_t rank, int32_t check) {
        attributes_.push_back({std::string(name), column, rank});
        checks_.at(static_cast<size_t>(column)) = check;
    }
    // Reads outermost elements as long as all is known; gives how many bytes they are, with the white space behind them.
    size_t read(std::string_view text) {
        for (Texts& column : columns_) column.clear();
        depths_.clear();
        unused_.clear();
        const char* const start = text.data();
        at_ = start;
        end_ = start + text.size();
        while (true) {
            skip_space();
            const char* const before = at_;
            if (!element()) return static_cast<size_t>(before - start);
            put();
        }
    }
    const std::vector<Texts>& columns() const { return columns_; }
    const std::vector<int64_t>& depths() const { return depths_; }
    // Names of what was not used, and how often each is there.
    const std::map<std::string, int64_t>& unused() const { return unused_; }

private:
    struct Tag {
        std::string name;
        Kind kind;
        int32_t column;
    };
    struct Attribute {
        std::string name;
        int32_t column, rank;
    };
    struct Cell {
        int32_t rank = -1;  // of the attribute that it has; -1 where it is null
        std::string_view text{};
        size_t decoded = 0;  // its place, from 1, where entities were taken out of it
    };
    struct Open {
        std::string_view name;
        const Tag* tag;
    };
    static constexpr size_t kMaxDepth = 90, kMaxRows = 10'000, kMaxText = 10'000;

    static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
    static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
    void skip_space() {
        while (at_ < end_ && is_space(*at_)) ++at_;
    }
    bool take(char c) { return at_ < end_ && *at_ == c ? ++at_, true : false; }
    std::string_view name() {
        const char* const start = at_;
        if (at_ == end_ || !is_name_start(*at_)) return {};
        while (at_ < end_ && (is_name_start(*at_) || is_digit(*at_) || *at_ == '.' || *at_ == '-')) ++at_;
        return {start, static_cast<size_t>(at_ - start)};
    }

    // Reads an outermost element; false where it does not end, or has what is not known.
    bool element() {
        open_.clear();
        rows_.clear();
        cells_.clear();
        row_depths_.clear();
        decoded_.clear();
        noted_.clear();
        do {
            if (!(at_ < end_ && *at_ == '<' ? tag() : between())) return false;
        } while (!open_.empty());
        return checked();
    }
    bool between() {
        if (open_.empty()) return false;
        Cell text;
        if (!characters('<', false, text)) return false;
        const Tag* const tag = open_.back().tag;
        if (tag == nullptr || tag->kind != kText) return true;
        std::string_view whole = text_of(text);
        if (whole.size() > kMaxText || whole.find('\r') != std::string_view::npos) return false;
        while (!whole.empty() && is_space(whole.front())) whole.remove_prefix(1);
        while (!whole.empty() && is_space(whole.back())) whole.remove_suffix(1);
        if (whole.empty()) return true;
        if (((whole.front() | whole.back()) & 0x80) != 0) return false;  // it may be white space, too
        Cell& cell = cell_of(rows_.back(), tag->column);
        if (cell.rank >= 0) return true;
        if (text.decoded != 0) decoded_[text.decoded - 1] = std::string(whole);
        cell = {0, whole, text.decoded};
        return true;
    }
    bool tag() {
        ++at_;
        if (take('/')) {
            const std::string_view closed = name();
            skip_space();
            if (open_.empty() || closed != open_.back().name || !take('>')) return false;
            return close();
        }
        const std::string_view opened = name();
        if (opened.empty() || (!open_.empty() && open_.back().tag != nullptr && open_.back().tag->kind == kText)) return false;
        const Tag* known = nullptr;
        for (const Tag& one : tags_)
            if (one.name == opened) known = &one;
        const bool is_row = known != nullptr && known->kind == kRow;
        if (open_.empty() && !is_row) return false;
        open_.push_back({opened, known});
        if (known == nullptr) noted_.emplace_back(opened);
        if (is_row && !begin_row()) return false;
        return attributes(is_row);
    }
    bool close() {
        if (open_.back().tag != nullptr && open_.back().tag->kind == kRow) rows_.pop_back();
        open_.pop_back();
        return true;
    }
    bool begin_row() {
        const size_t row = row_depths_.size();
        if (rows_.size() > kMaxDepth || row == kMaxRows) return false;
        row_depths_.push_back(static_cast<int64_t>(rows_.size()));
        cells_.resize(cells_.size() + columns_.size());
        if (!rows_.empty()) cell_of(row, parent_) = cell_of(rows_.back(), label_);
        rows_.push_back(row);
        return true;
    }
    bool attributes(bool is_row) {
        further_.clear();
        names_.clear();
        for (size_t place = 0;; ++place) {
            const char* const before = at_;
            skip_space();
            if (take('>')) break;
            if (at_ < end_ && *at_ == '/') {
                ++at_;
                return take('>') && ended(is_row) && close();
            }
            if (at_ == before) return false;
            const std::string_view attribute = name();
            skip_space();
            if (attribute.empty() || !take('=')) return false;
            skip_space();
            const char quote = at_ < end_ ? *at_ : '\0';
            if (quote != '"' && quote != '\'') return false;
            ++at_;
            Cell cell;
            if (!characters(quote, true, cell)) return false;
            ++at_;
            for (const std::string_view other : names_)
                if (other == attribute) return false;
            names_.push_back(attribute);
            if (is_row)
                put_attribute(attribute, cell, place);
            else if (open_.back().tag != nullptr)
                noted_.push_back(open_.back().tag->name + "." + std::string(attribute));
        }
        return ended(is_row);
    }
    void put_attribute(std::string_view attribute, const Cell& value, size_t place) {
        if (place >= usual_.size()) usual_.resize(place + 1);
        size_t& usual = usual_[place];  // elements mostly have the same attributes in the same order
        if (usual >= attributes_.size() || attributes_[usual].name != attribute)
            for (usual = 0; usual < attributes_.size() && attributes_[usual].name != attribute;) ++usual;
        if (usual == attributes_.size()) {
            further_ += further_.empty() ? "{" : ", ";
            put_json(further_, attribute);
            further_ += ": ";
            put_json(further_, text_of(value));
            return;
        }
        const Attribute& known = attributes_[usual];
        Cell& cell = cell_of(rows_.back(), known.column);
        if (cell.rank < 0 || known.rank < cell.rank) cell = {known.rank, value.text, value.decoded};
    }
    bool ended(bool is_row) {
        if (is_row && !further_.empty()) {
            decoded_.push_back(further_ + "}");
            cell_of(rows_.back(), more_) = {0, {}, decoded_.size()};
        }
        return true;
    }
    // Reads characters up to one that ends them, which is there; an attribute has a space for each white space.
    bool characters(char stop, bool is_attribute, Cell& cell) {
        const char* const start = at_;
        bool is_plain = true, is_ascii = true;
        for (; at_ < end_ && *at_ != stop; ++at_) {
            const auto c = static_cast<uint8_t>(*at_);
            if (c >= 0x80) {
                is_ascii = false;
            } else if (c == '&' || (c < 0x20 && is_attribute)) {
                if (c != '&' && c != '\n' && c != '\t') return false;
                is_plain = false;
            } else if ((c < 0x20 && !is_space(*at_)) || c == '<') {
                return false;
            }
        }
        if (at_ == end_) return false;
        cell.text = {start, static_cast<size_t>(at_ - start)};
        if (!is_attribute && cell.text.find("]]>") != std::string_view::npos) return false;
        // Beyond what XML may have are two characters that UTF-8 has.
        if (!is_ascii && (count_characters(cell.text) < 0 || cell.text.find("\xef\xbf\xbe") != std::string_view::npos ||
                          cell.text.find("\xef\xbf\xbf") != std::string_view::npos))
            return false;
        if (is_plain) return true;
        decoded_.emplace_back();
        cell.decoded = decoded_.size();
        return decode(cell.text, is_attribute, decoded_.back());
    }
    static bool decode(std::string_view text, bool is_attribute, std::string& out) {
        for (size_t i = 0; i < text.size(); ++i) {
            const char c = text[i];
            if (c != '&') {
                out += is_attribute && is_space(c) ? ' ' : c;
                continue;
            }
            const std::string_view entity = text.substr(i + 1, text.find(';', i) - i - 1);
            if (entity.empty() || i + 1 + entity.size() >= text.size() || !put_entity(out, entity)) return false;
            i += entity.size() + 1;
        }
        return true;
    }
    static bool put_entity(std::string& out, std::string_view entity) {
        static constexpr std::pair<std::string_view, char> kNames[] = {
            {"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
        for (const auto& [name, c] : kNames)
            if (name == entity) return out += c, true;
        if (entity[0] != '#') return false;
        const bool is_hex = entity.size() > 1 && entity[1] == 'x';
        const std::string_view digits = entity.substr(is_hex ? 2 : 1);
        if (digits.empty() || digits.size() > 7) return false;
        uint32_t code = 0;
        for (const char c : digits) {
            const int digit = is_hex ? hex_digit(c) : is_digit(c) ? c - '0' : -1;
            if (digit < 0) return false;
            code = code * (is_hex ? 16 : 10) + static_cast<uint32_t>(digit);
        }
        const bool is_character = code >= 0x20 ? (code < 0xd800 || code >= 0xe000) && (code & 0xfffffe) != 0xfffe && code < 0x110000
                                               : code == '\t' || code == '\n';
        if (is_character) put_character(out, code);
        return is_character;
    }
    static void put_json(std::string& out, std::string_view text) {
        static constexpr char kHex[] = "0123456789abcdef";
        out += '"';
        for (const char c : text) {
            if (c == '"' || c == '\\')
                (out += '\\') += c;
            else if (static_cast<uint8_t>(c) < 0x20)
                ((out += "\\u00") += kHex[c >> 4]) += kHex[c & 15];
            else
                out += c;
        }
        out += '"';
    }

    Cell& cell_of(size_t row, int32_t column) { return cells_[row * columns_.size() + static_cast<size_t>(column)]; }
    std::string_view text_of(const Cell& cell) const { return cell.decoded == 0 ? cell.text : decoded_[cell.decoded - 1]; }
    // Whether all numbers are such, and those are there that must be; an empty one is null.
    bool checked() {
        for (size_t at = 0; at < cells_.size(); ++at) {
            const int32_t check = checks_[at % columns_.size()];
            if (check == kAny) continue;
            std::string_view digits = text_of(cells_[at]);
            if (cells_[at].rank < 0 || digits.empty()) {
                if (check == kNeededNumber) return false;
                cells_[at] = {};
                continue;
            }
            if (digits[0] == '-') digits.remove_prefix(1);
            if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return false;
        }
        return true;
    }
    void put() {
        for (size_t at = 0; at < cells_.size(); ++at) {
            Texts& column = columns_[at % columns_.size()];
            column.begin_row();
            if (cells_[at].rank >= 0) {
                column.present.back() = 1;
                column.data.append(text_of(cells_[at]));
            }
            column.end_row();
        }
        depths_.insert(depths_.end(), row_depths_.begin(), row_depths_.end());
        for (const std::string& name : noted_) ++unused_[name];
    }

    const int32_t label_, parent_, more_;
    std::vector<int32_t> checks_;
    std::vector<Tag> tags_;
    std::vector<Attribute> attributes_;
    std::vector<size_t> usual_;
    std::vector<Texts> columns_;
    std::vector<int64_t> depths_;
    std::map<std::string, int64_t> unused_;

    const char* at_ = nullptr;
    const char* end_ = nullptr;
    std::vector<Open> open_;              // elements
    std::vector<size_t> rows_;            // that are open
    std::vector<Cell> cells_;             // of all rows of the outermost element
    std::vector<int64_t> row_depths_;
    std::vector<std::string> decoded_;
    std::vector<std::string> noted_;
    std::vector<std::string_view> names_;  // of the attributes of an element
    std::string further_;
};

}  // namespace pipeline
