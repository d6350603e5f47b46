// Rows of measurements as JSON lines; pipeline/native/json_rows.h reads them.

#include <exception>
#include <new>

#include "json_rows.h"

#pragma GCC visibility push(default)
namespace pipeline {

extern "C" void* pipeline_json_rows_new(int64_t rows, int64_t bytes, int64_t cells, int64_t line_bytes,
                                        int64_t ticks_per_second) {
    return new (std::nothrow) JsonRows({rows, bytes, cells, line_bytes}, ticks_per_second);
}
extern "C" void pipeline_json_rows_free(void* rows) { delete static_cast<JsonRows*>(rows); }

// Adds a column that is known already. Gives 0, or -1 without memory.
extern "C" int32_t pipeline_json_rows_add(void* rows, const char* name, int64_t size) {
    try {
        static_cast<JsonRows*>(rows)->add_column({name, static_cast<size_t>(size)});
        return 0;
    } catch (const std::exception&) {
        return -1;
    }
}
extern "C" void pipeline_json_rows_begin(void* rows, int32_t reads_times) {
    static_cast<JsonRows*>(rows)->begin(reads_times != 0);
}

// Reads on in the lines of a batch. Gives why it ends (RowsEnd), or -1 without memory, and how many bytes are done; and
// `counts`: the rows, lines and columns so far.
extern "C" int32_t pipeline_json_rows_read(void* rows, const char* data, int64_t size, int32_t is_last, int32_t is_first,
                                           int64_t* done, int64_t* counts) {
    try {
        auto& all = *static_cast<JsonRows*>(rows);
        size_t bytes = 0;
        const RowsEnd end = all.read(data, static_cast<size_t>(size), is_last != 0, is_first != 0, bytes);
        *done = static_cast<int64_t>(bytes);
        counts[0] = all.rows();
        counts[1] = all.lines();
        counts[2] = static_cast<int64_t>(all.columns().size());
        return static_cast<int32_t>(end);
    } catch (const std::exception&) {
        return -1;
    }
}

// Gives the name of a column and its size, what its rows hold, and whether times lost digits.
extern "C" int64_t pipeline_json_rows_column(void* rows, int64_t at, const void** name, int64_t* held, int64_t* has_dropped) {
    const RowColumn& column = static_cast<JsonRows*>(rows)->columns()[static_cast<size_t>(at)];
    *name = column.name().data();
    *held = column.held();
    *has_dropped = column.has_dropped();
    return static_cast<int64_t>(column.name().size());
}

// Gives the arrays of a column. Gives 0, 1 where an integer is none of float64, or -1 without memory.
extern "C" int32_t pipeline_json_rows_arrays(void* rows, int64_t at, int32_t wanted, RowArrays* arrays) {
    try {
        auto& all = *static_cast<JsonRows*>(rows);
        RowColumn& column = all.columns()[static_cast<size_t>(at)];
        return column.arrays(static_cast<size_t>(all.rows()), static_cast<uint8_t>(wanted), *arrays) ? 0 : 1;
    } catch (const std::exception&) {
        return -1;
    }
}

// Gives a byte for each row: whether its time lost digits; null without memory.
extern "C" const void* pipeline_json_rows_dropped(void* rows, int64_t at) {
    try {
        auto& all = *static_cast<JsonRows*>(rows);
        return all.columns()[static_cast<size_t>(at)].dropped(static_cast<size_t>(all.rows()));
    } catch (const std::exception&) {
        return nullptr;
    }
}

}  // namespace pipeline
#pragma GCC visibility pop
