// The digest of rows; pipeline/rows/digest.py defines it.

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "arrow.h"
#include "widest.h"

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

// The bits of a number, every NaN being one NaN.
uint64_t one_nan(uint64_t bits) {
    return (bits & 0x7fffffffffffffff) > 0x7ff0000000000000 ? 0x7ff8000000000000 : bits;
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

// One lane of many rows each, so that the compiler can work on several rows at a time.
struct Rows {
    explicit Rows(int64_t rows) : lane{std::vector<uint64_t>(rows), std::vector<uint64_t>(rows)} {}

    void add(int64_t row, const Words& words) {
        lane[0][row] += words.lane[0];
        lane[1][row] += words.lane[1];
    }

    std::vector<uint64_t> lane[2];  // the sums of the words of each row
    Words in_all{{0, 0}};           // added to each of them
};

PIPELINE_WIDEST void add_integers(const uint64_t* values, int64_t rows, uint64_t key, uint64_t* sums) {
    for (int64_t row = 0; row < rows; ++row) sums[row] += mix(values[row] + key);
}

PIPELINE_WIDEST void add_numbers(const uint64_t* bits, int64_t rows, uint64_t key, uint64_t* sums) {
    for (int64_t row = 0; row < rows; ++row) sums[row] += mix(one_nan(bits[row]) + key);
}

PIPELINE_WIDEST void add_places(const int32_t* places, const uint64_t* known, int64_t rows, uint64_t* sums) {
    for (int64_t row = 0; row < rows; ++row) sums[row] += known[places[row]];
}

PIPELINE_WIDEST uint64_t sum_of_rows(const uint64_t* sums, int64_t first, int64_t end, uint64_t in_all) {
    uint64_t sum = 0;
    for (int64_t row = first; row < end; ++row) sum += mix(sums[row] + in_all);
    return sum;
}

Words dictionary_words(const Column& column, int64_t place, const uint64_t* key) {
    return column.is_null_text(place) ? Words{{0, 0}} : text_words(column.text(place), key);
}

// A dictionary of more texts than there are rows: only those that rows have are looked at.
void add_few_of_many(const Column& column, const uint64_t* key, int64_t rows, Rows& to) {
    std::unordered_map<int64_t, Words> known;
    for (int64_t row = 0; row < rows; ++row) {
        if (column.is_null(row)) continue;
        const int64_t place = column.index(row);
        if (place < 0 || place >= column.dictionary_size()) throw std::out_of_range("index");
        const auto found = known.find(place);
        to.add(row, found != known.end() ? found->second
                                         : known.emplace(place, dictionary_words(column, place, key)).first->second);
    }
}

void add_dictionary(const Column& column, const uint64_t* key, int64_t rows, Rows& to) {
    if (column.is_constant(rows)) {
        const int64_t place = column.index(0);
        if (place < 0 || place >= column.dictionary_size()) throw std::out_of_range("index");
        const Words words = dictionary_words(column, place, key);
        for (int lane = 0; lane < 2; ++lane) to.in_all.lane[lane] += words.lane[lane];
        return;
    }
    if (column.dictionary_size() > rows) {
        add_few_of_many(column, key, rows, to);
        return;
    }
    std::vector<uint64_t> known[2];
    for (int64_t place = 0; place < column.dictionary_size(); ++place) {
        const Words words = dictionary_words(column, place, key);
        for (int lane = 0; lane < 2; ++lane) known[lane].push_back(words.lane[lane]);
    }
    if (column.places_lie_within(rows)) {
        for (int lane = 0; lane < 2; ++lane)
            add_places(column.values<int32_t>(), known[lane].data(), rows, to.lane[lane].data());
        return;
    }
    for (int64_t row = 0; row < rows; ++row) {
        if (column.is_null(row)) continue;
        const auto place = static_cast<size_t>(column.index(row));
        to.add(row, {{known[0].at(place), known[1].at(place)}});
    }
}

void add_texts(const Column& column, const uint64_t* key, int64_t rows, Rows& to) {
    LateTexts late(key);
    for (int64_t row = 0; row < rows; ++row)
        if (!column.is_null(row)) to.add(row, late.words(column.text(row)));
}

void add_bools(const Column& column, const uint64_t* key, int64_t rows, Rows& to) {
    Words of[2];
    for (uint64_t value = 0; value < 2; ++value) of[value] = {{mix(value + key[0]), mix(value + key[1])}};
    for (int64_t row = 0; row < rows; ++row)
        if (!column.is_null(row)) to.add(row, of[column.boolean(row)]);
}

// Values of 64 bits: all are added, and those taken back that stand where there is none.
void add_values(const Column& column, const uint64_t* key, int64_t rows, Rows& to) {
    const auto* values = column.values<uint64_t>();
    if (values == nullptr) return;
    const bool numbers = column.kind() == Kind::Float64;
    for (int lane = 0; lane < 2; ++lane)
        (numbers ? add_numbers : add_integers)(values, rows, key[lane], to.lane[lane].data());
    if (!column.has_nulls()) return;
    for (int64_t row = 0; row < rows; ++row) {
        if (!column.is_null(row)) continue;
        const uint64_t word = numbers ? one_nan(values[row]) : values[row];
        for (int lane = 0; lane < 2; ++lane) to.lane[lane][row] -= mix(word + key[lane]);
    }
}

}  // namespace

#pragma GCC visibility push(default)
// Writes the sums of the words of runs of rows to `sums`, two for each run. `ends` holds the row behind each of `runs`
// runs, which stand one behind the other from the first row on; `keys` two words per column. Returns 0, or 1 without
// memory, 2 where a column's type is not one of the model.
extern "C" int32_t pipeline_digest(const ArrowSchema* schema, const ArrowArray* array, const uint64_t* keys,
                                   const int64_t* ends, int64_t runs, uint64_t* sums) {
    try {
        Rows rows(array->length);
        for (int64_t i = 0; i < array->n_children; ++i) {
            const Column column(*schema->children[i], *array->children[i], array->offset);
            const uint64_t* key = keys + 2 * i;
            switch (column.kind()) {
                case Kind::Unknown: return 2;
                case Kind::Bool: add_bools(column, key, array->length, rows); break;
                case Kind::Float64:
                case Kind::Int64:
                case Kind::Timestamp: add_values(column, key, array->length, rows); break;
                default: (column.is_dictionary() ? add_dictionary : add_texts)(column, key, array->length, rows);
            }
        }
        int64_t first = 0;
        for (int64_t run = 0; run < runs; ++run) {
            if (ends[run] < first || ends[run] > array->length) throw std::out_of_range("run");
            for (int lane = 0; lane < 2; ++lane)
                sums[2 * run + lane] =
                    sum_of_rows(rows.lane[lane].data(), first, ends[run], rows.in_all.lane[lane]);
            first = ends[run];
        }
        return 0;
    } catch (const std::exception&) {
        return 1;
    }
}
#pragma GCC visibility pop

}  // namespace pipeline
