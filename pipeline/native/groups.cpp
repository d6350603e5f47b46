// Exact statistics of groups of values, out of core; docs/statistics.md defines the figures.
//
// Rows are added once. A group that finds room keeps a few numbers; its finite values go into a log, which moves to a
// temporary file, cut into partitions by group, when it outgrows its budget. Rows of all further groups are sorted by
// their keys, in a temporary file. At the end the groups come in the order of their keys, those that found room among
// those that were sorted; a group is of the one kind or the other, never both.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "arrow.h"
#include "figures.h"
#include "group_columns.h"
#include "group_keys.h"
#include "row_keys.h"
#include "sorted_rows.h"
#include "value_log.h"
#include "work_in_threads.h"

namespace pipeline {

class Statistics {
public:
    Statistics(const std::vector<KeyKind>& kinds, std::vector<double> quantiles, bool lost_are_infinite,
               size_t budget_bytes, size_t threads, std::string directory)
        : half_(budget_bytes / 2),
          threads_(std::min(std::max<size_t>(threads, 1), kMostThreads)),
          directory_(std::move(directory)),
          finder_(std::move(quantiles), lost_are_infinite, std::max<size_t>(half_ / sizeof(uint64_t), kLeastValues)),
          rows_(kinds),
          keys_(rows_.width()),
          room_(half_),
          log_(half_, directory_),
          batch_(kinds) {}

    // Adds rows of one session, all of a session before those of the next: keys, time, sequence and value.
    void add(int64_t session, const ArrowSchema& schema, const ArrowArray& array) {
        const int64_t rows = array.length;
        if (rows == 0) return;
        std::vector<Column> columns;
        for (int64_t at = 0; at < schema.n_children; ++at)
            columns.emplace_back(*schema.children[at], *array.children[at], array.offset);
        const Column values = columns.back();
        if (values.kind() != Kind::Float64) throw std::invalid_argument("values are not float64");
        const Column sequences = columns[columns.size() - 2], times = columns[columns.size() - 3];
        columns.resize(columns.size() - 3);
        rows_.read(std::move(columns), rows, room_);
        // What a group takes: itself, its keys, twice in the table, its figures, and its place in the order of keys.
        const size_t bytes = sizeof(Group) + 3 * 8 * rows_.width() + 8 * finder_.width() + 128;
        uint32_t group = Keys::kUnknown;
        for (int64_t row = 0; row < rows; ++row) {
            if (rows_.go_to(row)) {
                group = rows_.has_unknown() ? Keys::kUnknown : keys_.find(rows_.key(), room_, bytes);
                if (group == groups_.size()) groups_.emplace_back();
            }
            const Place place{times.integer(row), sequences.integer(row), session};
            const double value = values.is_null(row) ? kNaN : values.number(row);
            const bool is_lost = values.is_null(row);
            if (group == Keys::kUnknown) {
                sort_row(row, is_lost || std::isfinite(value) ? value : HUGE_VAL, place);
                continue;
            }
            Group& of = groups_[group];
            of.add_row_of(session);
            if (is_lost) {
                ++of.null_count;
            } else if (!std::isfinite(value)) {
                ++of.non_finite_count;
            } else {
                of.add_value(value, place);
                log_.add(group, value);
            }
        }
    }

    // Takes the next groups in the order of their keys; without any, all have been taken. Nothing is added any more.
    const GroupColumns& next(size_t rows) {
        if (!is_finished_) finish();
        batch_.clear();
        while (!batch_.is_full(rows)) {
            const bool has_sorted = merge_ != nullptr && !merge_->is_over();
            if (next_ < order_.size() && (!has_sorted || order_[next_].first < merge_->first().key())) {
                const auto& [key, group] = order_[next_++];
                double* const figures = batch_.add(key, groups_[group], finder_.width());
                std::copy_n(figures_.data() + group * finder_.width(), finder_.width(), figures);
            } else if (has_sorted) {
                take_sorted();
            } else {
                break;
            }
        }
        return batch_;
    }
    const GroupColumns& batch() const { return batch_; }

private:
    // Calls back with the values of a group, as often as it is called.
    static auto values_in(const ValueLog& log, size_t partition, uint32_t group) {
        return [&log, partition, group](auto take) {
            log.visit(partition, [&](const uint32_t* groups, const double* values, size_t count) {
                for (size_t i = 0; i < count; ++i)
                    if (groups[i] == group) take(values[i]);
            });
        };
    }

    void sort_row(int64_t row, double value, const Place& place) {
        if (sorter_ == nullptr) {
            log_.move_to_file();  // the memory of its values is what rows are sorted in
            sorter_ = std::make_unique<RowSorter>(half_, directory_);
        }
        sorter_->add(rows_.bytes_of(row), {value, place.time, place.sequence, place.session});
    }

    void finish() {
        is_finished_ = true;
        figures_.resize(groups_.size() * finder_.width());
        std::vector<std::vector<uint32_t>> members(log_.partitions());
        for (uint32_t group = 0; group < groups_.size(); ++group) members[log_.partition_of(group)].push_back(group);
        const size_t threads = std::min(threads_, std::min(members.size(), groups_.size()));
        work_in_threads(std::max<size_t>(threads, 1), members.size(), [&](const auto& take) {
            FigureFinder finder = finder_;  // what they hold together is what one alone would
            finder.hold_at_most(std::max(finder_.most_values() / std::max<size_t>(threads, 1), kLeastValues));
            std::vector<uint64_t> starts(groups_.size(), kAbsent);
            for (size_t partition; take(partition);) finish_partition(partition, members[partition], finder, starts);
        });
        log_.clear();
        for (uint32_t group = 0; group < groups_.size(); ++group) order_.emplace_back(rows_.bytes_of(keys_[group]), group);
        std::sort(order_.begin(), order_.end());
        if (sorter_ != nullptr) merge_ = sorter_->merge();
    }

    // Takes as many groups at a time as fit the budget; one that does not fit by itself is read again.
    // `starts` has a place for each group, and is as it was afterwards.
    void finish_partition(size_t partition, const std::vector<uint32_t>& members, FigureFinder& finder,
                          std::vector<uint64_t>& starts) {
        const size_t limit = finder.most_values();
        for (size_t from = 0; from < members.size();) {
            size_t to = from, total = 0;
            while (to < members.size() && (to == from || total + size_of(members[to]) <= limit)) {
                starts[members[to]] = total;
                total += size_of(members[to]);
                ++to;
            }
            const bool fits = total <= limit;
            std::vector<uint64_t> keys(fits ? total : 0);
            if (fits && total)
                log_.visit(partition, [&](const uint32_t* groups, const double* values, size_t count) {
                    for (size_t i = 0; i < count; ++i) {
                        uint64_t& at = starts[groups[i]];
                        if (at != kAbsent) keys[at++] = to_key(values[i]);
                    }
                });
            for (size_t i = from; i < to; ++i) {
                const uint32_t group = members[i];
                double* const figures = figures_.data() + group * finder.width();
                if (fits) finder.find(groups_[group], keys.data() + (starts[group] - size_of(group)), figures);
                else finder.find_in_passes(groups_[group], values_in(log_, partition, group), figures);
                starts[group] = kAbsent;
            }
            from = to;
        }
    }

    // Adds the first of the groups that were sorted to the batch.
    void take_sorted() {
        Group group;
        const std::string key = merge_->first().key();
        held_.clear();
        std::unique_ptr<ValueLog> more;  // values that are too many to be held
        for (; !merge_->is_over() && merge_->first().key() == key; merge_->next()) {
            RunReader& run = merge_->first();
            for (uint32_t left = run.rows(); left > 0; --left) {
                const SortedRow row = run.row();
                group.add_row_of(row.session);
                if (std::isnan(row.value)) {
                    ++group.null_count;
                } else if (std::isinf(row.value)) {
                    ++group.non_finite_count;
                } else {
                    group.add_value(row.value, {row.time, row.sequence, row.session});
                    if (more == nullptr && held_.size() == finder_.most_values()) {
                        more = std::make_unique<ValueLog>(0, directory_);
                        for (const uint64_t one : held_) more->add(0, from_key(one));
                    }
                    if (more != nullptr) more->add(0, row.value);
                    else held_.push_back(to_key(row.value));
                }
            }
        }
        double* const figures = batch_.add(key, group, finder_.width());
        if (more == nullptr) {
            finder_.find(group, held_.data(), figures);
            return;
        }
        std::vector<uint64_t>().swap(held_);
        finder_.find_in_passes(group, values_in(*more, 0, 0), figures);
    }

    size_t size_of(uint32_t group) const { return static_cast<size_t>(groups_[group].count); }

    static constexpr uint64_t kAbsent = UINT64_MAX;
    static constexpr size_t kLeastValues = 1024, kMostThreads = 8;
    size_t half_;  // of the budget: for groups, and for values or the rows that are sorted
    size_t threads_;
    std::string directory_;
    FigureFinder finder_;
    RowKeys rows_;
    Keys keys_;
    Room room_;
    std::vector<Group> groups_;
    ValueLog log_;
    std::unique_ptr<RowSorter> sorter_;

    bool is_finished_ = false;
    std::vector<double> figures_;                           // of the groups that found room
    std::vector<std::pair<std::string, uint32_t>> order_;  // of the same
    size_t next_ = 0;
    std::unique_ptr<Merge> merge_;
    std::vector<uint64_t> held_;  // keys of the values of a group that was sorted
    GroupColumns batch_;
};

namespace {

template <class Body>
int32_t reported(char* message, size_t size, Body body) {
    try {
        body();
        return 0;
    } catch (const std::bad_alloc&) {
        return 2;
    } catch (const std::exception& error) {
        std::snprintf(message, size, "%s", error.what());
        return 1;
    }
}

}  // namespace

// Functions that give a status return 0, or 1 and a message of at most 200 bytes, or 2 without memory.
#pragma GCC visibility push(default)
extern "C" {

// `kinds` has a letter for each key.
void* pipeline_statistics_new(const char* kinds, const double* quantiles, uint64_t quantile_count,
                              int32_t lost_are_infinite, uint64_t budget_bytes, uint64_t threads,
                              const char* directory) {
    try {
        std::vector<KeyKind> all;
        for (; *kinds != '\0'; ++kinds) all.push_back(static_cast<KeyKind>(*kinds));
        return new Statistics(all, {quantiles, quantiles + quantile_count}, lost_are_infinite != 0, budget_bytes, threads,
                              directory);
    } catch (const std::exception&) {
        return nullptr;
    }
}

void pipeline_statistics_free(void* statistics) { delete static_cast<Statistics*>(statistics); }

int32_t pipeline_statistics_add(void* statistics, int64_t session, const ArrowSchema* schema, const ArrowArray* rows,
                                char* message) {
    return reported(message, 200, [&] { static_cast<Statistics*>(statistics)->add(session, *schema, *rows); });
}

// Finds the figures of the next groups, `rows` of them at most; `count` tells how many, and where six integers and the
// numbers of each stand until the next call.
int32_t pipeline_statistics_next(void* statistics, uint64_t rows, int64_t* count, const void** integers,
                                 const void** numbers, char* message) {
    return reported(message, 200, [&] {
        const GroupColumns& batch = static_cast<Statistics*>(statistics)->next(rows);
        *count = static_cast<int64_t>(batch.rows());
        *integers = batch.integers().data();
        *numbers = batch.numbers().data();
    });
}

// Tells where a key of those groups stands: which are absent, and numbers, or places of texts, their ends and bytes.
// Gives how many texts there are.
int64_t pipeline_statistics_key(const void* statistics, uint64_t at, const void** absent, const void** numbers,
                                const void** places, const void** ends, const void** bytes) {
    const KeyColumn& column = static_cast<const Statistics*>(statistics)->batch().key(at);
    *absent = column.absent.data();
    *numbers = column.numbers.data();
    *places = column.places.data();
    *ends = column.ends.data();
    *bytes = column.bytes.data();
    return static_cast<int64_t>(column.ends.size()) - 1;
}

}  // extern "C"
#pragma GCC visibility pop
}  // namespace pipeline
