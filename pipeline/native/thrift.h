// Reads Thrift's compact protocol from a file, a block at a time, so that what lies between is never read; or from
// memory.
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

namespace pipeline {

constexpr int kThriftTrue = 1, kThriftFalse = 2, kThriftByte = 3, kThriftDouble = 7, kThriftBinary = 8,
              kThriftList = 9, kThriftSet = 10, kThriftMap = 11, kThriftStruct = 12, kThriftUuid = 13;

// What is read is no Thrift, or ends too early.
struct ThriftError {
    int64_t at;
};

// The file cannot be read.
struct FileError {
    int number;
};

class ThriftReader {
  public:
    ThriftReader(int file, int64_t size) : file_(file), size_(size), block_(kBlockBytes), bytes_(block_.data()) {}
    ThriftReader(const uint8_t* bytes, int64_t size) : size_(size), filled_(size), bytes_(bytes) {}
    ThriftReader(const ThriftReader&) = delete;
    ThriftReader& operator=(const ThriftReader&) = delete;

    int64_t size() const { return size_; }
    int64_t position() const { return at_; }
    void seek(int64_t at) { at_ = at; }

    // Read the fields of a struct; `field` gets the number and the type of each, and reads or skips its value.
    template <typename Field>
    void read_struct(Field field) {
        if (++depth_ > kMaxDepth) throw ThriftError{at_};
        int16_t last = 0;
        while (const uint8_t head = byte()) {
            last = static_cast<int16_t>(head >> 4 ? last + (head >> 4) : zigzag());
            const int type = head & 15;
            field(last, type);
        }
        --depth_;
    }

    // Read the items of a list or set; `item` gets the type of each, and reads or skips it.
    template <typename Item>
    void read_list(Item item) {
        const uint8_t head = byte();
        const uint64_t items = head >> 4 == 15 ? varint() : head >> 4;
        int type = head & 15;
        if (type == kThriftTrue || type == kThriftFalse) type = kThriftByte;  // they have a byte each here
        if (items > static_cast<uint64_t>(size_)) throw ThriftError{at_};      // each takes a byte at least
        for (uint64_t one = 0; one < items; ++one) item(type);
    }

    // Read a whole number; another type is skipped, and is 0.
    int64_t integer(int type) {
        if (type > kThriftByte && type < kThriftDouble) return zigzag();
        skip(type);
        return 0;
    }

    void skip(int type) {
        switch (type) {
            case kThriftTrue:
            case kThriftFalse: return;
            case kThriftByte: return advance(1);
            case kThriftDouble: return advance(8);
            case kThriftBinary: return advance(varint());
            case kThriftUuid: return advance(16);
            case kThriftList:
            case kThriftSet:
                if (++depth_ > kMaxDepth) throw ThriftError{at_};
                read_list([this](int item) { skip(item); });
                --depth_;
                return;
            case kThriftMap: return skip_map();
            case kThriftStruct: return read_struct([this](int16_t, int inner) { skip(inner); });
            default:
                if (type < kThriftTrue || type > kThriftUuid) throw ThriftError{at_};
                varint();
        }
    }

    // Read four bytes at a place, which becomes no position.
    int64_t little_endian_32(int64_t at) {
        const int64_t before = at_;
        at_ = at;
        uint32_t value = 0;
        for (int shift = 0; shift < 32; shift += 8) value |= static_cast<uint32_t>(byte()) << shift;
        at_ = before;
        return value;
    }

  private:
    static constexpr int64_t kBlockBytes = 4096;
    static constexpr int kMaxDepth = 64;

    uint8_t byte() {
        if (at_ < begin_ || at_ >= begin_ + filled_) fill();
        return bytes_[at_++ - begin_];
    }

    void fill() {
        if (at_ < 0 || at_ >= size_ || file_ < 0) throw ThriftError{at_};  // all of what lies in memory is there
        begin_ = at_;
        filled_ = 0;
        ssize_t read;
        do read = pread(file_, block_.data(), block_.size(), at_);
        while (read < 0 && errno == EINTR);
        if (read < 0) throw FileError{errno};
        if (read == 0) throw ThriftError{at_};  // it lost its end meanwhile
        filled_ = read;
    }

    uint64_t varint() {
        uint64_t value = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            const uint8_t part = byte();
            if (shift < 64) value |= static_cast<uint64_t>(part & 127) << shift;
            if (part < 128) return value;
        }
        throw ThriftError{at_};
    }

    int64_t zigzag() {
        const uint64_t value = varint();
        return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
    }

    void advance(uint64_t bytes) {
        if (bytes > static_cast<uint64_t>(size_)) throw ThriftError{at_};
        at_ += static_cast<int64_t>(bytes);
    }

    void skip_map() {
        const uint64_t items = varint();
        if (!items) return;
        if (items > static_cast<uint64_t>(size_) || ++depth_ > kMaxDepth) throw ThriftError{at_};
        const uint8_t types = byte();
        for (uint64_t one = 0; one < items; ++one) {
            skip(item_type(types >> 4));
            skip(item_type(types & 15));
        }
        --depth_;
    }

    static int item_type(int type) { return type == kThriftTrue || type == kThriftFalse ? kThriftByte : type; }

    int file_ = -1;
    int64_t size_, at_ = 0, begin_ = 0, filled_ = 0;
    int depth_ = 0;
    std::vector<uint8_t> block_;
    const uint8_t* bytes_;  // from begin_ on, as many as are filled
};

}  // namespace pipeline
