// Memory that text is written to, and what says where writing it failed.
#pragma once

#ifdef __linux__
#include <sys/mman.h>
#endif

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

// Larger buffers are mapped: they begin at a page, as files that are written past the page cache ask for, and grow without
// a copy.
#ifdef __linux__
constexpr size_t kMapped = 65'536;
#else
constexpr size_t kMapped = SIZE_MAX;
#endif

inline void release(PipelineBuffer& buffer) {
#ifdef __linux__
    if (static_cast<size_t>(buffer.capacity) >= kMapped) {
        munmap(buffer.data, static_cast<size_t>(buffer.capacity));
        buffer = {nullptr, 0, 0};
        return;
    }
#endif
    std::free(buffer.data);
    buffer = {nullptr, 0, 0};
}

// Makes room for so many bytes in all, of which `used` are kept.
inline void make_room(PipelineBuffer& buffer, [[maybe_unused]] size_t used, size_t bytes) {
    void* data;
#ifdef __linux__
    const auto before = static_cast<size_t>(buffer.capacity);
    if (bytes >= kMapped) {
        bytes = (bytes + 4095) / 4096 * 4096;
        data = before >= kMapped ? mremap(buffer.data, before, bytes, MREMAP_MAYMOVE)
                                 : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (data == MAP_FAILED) throw std::bad_alloc();
        if (before < kMapped) {
            if (used) std::memcpy(data, buffer.data, used);
            std::free(buffer.data);
        }
    } else
#endif
    {
        data = std::realloc(buffer.data, bytes);
        if (data == nullptr) throw std::bad_alloc();
    }
    buffer.data = static_cast<char*>(data);
    buffer.capacity = static_cast<int64_t>(bytes);
}

// Writes to the end of a PipelineBuffer; whoever writes reserves first.
class Out {
public:
    explicit Out(PipelineBuffer& buffer) : buffer_(buffer), at_(buffer.data + buffer.size), end_(buffer.data + buffer.capacity) {}
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
        make_room(buffer_, used, std::max<size_t>(2 * buffer_.capacity, used + bytes));
        at_ = buffer_.data + used;
        end_ = buffer_.data + buffer_.capacity;
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
