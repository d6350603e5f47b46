// Rows as InfluxDB line protocol (https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/):
// metric, tags, fields, time in nanoseconds. docs/formats.md says what becomes what.

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "arrow.h"
#include "buffer.h"
#include "decimal.h"

namespace pipeline {
namespace {

constexpr size_t kMaxSeriesBytes = 65'535;
// The server's own limits: the ends of int64 stand for something else.
constexpr int64_t kFirstNanosecond = std::numeric_limits<int64_t>::min() + 2;
constexpr int64_t kLastNanosecond = std::numeric_limits<int64_t>::max() - 1;

// Columns come in this order, tags behind them.
enum Place : int64_t { kMetric, kTime, kSequence, kValue, kFirstTag };

// Writes a name or a tag with what it needs escaped; false where it has no text in this format. A backslash stands for
// itself, except before what is escaped: readers do not agree there.
bool put_escaped(std::string& out, std::string_view text, std::string_view escaped) {
    bool is_behind_backslash = false;
    for (const char c : text) {
        if (c == '\n') return false;
        if (escaped.find(c) != std::string_view::npos) {
            if (is_behind_backslash) return false;
            out += '\\';
        }
        out += c;
        is_behind_backslash = c == '\\';
    }
    return !is_behind_backslash;
}

// A point of a series replaces one of the same time. This finds rows that might do so: those that are not later than
// all rows of their series before. A series is known by a hash; two with the same one only make more rows be found.
class Series {
public:
    bool might_replace(std::string_view series, int64_t time) {
        if (last_.size() >= kMaxSeries) {
            for (const auto& [_, last] : last_) floor_ = std::max(floor_, last);
            last_.clear();
        }
        const auto [found, is_new] = last_.try_emplace(std::hash<std::string_view>()(series), floor_);
        if (time <= found->second) return true;
        found->second = time;
        return false;
    }
    void clear() {
        last_.clear();
        floor_ = std::numeric_limits<int64_t>::min();
    }

private:
    static constexpr size_t kMaxSeries = 1'000'000;
    std::unordered_map<size_t, int64_t> last_;
    int64_t floor_ = std::numeric_limits<int64_t>::min();  // of series that were forgotten
};

// The texts of a column as tags, `,key=` before them; those of a dictionary are made once per batch.
class Tag {
public:
    Tag(const Column& column, const std::string& key) : column_(column), key_(key) {
        if (column.is_dictionary()) known_.resize(static_cast<size_t>(column.dictionary_size()));
    }

    // False where the row's text has none in this format. Null and the empty text are left out.
    bool put(std::string& out, int64_t row) {
        if (column_.is_null(row)) return true;
        if (!column_.is_dictionary()) return put_value(out, row);
        const int64_t at = column_.index(row);
        Known& known = known_.at(static_cast<size_t>(at));
        if (!known.is_made) {
            known.is_right = column_.is_null_text(at) || put_text(known.text, column_.text(at));
            known.is_made = true;
        }
        out += known.text;
        return known.is_right;
    }

private:
    struct Known {
        std::string text;
        bool is_made = false, is_right = false;
    };

    bool put_value(std::string& out, int64_t row) const {
        char text[kMaxValue + kCopied];
        switch (column_.kind()) {
            case Kind::Bool: return put_text(out, column_.boolean(row) ? "true" : "false");
            case Kind::Int64:
                return put_text(out, {text, static_cast<size_t>(put_integer(text, column_.integer(row)) - text)});
            case Kind::Float64: {
                const double value = column_.number(row);
                if (std::isnan(value)) return put_text(out, "NaN");
                if (std::isinf(value)) return put_text(out, value > 0 ? "Infinity" : "-Infinity");
                return put_text(out, {text, static_cast<size_t>(put_float(text, value) - text)});
            }
            default: return put_text(out, column_.text(row));
        }
    }
    bool put_text(std::string& out, std::string_view text) const {
        if (text.empty()) return true;
        out += key_;
        return put_escaped(out, text, ",= ");
    }

    Column column_;
    std::string key_;
    std::vector<Known> known_;
};

// Whether the row has a time that the server takes; `time` is in nanoseconds then.
bool in_nanoseconds(const Column& column, int64_t row, int64_t& time) {
    time = column.integer(row);
    if (!column.nanoseconds() && __builtin_mul_overflow(time, 1000, &time)) return false;
    return time >= kFirstNanosecond && time <= kLastNanosecond;
}

Failure encode(const ArrowSchema& schema, const ArrowArray& array, Series& series, PipelineBuffer& buffer) {
    std::vector<Column> columns;
    std::vector<Tag> tags;
    for (int64_t i = 0; i < array.n_children; ++i) {
        columns.emplace_back(*schema.children[i], *array.children[i], array.offset);
        if (columns.back().kind() == Kind::Unknown) return {kBadType, 0, i};
        if (i < kFirstTag) continue;
        std::string key = ",";
        if (!put_escaped(key, schema.children[i]->name, ",= ")) return {kBadText, 0, i};
        tags.emplace_back(columns.back(), key + "=");
    }
    const Column& metric = columns[kMetric];
    Out out(buffer);
    std::string line;
    for (int64_t row = 0; row < array.length; ++row) {
        line.clear();
        const std::string_view name = metric.text(metric.is_dictionary() ? metric.index(row) : row);
        // A line that begins with # is a comment, and tabs before it do not count.
        if (name.empty() || name[0] == '#' || name[0] == '\t' || !put_escaped(line, name, ", ")) return {kBadText, row, kMetric};
        for (size_t i = 0; i < tags.size(); ++i)
            if (!tags[i].put(line, row)) return {kBadText, row, kFirstTag + static_cast<int64_t>(i)};
        int64_t time;
        if (!in_nanoseconds(columns[kTime], row, time)) return {kBadTime, row, kTime};
        char number[kMaxValue + kCopied];
        const std::string sequence(number, put_integer(number, columns[kSequence].integer(row)));
        if (series.might_replace(line, time)) line += ",sequence=" + sequence;
        if (line.size() > kMaxSeriesBytes) return {kBadText, row, kMetric};
        line += ' ';
        if (!columns[kValue].is_null(row)) {
            const double value = columns[kValue].number(row);
            if (std::isfinite(value))
                line.append("value=").append(number, put_float(number, value)) += ',';
            else
                line += std::isnan(value) ? "non_finite=\"NaN\"," : value > 0 ? "non_finite=\"Infinity\"," : "non_finite=\"-Infinity\",";
        }
        line.append("sequence=").append(sequence).append("i ").append(number, put_integer(number, time)) += '\n';
        out.reserve(line.size());
        out.put_exact(line.data(), line.size());
    }
    return {kOk, 0, 0};
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

void* pipeline_series_new() { return new (std::nothrow) Series; }
void pipeline_series_clear(void* series) { static_cast<Series*>(series)->clear(); }
void pipeline_series_free(void* series) { delete static_cast<Series*>(series); }

// Rows as lines. The first columns are metric, timestamp, sequence and value, all others are tags. `series` goes from
// batch to batch of one session.
int32_t pipeline_encode_lines(const ArrowSchema* schema, const ArrowArray* array, PipelineBuffer* buffer, void* series,
                              int64_t* row, int64_t* column) {
    return guarded(row, column, [&] { return encode(*schema, *array, *static_cast<Series*>(series), *buffer); });
}

}  // extern "C"
#pragma GCC visibility pop

}  // namespace pipeline
