-- criterion.rs: raw.csv, which versions before 0.4 write and later ones with the feature csv_output. A sample is what was
-- measured of some iterations, divided by their number; it is the same as in sample.json beside it. Before 0.3 the unit is
-- nanoseconds and stands in the name of the column.
-- harness: criterion
-- signs: "iteration_count"
-- looks for: records behind the header line
-- format: csv
-- companion: benchmark.json estimates.json
-- columns: group, function, value, throughput_num, throughput_type, sample_measured_value, sample_time_nanos, unit, iteration_count BIGINT
-- reads: group
-- metrics: time = duration lower
-- metrics: measured_value = gauge

-- name: recognise
SELECT regexp_matches(first_line, '^group,function,value,.*iteration_count') FROM content

-- name: session
SELECT {baseline: CASE WHEN getvariable('companion') IS NOT NULL THEN nullif(getvariable('folder'), 'new') END} AS attributes

-- name: measurements
SELECT CASE WHEN sample_time_nanos IS NOT NULL OR unit IN ('ps', 'ns', 'us', 'µs', 'ms', 's') THEN 'time' ELSE 'measured_value' END AS metric,
       CASE WHEN iterations <> 1 THEN quotient(measured, iterations) END AS value, CASE WHEN iterations = 1 THEN measured END AS value_text,
       CASE WHEN sample_time_nanos IS NOT NULL THEN 'ns' WHEN unit = 'µs' THEN 'us' ELSE unit END AS unit,
       concat_ws('/', "group", function, "value") AS benchmark, "group", function, "value" AS parameter, throughput_num, throughput_type,
       iteration_count::BIGINT AS iterations
FROM (SELECT *, coalesce(sample_measured_value, sample_time_nanos) AS measured,
             CASE WHEN iteration_count::DOUBLE > 0 THEN iteration_count::DOUBLE
                  ELSE error('column ''iteration_count'': a sample is of no iterations') END AS iterations FROM records)
