// Memory that text is written to, and what says where writing it failed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

extern "C" struct PipelineBuffer {
    char* data;
    int64_t size;
    int64_t capacity;
};

namespace pipeline {

constexpr size_t kSlack = 32;  // short copies may write so much too far, see put()

// Widest texts: "-9223372036854775808", "-2.2250738585072014e-308", a quoted timestamp in nanoseconds; and what copies of
// digits write too far.
constexpr size_t kMaxValue = 48;

struct Failure {
    int32_t code;
    int64_t row;
    int64_t column;
};

enum Code : int32_t { kOk = 0, kNoMemory = 1, kBadType = 2, kBadYear = 3, kBadIndex = 4, kBadText = 5, kBadTime = 6 };

// Writes to the end of a PipelineBuffer; whoever writes reserves first.
class Out {
public:
    explicit Out(PipelineBuffer& buffer) : buffer_(buffer), at_(buffer.data), end_(buffer.data + buffer.capacity) {}
    ~Out() { buffer_.size = at_ - buffer_.data; }

    void reserve(size_t bytes) {
        if (static_cast<size_t>(end_ - at_) < bytes + kSlack) grow(bytes + kSlack);
    }
    // Copies in steps of 16 bytes: both sides have kSlack bytes behind them.
    void put(const char* data, size_t size) {
        for (size_t i = 0; i < size; i += 16) std::memcpy(at_ + i, data + i, 16);
        at_ += size;
    }
    void put(const std::string& padded) { put(padded.data(), padded.size() - kSlack); }
    void put_exact(const char* data, size_t size) {
        std::memcpy(at_, data, size);
        at_ += size;
    }
    void put(char c) { *at_++ = c; }
    char* position() { return at_; }
    void advance_to(char* position) { at_ = position; }
    void take_back(size_t bytes) { at_ -= bytes; }

private:
    void grow(size_t bytes) {
        const size_t used = at_ - buffer_.data;
        const size_t capacity = std::max<size_t>(2 * buffer_.capacity, used + bytes);
        char* data = static_cast<char*>(std::realloc(buffer_.data, capacity));
        if (data == nullptr) throw std::bad_alloc();
        buffer_.data = data;
        buffer_.capacity = static_cast<int64_t>(capacity);
        at_ = data + used;
        end_ = data + capacity;
    }
    PipelineBuffer& buffer_;
    char* at_;
    char* end_;
};

// Calls back, and tells where it failed and why.
template <class Body>
int32_t guarded(int64_t* row, int64_t* column, Body body) {
    try {
        const Failure failure = body();
        *row = failure.row;
        *column = failure.column;
        return failure.code;
    } catch (const std::bad_alloc&) {
        return kNoMemory;
    } catch (const std::exception&) {  // an index beyond a dictionary, a length that cannot be
        return kBadIndex;
    }
}

}  // namespace pipeline
