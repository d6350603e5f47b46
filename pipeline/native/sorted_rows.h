// Rows in the order of their keys, however many: sorted in memory piece by piece, and merged from a temporary file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "temporary_file.h"

namespace pipeline {

struct SortedRow {  // a value that is infinite stands for all that are not finite, one that is no number for a null
    double value;
    int64_t time, sequence, session;
};

// The first bytes of a key behind those that all keys share, as a number: most comparisons need no more.
inline uint64_t prefix_of(std::string_view key, size_t shared) {
    uint64_t prefix = 0;
    const size_t there = key.size() > shared ? std::min<size_t>(key.size() - shared, 8) : 0;
    for (size_t i = 0; i < there; ++i) prefix |= static_cast<uint64_t>(static_cast<uint8_t>(key[shared + i])) << (56 - 8 * i);
    return prefix;
}

inline size_t shared_length(std::string_view a, std::string_view b) {
    const size_t size = std::min(a.size(), b.size());
    size_t at = 0;
    while (at < size && a[at] == b[at]) ++at;
    return at;
}

// A run of rows in a file, in order: stretches of rows with one key, of which the part is left out that the key before
// it begins with.
struct Run {
    int64_t begin, end;
};

struct Stretch {
    uint32_t shared, own, rows;
};

class RunWriter {
public:
    RunWriter(TemporaryFile& file, size_t buffer_bytes) : file_(file), begin_(file.size()) { buffer_.reserve(buffer_bytes); }

    void start(std::string_view key, uint32_t rows) {
        const size_t shared = shared_length(last_, key);
        const Stretch stretch{static_cast<uint32_t>(shared), static_cast<uint32_t>(key.size() - shared), rows};
        put(&stretch, sizeof stretch);
        put(key.data() + shared, stretch.own);
        last_.assign(key);
    }
    void add(const SortedRow& row) { put(&row, sizeof row); }
    Run finish() {
        flush();
        return {begin_, file_.size()};
    }

private:
    void put(const void* data, size_t bytes) {
        if (buffer_.size() + bytes > buffer_.capacity()) flush();
        if (bytes > buffer_.capacity()) {
            file_.append(data, bytes);
            return;
        }
        const char* from = static_cast<const char*>(data);
        buffer_.insert(buffer_.end(), from, from + bytes);
    }
    void flush() {
        file_.append(buffer_.data(), buffer_.size());
        buffer_.clear();
    }
    TemporaryFile& file_;
    int64_t begin_;
    std::vector<char> buffer_;
    std::string last_;
};

class RunReader {
public:
    RunReader(const TemporaryFile& file, Run run, size_t buffer_bytes, size_t shared)
        : file_(file), at_(run.begin), end_(run.end), shared_(shared), buffer_(buffer_bytes) {
        next();
    }

    // Goes to the next stretch; the rows of this one have been taken.
    void next() {
        if (at_ == end_ && from_ == filled_) {
            is_over_ = true;
            return;
        }
        Stretch stretch;
        take(&stretch, sizeof stretch);
        key_.resize(stretch.shared + stretch.own);
        take(key_.data() + stretch.shared, stretch.own);
        rows_ = stretch.rows;
        prefix_ = prefix_of(key_, shared_);
    }
    bool is_over() const { return is_over_; }
    const std::string& key() const { return key_; }
    uint32_t rows() const { return rows_; }
    SortedRow row() {
        SortedRow row;
        take(&row, sizeof row);
        return row;
    }
    bool operator<(const RunReader& other) const {
        if (is_over_ || other.is_over_) return other.is_over_ && !is_over_;
        return prefix_ != other.prefix_ ? prefix_ < other.prefix_ : key_ < other.key_;
    }

private:
    void take(void* data, size_t bytes) {
        char* to = static_cast<char*>(data);
        while (bytes > filled_ - from_) {
            const size_t there = filled_ - from_;
            std::memcpy(to, buffer_.data() + from_, there);
            to += there;
            bytes -= there;
            filled_ = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(buffer_.size()), end_ - at_));
            from_ = 0;
            file_.read(at_, buffer_.data(), filled_);
            at_ += static_cast<int64_t>(filled_);
        }
        std::memcpy(to, buffer_.data() + from_, bytes);
        from_ += bytes;
    }

    const TemporaryFile& file_;
    int64_t at_, end_;
    size_t shared_;
    std::vector<char> buffer_;
    size_t from_ = 0, filled_ = 0;
    std::string key_;
    uint64_t prefix_ = 0;
    uint32_t rows_ = 0;
    bool is_over_ = false;
};

// Reads runs as one, in a tournament: Knuth, The Art of Computer Programming 3, section 5.4.1. Of equal keys the run
// before comes first.
class Merge {
public:
    Merge(const TemporaryFile& file, const Run* begin, const Run* end, size_t buffer_bytes, size_t shared) {
        for (const Run* run = begin; run != end; ++run)
            readers_.push_back(std::make_unique<RunReader>(file, *run, buffer_bytes, shared));
        losers_.assign(std::max<size_t>(readers_.size(), 1), kNobody);
        for (size_t at = readers_.size(); at-- > 0;) play(at);
    }

    bool is_over() const { return readers_.empty() || first().is_over(); }
    RunReader& first() { return *readers_[losers_[0]]; }
    const RunReader& first() const { return *readers_[losers_[0]]; }
    void next() {
        first().next();
        play(losers_[0]);
    }

private:
    static constexpr size_t kNobody = SIZE_MAX;  // wins against all, until everybody has played

    bool wins(size_t a, size_t b) const {
        if (a == kNobody || b == kNobody) return a == kNobody;
        if (*readers_[a] < *readers_[b]) return true;
        return a < b && !(*readers_[b] < *readers_[a]);
    }
    void play(size_t winner) {
        for (size_t node = (winner_leaf(winner)) / 2; node > 0; node /= 2)
            if (wins(losers_[node], winner)) std::swap(losers_[node], winner);
        losers_[0] = winner;
    }
    size_t winner_leaf(size_t reader) const { return reader + readers_.size(); }

    std::vector<std::unique_ptr<RunReader>> readers_;
    std::vector<size_t> losers_;  // by node of the tree; the winner of all at 0
};

class RowSorter {
public:
    RowSorter(size_t budget_bytes, std::string directory)
        : budget_(std::max<size_t>(budget_bytes, kLeastBudget)),
          buffer_bytes_(std::clamp<size_t>(budget_ / 64, 512, 65'536)),
          directory_(std::move(directory)),
          file_(std::make_unique<TemporaryFile>(directory_)) {
        held_.reserve(std::min(budget_, kReserved));  // takes memory where it is written to
        places_.reserve(std::min(budget_, kReserved) / sizeof(Held));
    }

    void add(std::string_view key, const SortedRow& row) {
        const size_t bytes = sizeof row + sizeof(uint32_t) + key.size();
        if (!places_.empty() && held_.size() + bytes + (places_.size() + 1) * sizeof(Held) > budget_) write_run();
        if (places_.empty() && runs_.empty()) {
            first_key_.assign(key);
            shared_ = key.size();
        }
        if (key.substr(0, shared_) != std::string_view(first_key_).substr(0, shared_))
            shared_ = shared_length(key, first_key_);
        longest_ = std::max(longest_, key.size());
        places_.push_back({0, held_.size()});
        const auto size = static_cast<uint32_t>(key.size());
        append(&row, sizeof row);
        append(&size, sizeof size);
        append(key.data(), key.size());
    }

    // Ends adding; the merge reads the file of this sorter.
    std::unique_ptr<Merge> merge() {
        write_run();
        std::vector<char>().swap(held_);
        std::vector<Held>().swap(places_);
        const size_t most = std::max<size_t>(budget_ / (buffer_bytes_ + longest_), 2);
        while (runs_.size() > most) merge_some(most);
        return std::make_unique<Merge>(*file_, runs_.data(), runs_.data() + runs_.size(), buffer_bytes_, shared_);
    }

private:
    static constexpr size_t kLeastBudget = 4'096;
    static constexpr size_t kReserved = 64'000'000;

    struct Held {  // a row in memory
        uint64_t prefix;
        size_t at;
    };

    void append(const void* data, size_t bytes) {
        const char* from = static_cast<const char*>(data);
        held_.insert(held_.end(), from, from + bytes);
    }
    std::string_view key_at(size_t at) const {
        uint32_t size;
        std::memcpy(&size, held_.data() + at + sizeof(SortedRow), sizeof size);
        return {held_.data() + at + sizeof(SortedRow) + sizeof size, size};
    }

    void write_run() {
        if (places_.empty()) return;
        for (Held& one : places_) one.prefix = prefix_of(key_at(one.at), shared_);
        std::sort(places_.begin(), places_.end(), [this](const Held& a, const Held& b) {
            if (a.prefix != b.prefix) return a.prefix < b.prefix;
            const int order = key_at(a.at).compare(key_at(b.at));
            return order != 0 ? order < 0 : a.at < b.at;
        });
        RunWriter writer(*file_, kWritten);
        for (size_t from = 0; from < places_.size();) {
            const std::string_view key = key_at(places_[from].at);
            size_t to = from + 1;
            while (to < places_.size() && places_[to].prefix == places_[from].prefix && key_at(places_[to].at) == key) ++to;
            writer.start(key, static_cast<uint32_t>(to - from));
            for (; from < to; ++from) {
                SortedRow row;
                std::memcpy(&row, held_.data() + places_[from].at, sizeof row);
                writer.add(row);
            }
        }
        runs_.push_back(writer.finish());
        held_.clear();
        places_.clear();
    }

    // Makes fewer, longer runs, in another file, of so many of them each; so the space of this one is free again.
    void merge_some(size_t most) {
        auto merged = std::make_unique<TemporaryFile>(directory_);
        std::vector<Run> longer;
        for (size_t from = 0; from < runs_.size(); from += most) {
            const Run* const end = runs_.data() + std::min(from + most, runs_.size());
            RunWriter writer(*merged, kWritten);
            for (Merge merge(*file_, runs_.data() + from, end, buffer_bytes_, shared_); !merge.is_over(); merge.next()) {
                RunReader& first = merge.first();
                writer.start(first.key(), first.rows());
                for (uint32_t left = first.rows(); left > 0; --left) writer.add(first.row());
            }
            longer.push_back(writer.finish());
        }
        runs_ = std::move(longer);
        file_ = std::move(merged);
    }

    static constexpr size_t kWritten = 65'536;

    size_t budget_;
    size_t buffer_bytes_;
    std::string directory_;
    std::unique_ptr<TemporaryFile> file_;
    std::vector<char> held_;  // each row, the length of its key, and its key
    std::vector<Held> places_;
    std::vector<Run> runs_;
    std::string first_key_;
    size_t shared_ = 0;   // bytes that all keys begin with
    size_t longest_ = 0;  // bytes of the longest key
};

}  // namespace pipeline
