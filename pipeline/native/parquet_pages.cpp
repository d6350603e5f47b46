// What the pages of a Parquet file unpack to, from the footer and the headers of the pages, before anything is unpacked.
// The layouts are those of parquet.thrift, in Thrift's compact protocol.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <vector>

#include "thrift.h"

namespace pipeline {
namespace {

constexpr int64_t kTailBytes = 8;  // length of the footer, "PAR1"
constexpr int64_t kMagic = 0x31524150;
constexpr int64_t kPaddingBytes = 100;  // of dictionary pages, which parquet-mr before 1.3 left out of the size of a column
constexpr int64_t kSmallestPageBytes = 8;
constexpr int32_t kDictionaryPage = 2, kDeltaByteArray = 7;
constexpr int64_t kIsDictionary = 1, kHasPrefixes = 2;  // flags of a page

// A chunk of a column, as the footer says.
struct Chunk {
    int64_t row_group = 0, column = 0, values = 0, packed_bytes = 0, data_page = 0, dictionary_page = 0;
};

// A page, as Python reads it.
struct Page {
    int64_t row_group, column, values, bytes, flags;
};

Chunk read_chunk(ThriftReader& reader) {
    Chunk chunk;
    reader.read_struct([&](int16_t field, int type) {
        if (field != 3 || type != kThriftStruct) return reader.skip(type);
        reader.read_struct([&](int16_t inner, int kind) {
            switch (inner) {
                case 5: chunk.values = reader.integer(kind); break;
                case 7: chunk.packed_bytes = reader.integer(kind); break;
                case 9: chunk.data_page = reader.integer(kind); break;
                case 11: chunk.dictionary_page = reader.integer(kind); break;
                default: reader.skip(kind);
            }
        });
    });
    return chunk;
}

std::vector<Chunk> read_footer(ThriftReader& reader) {
    std::vector<Chunk> chunks;
    int64_t row_group = 0;
    reader.read_struct([&](int16_t field, int type) {
        if (field != 4 || type != kThriftList) return reader.skip(type);
        reader.read_list([&](int item) {
            if (item != kThriftStruct) return reader.skip(item);
            reader.read_struct([&](int16_t inner, int kind) {
                if (inner != 1 || kind != kThriftList) return reader.skip(kind);
                int64_t column = 0;
                reader.read_list([&](int one) {
                    if (one != kThriftStruct) return reader.skip(one);
                    chunks.push_back(read_chunk(reader));
                    chunks.back().row_group = row_group;
                    chunks.back().column = column++;
                });
            });
            ++row_group;
        });
    });
    return chunks;
}

// Read the header of a page; the bytes that follow it are given apart.
Page read_header(ThriftReader& reader, int64_t& packed_bytes) {
    Page page{};
    int64_t type = -1;
    packed_bytes = 0;
    const auto read_inner = [&](int16_t encoding_field) {
        reader.read_struct([&](int16_t inner, int kind) {
            if (inner == 1)
                page.values = reader.integer(kind);
            else if (inner == encoding_field)
                page.flags |= reader.integer(kind) == kDeltaByteArray ? kHasPrefixes : 0;
            else
                reader.skip(kind);
        });
    };
    reader.read_struct([&](int16_t field, int kind) {
        switch (field) {
            case 1: type = reader.integer(kind); break;
            case 2: page.bytes = reader.integer(kind); break;
            case 3: packed_bytes = reader.integer(kind); break;
            case 5: kind == kThriftStruct ? read_inner(2) : reader.skip(kind); break;
            case 7: kind == kThriftStruct ? read_inner(0) : reader.skip(kind); break;
            case 8: kind == kThriftStruct ? read_inner(4) : reader.skip(kind); break;
            default: reader.skip(kind);
        }
    });
    if (type == kDictionaryPage) page.flags = kIsDictionary;
    return page;
}

// Follow the pages of a chunk as pyarrow does: until all its values have come, or its bytes end.
void read_pages(ThriftReader& reader, const Chunk& chunk, std::vector<Page>& pages) {
    const bool has_dictionary = chunk.dictionary_page > 0 && chunk.dictionary_page < chunk.data_page;
    int64_t at = has_dictionary ? chunk.dictionary_page : chunk.data_page, seen = 0;
    if (at < 0 || chunk.packed_bytes < 0) throw ThriftError{reader.position()};
    int64_t end;
    if (__builtin_add_overflow(at, chunk.packed_bytes, &end)) throw ThriftError{at};
    end = std::min(end, reader.size() - kPaddingBytes) + kPaddingBytes;
    while (seen < chunk.values && at < end) {
        reader.seek(at);
        int64_t packed;
        Page page = read_header(reader, packed);
        if (packed < 0 || page.bytes < 0 || page.values < 0) throw ThriftError{at};
        page.row_group = chunk.row_group;
        page.column = chunk.column;
        if (static_cast<int64_t>(pages.size()) > reader.size() / kSmallestPageBytes) throw ThriftError{at};
        pages.push_back(page);
        if (!(page.flags & kIsDictionary)) seen += page.values;
        at = reader.position() + packed;
    }
}

// Give Python the first pages, and the number of all.
int64_t hand_over(const std::vector<Page>& pages, int64_t* out, int64_t capacity) {
    const auto count = static_cast<int64_t>(pages.size());
    std::copy_n(pages.begin(), std::min(count, capacity), reinterpret_cast<Page*>(out));
    return count;
}

}  // namespace

#pragma GCC visibility push(default)
// List the pages of an open file.
//
// What does not end as Parquet does has none: its readers say what it is.
//
// Args: its descriptor and size, room for `capacity` pages, where to say at which byte it is damaged, or errno.
// Returns: how many pages there are, of which the first `capacity` were written; -1 where it is damaged, -2 where it
// cannot be read, -3 where there is no memory.
extern "C" int64_t pipeline_parquet_pages(int32_t file, int64_t size, int64_t* out, int64_t capacity, int64_t* where) {
    try {
        ThriftReader reader(file, size);
        if (size < kTailBytes || reader.little_endian_32(size - 4) != kMagic) return 0;
        const int64_t length = reader.little_endian_32(size - kTailBytes);
        if (length > size - kTailBytes) throw ThriftError{size - kTailBytes};
        reader.seek(size - kTailBytes - length);
        std::vector<Page> pages;
        for (const Chunk& chunk : read_footer(reader)) read_pages(reader, chunk, pages);
        return hand_over(pages, out, capacity);
    } catch (const ThriftError& error) {
        *where = error.at;
        return -1;
    } catch (const FileError& error) {
        *where = error.number;
        return -2;
    } catch (const std::exception&) {
        return -3;
    }
}

// List the pages of a chunk that lies in memory, as those of row group and column 0.
//
// Args: its bytes and size, how many values it has, room for `capacity` pages, where to say at which byte it is damaged.
// Returns: as above.
extern "C" int64_t pipeline_parquet_chunk_pages(const uint8_t* bytes, int64_t size, int64_t values, int64_t* out,
                                                int64_t capacity, int64_t* where) {
    try {
        ThriftReader reader(bytes, size);
        Chunk chunk;
        chunk.values = values;
        chunk.packed_bytes = size;
        std::vector<Page> pages;
        read_pages(reader, chunk, pages);
        return hand_over(pages, out, capacity);
    } catch (const ThriftError& error) {
        *where = error.at;
        return -1;
    } catch (const std::exception&) {
        return -3;
    }
}
#pragma GCC visibility pop

}  // namespace pipeline
