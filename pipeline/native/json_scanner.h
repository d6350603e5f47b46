// Reads a JSON document that comes in blocks, without ever having it as a whole (RFC 8259, and NaN and Infinity, which
// Python writes). It does one of three things:
//
// - kCut: writes the document out without the arrays that paths lead to, and notes where these lie. In the place of each
//   stands its number; what lies there and is no array becomes null, so that a number there is always an array's.
// - kOutline: writes out the first value with no more than the first elements of each array, to tell what it is; of
//   numbers and texts with the first ten, of a text its beginning. What is behind those of an outermost array is not read;
//   of what is left out of others only brackets and texts are looked at, unless all is to be checked.
// - kElements: begins within an array, behind its bracket, and writes out its elements.
// - kGather: as kCut, and writes out the elements of these arrays, too, a line each. Documents may be many, as lines are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json_tokens.h"

namespace pipeline {

enum class Task : int32_t { kCut = 0, kOutline = 1, kElements = 2, kGather = 3 };

// A step of a path.
struct Step {
    enum Kind : int32_t { kKey = 0, kAnyKey = 1, kAnyElement = 2, kElement = 3, kEnd = 4 } kind;
    int64_t number;  // of an element
    std::string key;
};

constexpr size_t kMaxSteps = 64;
constexpr int64_t kPlainElements = 10;  // what an outline keeps of an array of numbers and texts: more tell nothing
constexpr size_t kTextBytes = 1000;     // and of a text

// A value that stands in memory as a whole.
class WholeValue : private JsonParts {
public:
    WholeValue(const char* at, const char* end) : JsonParts(at, end) {}
    // Finds where it ends; null where the memory ends before, and where it is not sound, or hardly.
    const char* end() {
        try {
            skip(0);
            return at_;
        } catch (const Bad&) {
            return nullptr;
        }
    }
};

struct Gathered {
    int64_t documents = 0, arrays = 0, element_bytes = 0, end = 0;
};

class Scanner : private Tokens {
public:
    Scanner(Task task, int64_t limit, bool checks_all)
        : Tokens(task != Task::kOutline), task_(task), limit_(limit), checks_all_(checks_all) {
        start(0);
    }

    void add_step(Step step) {
        if (steps_.empty() || steps_.back().kind == Step::kEnd) starts_ |= uint64_t{1} << steps_.size();
        steps_.push_back(std::move(step));
    }
    size_t step_count() const { return steps_.size(); }

    // Begins anew, at a place of the file.
    void start(int64_t offset) {
        begin(offset);
        stack_.clear();
        is_finished_ = false;
        text_.clear();
        ends_.assign(1, 0);
        present_.clear();
        expect_ = kValue;
        open_ = 0;
        if (task_ == Task::kElements) {
            stack_.push_back({false, false, false, 0, 0});
            expect_ = kValueOrEnd;
        }
    }
    // Reads on; what was given before has been taken.
    Fault read(const char* data, size_t size, bool is_last, int64_t& line) {
        clear();
        feed(data, size, is_last);
        try {
            while (!is_finished_ && step()) {
            }
            if (is_last && !is_finished_ && !(stack_.empty() && expect_ == kValue && has_value_)) throw Bad{kNotJson};
        } catch (const Bad& bad) {
            line = line_of_token();
            return bad.fault;
        }
        return kSound;
    }
    bool is_finished() const { return is_finished_; }
    const std::string& text() const { return text_; }
    const std::vector<int32_t>& ends() const { return ends_; }
    const std::vector<uint8_t>& present() const { return present_; }
    const std::vector<int64_t>& arrays() const { return arrays_; }
    const std::string& elements() const { return elements_; }
    // Of what was gathered of the block: documents that are complete, arrays and bytes of elements that belong to
    // them, the byte behind the last one.
    const Gathered& gathered() const { return gathered_; }

private:
    enum Expect { kValue, kValueOrEnd, kKey, kKeyOrEnd, kColon, kCommaOrEnd };
    struct Frame {
        bool is_object;
        bool is_quiet;  // nothing of it is written
        bool is_cut;
        uint64_t states;  // steps of paths that lead to it
        int64_t count;    // of members that began
    };

    void clear() {
        // Of an element that goes on in the next block the beginning stays.
        text_.erase(0, task_ == Task::kElements ? static_cast<size_t>(ends_.back()) : text_.size());
        ends_.assign(1, 0);
        present_.clear();
        if (task_ != Task::kGather) return;
        elements_.clear();
        arrays_.clear();
        gathered_ = {};
    }
    // Does the next token; false where the block ends before it does.
    bool step() {
        if (open_ > 0) return skip_elements();
        if (!find_token()) return false;
        if (task_ == Task::kOutline && is_long_enough()) {
            if (stack_.size() == 1) {
                text_ += "]\n";  // all that may come is left out
                return !(is_finished_ = true);
            }
            if (!checks_all_) {
                open_ = 1;
                return true;
            }
        }
        const char c = buffer_[at_];
        switch (expect_) {
            case kColon:
                if (c != ':') throw Bad{kNotJson};
                ++at_;
                if (!stack_.back().is_quiet) *out_ += ':';
                expect_ = kValue;
                return true;
            case kCommaOrEnd: return comma_or_end(c);
            case kKeyOrEnd:
                if (c == '}') return end();
                [[fallthrough]];
            case kKey: return key();
            case kValueOrEnd:
                if (c == ']') return end();
                return numbers() || value(c);
            case kValue: return numbers() || value(c);
        }
        return false;
    }

    // Whether more elements come of an array of which no more are kept.
    bool is_long_enough() const {
        return !stack_.empty() && !stack_.back().is_object && stack_.back().count >= limit_ && buffer_[at_] == ',';
    }
    // Goes to the bracket that closes the array; false where the block ends before it does.
    bool skip_elements() {
        while (find_bracket()) {
            const char c = buffer_[at_];
            bool escaped;
            if (c == '"') {
                if (!string(escaped)) return false;
                continue;
            }
            if (c == '{' || c == '[') {
                if (++open_ + stack_.size() > kMaxNesting + 1) throw Bad{kTooDeep};
            } else if (--open_ == 0) {
                return true;
            }
            ++at_;
        }
        return false;
    }
    bool comma_or_end(char c) {
        const Frame& frame = stack_.back();
        if (c == (frame.is_object ? '}' : ']')) return end();
        if (c != ',') throw Bad{kNotJson};
        ++at_;
        expect_ = frame.is_object ? kKey : kValue;
        return true;
    }
    bool end() {
        const Frame frame = stack_.back();
        ++at_;
        stack_.pop_back();
        if (frame.is_cut) {
            if (task_ == Task::kGather) arrays_.push_back(0);  // where it began may be blocks ago
            arrays_.push_back(frame.count);
            arrays_.push_back(passed_ + static_cast<int64_t>(at_) - 1);
            out_ = &text_;
        } else if (task_ == Task::kElements && stack_.empty()) {
            return is_finished_ = true;
        } else if (!frame.is_quiet) {
            *out_ += frame.is_object ? '}' : ']';
        }
        ended();
        return true;
    }
    // Notes that a value is complete.
    void ended() {
        if (!stack_.empty()) {
            if (task_ == Task::kElements && stack_.size() == 1) end_element(true);
            if (is_gathered()) elements_ += '\n';
            expect_ = kCommaOrEnd;
            return;
        }
        has_value_ = true;
        is_finished_ = task_ == Task::kOutline;  // the rest may be other lines
        text_ += '\n';
        expect_ = kValue;
        gathered_ = {gathered_.documents + 1, static_cast<int64_t>(arrays_.size() / 3), static_cast<int64_t>(elements_.size()),
                     passed_ + static_cast<int64_t>(at_)};
    }
    // Whether the elements of the innermost array are gathered.
    bool is_gathered() const { return task_ == Task::kGather && !stack_.empty() && stack_.back().is_cut; }
    void end_element(bool is_there) {
        ends_.push_back(static_cast<int32_t>(text_.size()));
        present_.push_back(is_there);
    }

    bool key() {
        Frame& frame = stack_.back();
        if (buffer_[at_] != '"') throw Bad{kNotJson};
        const size_t start = at_;
        bool escaped = false;
        if (!string(escaped)) return false;
        const std::string_view whole(buffer_.data() + start, at_ - start);
        if (!frame.is_quiet) {
            if (frame.count > 0) *out_ += ',';
            *out_ += whole;
        }
        ++frame.count;
        next_states_ = 0;
        if (frame.states != 0) {
            std::string_view name = whole.substr(1, whole.size() - 2);
            if (escaped) {
                name_.clear();
                const bool is_text = put_unescaped(name_, name);
                name = is_text ? std::string_view(name_) : std::string_view("\0", 1);  // which no path has
            }
            for (size_t i = 0; i < steps_.size(); ++i) {
                if ((frame.states >> i & 1) == 0) continue;
                const Step& step = steps_[i];
                if (step.kind == Step::kAnyKey || (step.kind == Step::kKey && step.key == name))
                    next_states_ |= uint64_t{1} << (i + 1);
            }
        }
        expect_ = kColon;
        return true;
    }
    // The states of the value that comes; that of a key is known already.
    uint64_t states_of_next() const {
        if (stack_.empty()) return task_ == Task::kCut || task_ == Task::kGather ? starts_ : 0;
        const Frame& frame = stack_.back();
        if (frame.is_object) return next_states_;
        uint64_t states = 0;
        if (frame.states == 0) return 0;
        for (size_t i = 0; i < steps_.size(); ++i) {
            if ((frame.states >> i & 1) == 0) continue;
            const Step& step = steps_[i];
            if (step.kind == Step::kAnyElement || (step.kind == Step::kElement && step.number == frame.count))
                states |= uint64_t{1} << (i + 1);
        }
        return states;
    }
    bool is_end(uint64_t states) const {
        for (size_t i = 0; states != 0 && i < steps_.size(); ++i)
            if ((states >> i & 1) != 0 && steps_[i].kind == Step::kEnd) return true;
        return false;
    }

    bool value(char c) {
        const uint64_t states = states_of_next();
        const bool is_cut = is_end(states);
        const bool in_array = !stack_.empty() && !stack_.back().is_object;
        bool is_quiet = !stack_.empty() && stack_.back().is_quiet;
        if (task_ == Task::kOutline && in_array && stack_.back().count >= limit_) is_quiet = true;
        const bool is_outermost = (task_ == Task::kElements && stack_.size() == 1) || is_gathered();
        const auto begin = [&] {
            if (!in_array) return;
            if (!is_quiet && !is_outermost && stack_.back().count > 0) *out_ += ',';
            ++stack_.back().count;
        };
        if (c == '{' || c == '[') {
            if (stack_.size() == kMaxNesting) throw Bad{kTooDeep};
            begin();
            ++at_;
            const bool is_object = c == '{';
            if (is_cut) {
                *out_ += is_object ? "null" : std::to_string(array_count_++);
                if (!is_object && task_ == Task::kCut) arrays_.push_back(passed_ + static_cast<int64_t>(at_));
                stack_.push_back({is_object, is_object || task_ != Task::kGather, !is_object, 0, 0});
                if (is_gathered()) out_ = &elements_;
                expect_ = is_object ? kKeyOrEnd : kValueOrEnd;
                return true;
            }
            if (!is_quiet) *out_ += c;
            stack_.push_back({is_object, is_quiet, false, is_quiet ? 0 : states, 0});
            expect_ = is_object ? kKeyOrEnd : kValueOrEnd;
            return true;
        }
        if (task_ == Task::kOutline && in_array && stack_.back().count >= kPlainElements) is_quiet = true;
        const size_t start = at_;
        bool escaped;
        if (!(c == '"' ? string(escaped) : word())) return false;
        begin();
        const std::string_view whole(buffer_.data() + start, at_ - start);
        if (task_ == Task::kElements && is_outermost && whole == "null") {
            end_element(false);
            expect_ = kCommaOrEnd;
            return true;
        }
        if (is_cut)
            *out_ += "null";
        else if (!is_quiet && task_ == Task::kOutline && c == '"' && whole.size() > kTextBytes)
            (*out_ += whole.substr(0, beginning_of(whole))) += '"';
        else if (!is_quiet)
            *out_ += whole;
        ended();
        return true;
    }
    // Tells how much of a long string its beginning is, which ends within no character and no escape.
    static size_t beginning_of(std::string_view string) {
        size_t at = 1;
        while (at < kTextBytes) at += string[at] != '\\' ? 1 : string[at + 1] == 'u' ? 6 : 2;
        while (at < string.size() - 1 && (static_cast<uint8_t>(string[at]) & 0xc0) == 0x80) ++at;
        return at;
    }
    // Passes over numbers of an array whose elements are wanted or only counted, as long as they stand in the block, and over
    // any values that are only counted: nothing else is done as often. Gives whether a token was done.
    bool numbers() {
        if (stack_.empty() || is_gathered() || !(stack_.back().is_cut || (task_ == Task::kElements && stack_.size() == 1))) return false;
        Frame& frame = stack_.back();
        const char* const first = buffer_.data() + at_;
        const char* const end = buffer_.data() + buffer_.size();
        const char* at = first;
        const char* done = first;
        while (true) {
            while (at < end && is_space(*at)) ++at;
            const char* stop = number_end(at, end);
            if (stop == nullptr && task_ == Task::kCut && at < end && std::string_view("{[\"tfn").find(*at) != std::string_view::npos)
                stop = WholeValue(at, end).end();
            if (stop == nullptr) break;
            const char* behind = stop;
            while (behind < end && is_space(*behind)) ++behind;
            if (behind == end || *behind != ',') break;  // the last one is done elsewhere
            ++frame.count;
            if (!frame.is_cut) {
                text_.append(at, stop);
                end_element(true);
            }
            at = done = behind + 1;
        }
        if (done == first) return false;
        at_ += static_cast<size_t>(done - first);
        resume_ = 0;  // of a string that went on in this block
        expect_ = kValue;
        return true;
    }
    const Task task_;
    const int64_t limit_;
    const bool checks_all_;
    size_t open_ = 0;  // brackets that are open in what is left out of an array, its own among them
    std::vector<Step> steps_;
    uint64_t starts_ = 0;

    bool is_finished_ = false, has_value_ = false;
    Expect expect_ = kValue;
    std::vector<Frame> stack_;
    uint64_t next_states_ = 0;

    std::string text_;             // what is written
    std::vector<int32_t> ends_{0};  // of elements in it
    std::vector<uint8_t> present_;
    std::vector<int64_t> arrays_;  // of each array: where it begins, its elements, where its bracket stands
    int64_t array_count_ = 0;
    std::string elements_;  // that are gathered, a line each
    std::string* out_ = &text_;
    Gathered gathered_{};
};

}  // namespace pipeline
