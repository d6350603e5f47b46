// The digest of rows; pipeline/digest.py defines it.

#include <algorithm>
#include <cmath>
#include <exception>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "arrow.h"

namespace pipeline {
namespace {

struct Words {
    uint64_t lane[2];
};

uint64_t rotate_right(uint64_t word, int bits) { return (word >> bits) | (word << (64 - bits)); }

// BLAKE2b with a digest of 16 bytes and no key: RFC 7693.
class Blake2b {
public:
    static Words hash(std::string_view text) {
        Blake2b state;
        const auto* data = reinterpret_cast<const unsigned char*>(text.data());
        size_t left = text.size();
        uint64_t done = 0;
        while (left > 128) {
            done += 128;
            state.compress(data, done, false);
            data += 128;
            left -= 128;
        }
        unsigned char block[128] = {};
        if (left > 0) std::memcpy(block, data, left);
        state.compress(block, done + left, true);
        return {{state.h_[0], state.h_[1]}};
    }

private:
    static constexpr uint64_t kInit[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                                          0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                                          0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
    static constexpr unsigned char kSigma[10][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

    Blake2b() {
        std::memcpy(h_, kInit, sizeof h_);
        h_[0] ^= 0x01010000 ^ 16;
    }
    void compress(const unsigned char* block, uint64_t done, bool last) {
        uint64_t m[16], v[16];
        std::memcpy(m, block, sizeof m);  // little endian, as all machines this runs on
        std::memcpy(v, h_, sizeof h_);
        std::memcpy(v + 8, kInit, sizeof kInit);
        v[12] ^= done;
        if (last) v[14] = ~v[14];
        const auto mix = [&](int a, int b, int c, int d, uint64_t x, uint64_t y) {
            v[a] += v[b] + x;
            v[d] = rotate_right(v[d] ^ v[a], 32);
            v[c] += v[d];
            v[b] = rotate_right(v[b] ^ v[c], 24);
            v[a] += v[b] + y;
            v[d] = rotate_right(v[d] ^ v[a], 16);
            v[c] += v[d];
            v[b] = rotate_right(v[b] ^ v[c], 63);
        };
        for (int round = 0; round < 12; ++round) {
            const unsigned char* s = kSigma[round % 10];
            mix(0, 4, 8, 12, m[s[0]], m[s[1]]);
            mix(1, 5, 9, 13, m[s[2]], m[s[3]]);
            mix(2, 6, 10, 14, m[s[4]], m[s[5]]);
            mix(3, 7, 11, 15, m[s[6]], m[s[7]]);
            mix(0, 5, 10, 15, m[s[8]], m[s[9]]);
            mix(1, 6, 11, 12, m[s[10]], m[s[11]]);
            mix(2, 7, 8, 13, m[s[12]], m[s[13]]);
            mix(3, 4, 9, 14, m[s[14]], m[s[15]]);
        }
        for (int i = 0; i < 8; ++i) h_[i] ^= v[i] ^ v[i + 8];
    }
    uint64_t h_[8];
};

// The step of splitmix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
uint64_t mix(uint64_t word) {
    word += 0x9e3779b97f4a7c15;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
}

uint64_t number_bits(double value) {
    if (std::isnan(value)) return 0x7ff8000000000000;
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

Words text_words(std::string_view text, const uint64_t* key) {
    const Words halves = Blake2b::hash(text);
    return {{mix(halves.lane[0] + key[0]), mix(halves.lane[1] + key[1])}};
}

// The words of texts seen lately: texts of plain columns repeat too.
class LateTexts {
public:
    explicit LateTexts(const uint64_t* key) : key_(key), slots_(kSlots) {}

    const Words& words(std::string_view text) {
        Slot& slot = slots_[slot_of(text)];
        if (!slot.used || slot.text != text) slot = {text, text_words(text, key_), true};
        return slot.words;
    }

private:
    static constexpr size_t kSlots = 256;
    struct Slot {
        std::string_view text;
        Words words;
        bool used;
    };
    static size_t slot_of(std::string_view text) {
        uint64_t ends[2] = {0, 0};
        const size_t size = std::min<size_t>(text.size(), 8);
        if (size) {
            std::memcpy(&ends[0], text.data(), size);
            std::memcpy(&ends[1], text.data() + text.size() - size, size);
        }
        return mix(ends[0] ^ mix(ends[1] + text.size())) % kSlots;
    }
    const uint64_t* key_;
    std::vector<Slot> slots_;
};

void add(Words& sum, const Words& words) {
    sum.lane[0] += words.lane[0];
    sum.lane[1] += words.lane[1];
}

// The sums of the words of each row.
struct Rows {
    std::vector<Words> sums;
    Words in_all{{0, 0}};  // added to each of them
};

Words dictionary_words(const Column& column, int64_t place, const uint64_t* key) {
    return column.is_null_text(place) ? Words{{0, 0}} : text_words(column.text(place), key);
}

// A dictionary of more texts than there are rows: only those that rows have are looked at.
void add_few_of_many(const Column& column, const uint64_t* key, int64_t rows, std::vector<Words>& sums) {
    std::unordered_map<int64_t, Words> known;
    for (int64_t row = 0; row < rows; ++row) {
        if (column.is_null(row)) continue;
        const int64_t place = column.index(row);
        if (place < 0 || place >= column.dictionary_size()) throw std::out_of_range("index");
        const auto found = known.find(place);
        add(sums[row], found != known.end() ? found->second
                                            : known.emplace(place, dictionary_words(column, place, key)).first->second);
    }
}

template <class Index>
void add_places(const Index* places, const std::vector<Words>& known, const Column& column, int64_t rows, Words* sums) {
    const bool has_nulls = column.has_nulls();
    for (int64_t row = 0; row < rows; ++row) {
        if (has_nulls && column.is_null(row)) continue;
        add(sums[row], known.at(static_cast<size_t>(places[row])));
    }
}

void add_dictionary(const Column& column, const uint64_t* key, int64_t rows, Rows& to) {
    if (column.is_constant(rows)) {
        const int64_t place = column.index(0);
        if (place < 0 || place >= column.dictionary_size()) throw std::out_of_range("index");
        add(to.in_all, dictionary_words(column, place, key));
        return;
    }
    if (column.dictionary_size() > rows) {
        add_few_of_many(column, key, rows, to.sums);
        return;
    }
    std::vector<Words> known;
    for (int64_t place = 0; place < column.dictionary_size(); ++place)
        known.push_back(dictionary_words(column, place, key));
    if (column.index_format() == 'i') {
        add_places(column.values<int32_t>(), known, column, rows, to.sums.data());
        return;
    }
    for (int64_t row = 0; row < rows; ++row)
        if (!column.is_null(row)) add(to.sums[row], known.at(static_cast<size_t>(column.index(row))));
}

void add_texts(const Column& column, const uint64_t* key, int64_t rows, std::vector<Words>& sums) {
    LateTexts late(key);
    for (int64_t row = 0; row < rows; ++row)
        if (!column.is_null(row)) add(sums[row], late.words(column.text(row)));
}

template <class Bits>
void add_bits(const Column& column, const uint64_t* key, int64_t rows, Words* sums, Bits bits) {
    const uint64_t first = key[0], second = key[1];
    const bool has_nulls = column.has_nulls();
    for (int64_t row = 0; row < rows; ++row) {
        if (has_nulls && column.is_null(row)) continue;
        const uint64_t word = bits(row);
        sums[row].lane[0] += mix(word + first);
        sums[row].lane[1] += mix(word + second);
    }
}

}  // namespace

#pragma GCC visibility push(default)
// Adds the words of all rows to `sums`, two of them. `keys` holds two words per column. Returns 0, or 1 without memory,
// 2 where a column's type is not one of the model.
extern "C" int32_t pipeline_digest(const ArrowSchema* schema, const ArrowArray* array, const uint64_t* keys,
                                   uint64_t* sums) {
    try {
        Rows rows{std::vector<Words>(static_cast<size_t>(array->length), Words{{0, 0}})};
        Words* const of_rows = rows.sums.data();
        for (int64_t i = 0; i < array->n_children; ++i) {
            const Column column(*schema->children[i], *array->children[i], array->offset);
            const uint64_t* key = keys + 2 * i;
            switch (column.kind()) {
                case Kind::Unknown: return 2;
                case Kind::Bool:
                    add_bits(column, key, array->length, of_rows, [&](int64_t row) { return column.boolean(row); });
                    break;
                case Kind::Float64:
                    add_bits(column, key, array->length, of_rows,
                             [values = column.values<double>()](int64_t row) { return number_bits(values[row]); });
                    break;
                case Kind::Int64:
                case Kind::Timestamp:
                    add_bits(column, key, array->length, of_rows,
                             [values = column.values<uint64_t>()](int64_t row) { return values[row]; });
                    break;
                default:
                    if (column.is_dictionary())
                        add_dictionary(column, key, array->length, rows);
                    else
                        add_texts(column, key, array->length, rows.sums);
            }
        }
        for (const Words& row : rows.sums)
            for (int lane = 0; lane < 2; ++lane) sums[lane] += mix(row.lane[lane] + rows.in_all.lane[lane]);
        return 0;
    } catch (const std::exception&) {
        return 1;
    }
}
#pragma GCC visibility pop

}  // namespace pipeline
