// A temporary file that grows at its end and is read anywhere.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace pipeline {

// It has no name from the start on, so that nothing is left even by a kill.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& directory) {
        std::string path = directory + "/statistics-XXXXXX";
        descriptor_ = mkstemp(path.data());
        if (descriptor_ < 0) fail("created");
        unlink(path.c_str());
    }
    ~TemporaryFile() { close(descriptor_); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    int64_t size() const { return size_; }

    void append(const void* data, size_t bytes) {
        const char* from = static_cast<const char*>(data);
        while (bytes > 0) {
            const ssize_t done = write(descriptor_, from, bytes);
            if (done < 0 && errno == EINTR) continue;
            if (done <= 0) fail("written");
            from += done;
            bytes -= static_cast<size_t>(done);
            size_ += done;
        }
    }
    void read(int64_t at, void* data, size_t bytes) const {
        char* to = static_cast<char*>(data);
        while (bytes > 0) {
            const ssize_t done = pread(descriptor_, to, bytes, at);
            if (done < 0 && errno == EINTR) continue;
            if (done == 0) errno = EIO;
            if (done <= 0) fail("read");
            to += done;
            at += done;
            bytes -= static_cast<size_t>(done);
        }
    }

private:
    [[noreturn]] static void fail(const char* what) {
        throw std::runtime_error(std::string("temporary file cannot be ") + what + ": " + std::strerror(errno));
    }

    int descriptor_;
    int64_t size_ = 0;
};

}  // namespace pipeline
