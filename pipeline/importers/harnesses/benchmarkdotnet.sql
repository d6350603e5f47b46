-- BenchmarkDotNet's JSON exporters: *-report-full.json, -brief.json and their compressed forms. A sample is Nanoseconds divided by
-- Operations of each measurement of stage Result of mode Workload, Result alone before 0.11: jitting, pilots, warm-ups, the
-- overhead and what is corrected by it are none. A benchmark without such has its samples in Statistics.OriginalValues.
-- Brief files of old versions have neither: their figures are aggregates. The time of day stands in the title alone, without a zone.
-- harness: benchmarkdotnet
-- signs: "\"benchmarkdotnetversion\""
-- looks for: `Measurements` of stage Result, or `Statistics`, of the entries of `Benchmarks`
-- format: json
-- samples: Benchmarks[].Measurements[], Benchmarks[].Statistics.OriginalValues[]
-- versions: 0.9.9 to 0.15.8
-- metrics: time = duration lower
-- metrics: time_* = duration lower aggregate
-- metrics: total_operations = counter aggregate
-- metrics: gen0_collections, gen1_collections, gen2_collections, bytes_allocated_per_operation = gauge lower aggregate
-- reads: Title, HostEnvironmentInfo.**, Benchmarks[].FullName|Namespace|Type|Method|Parameters|DisplayInfo|ShortInfo
-- reads: Benchmarks[].Measurements[].IterationMode|IterationStage|LaunchIndex|IterationIndex|Operations|Nanoseconds, Benchmarks[].Memory.Gen0Collections|Gen1Collections|Gen2Collections|TotalOperations|BytesAllocatedPerOperation
-- reads: Benchmarks[].Statistics.OriginalValues[], Benchmarks[].Statistics.Min|Max|Mean|Median|Q1|Q3|StandardError|StandardDeviation, Benchmarks[].Statistics.ConfidenceInterval.Lower|Upper|Margin
-- reads: Benchmarks[].Statistics.Percentiles.*, Benchmarks[].Metrics[].Value, Benchmarks[].Metrics[].Descriptor.Id|Unit|TheGreaterTheBetter
-- leaves: Benchmarks[].MethodTitle|HardwareIntrinsics|Properties.**, Benchmarks[].Statistics.N|LowerFence|UpperFence|InterquartileRange|Variance|Skewness|Kurtosis
-- leaves: Benchmarks[].Statistics.LowerOutliers|UpperOutliers|AllOutliers|Outliers[], Benchmarks[].Statistics.ConfidenceInterval.N|Mean|StandardError|Error|Level
-- leaves: Benchmarks[].Metrics[].Descriptor.DisplayName|Legend|NumberFormat|UnitType|PriorityInCategory

-- name: recognise
SELECT json_exists(value, '$.HostEnvironmentInfo.BenchmarkDotNetVersion') AND json_exists(value, '$.Benchmarks') FROM content

-- name: prepare
CREATE TEMP TABLE benchmarks AS
SELECT number_of_benchmark, benchmark, (benchmark->>'Measurements')::BIGINT AS measurements,
       (benchmark->>'$.Statistics.OriginalValues')::BIGINT AS originals,
       coalesce(benchmark->>'FullName', concat_ws('.', benchmark->>'Namespace', benchmark->>'Type', benchmark->>'Method')) AS name,
       nullif(benchmark->>'Parameters', '') AS parameters, coalesce(benchmark->>'DisplayInfo', benchmark->>'ShortInfo') AS display_info
FROM (SELECT unnest(json_extract(json, '$.Benchmarks[*]')) AS benchmark,
             unnest(range(json_array_length(json, '$.Benchmarks')::BIGINT)) AS number_of_benchmark FROM document);
CREATE TEMP TABLE stages AS
SELECT measurements, concat_ws('/', said[1], said[2]) AS stage, count(*) AS times
FROM (SELECT measurements, json_extract_string(json, ['IterationMode', 'IterationStage']) AS said
      FROM samples JOIN benchmarks ON number = measurements) GROUP BY ALL;
-- A benchmark has its samples in one of two arrays.
CREATE TEMP TABLE arrays AS
SELECT number_of_benchmark, CASE WHEN is_measured THEN measurements ELSE originals END AS number, is_measured
FROM (SELECT *, coalesce(measurements IN (SELECT measurements FROM stages WHERE stage IN ('Workload/Result', 'Result')), false) AS is_measured
      FROM benchmarks);

-- name: session
SELECT json->>'$.HostEnvironmentInfo.BenchmarkDotNetVersion' AS harness_version,
       {title: json->>'Title', host_environment: json->'HostEnvironmentInfo'}::JSON AS configuration
FROM document

-- name: metrics
SELECT metric, 'gauge' AS kind, CASE WHEN bool_and(higher = 'true') THEN 'higher' WHEN bool_and(higher = 'false') THEN 'lower' END AS better,
       true AS is_aggregate
FROM (SELECT one->>'$.Descriptor.Id' AS metric, one->>'$.Descriptor.TheGreaterTheBetter' AS higher
      FROM (SELECT unnest(json_extract(benchmark, '$.Metrics[*]')) AS one FROM benchmarks))
WHERE metric IS NOT NULL GROUP BY metric

-- name: unused
SELECT 'Measurements of ' || stage, sum(times) FROM stages WHERE stage NOT IN ('Workload/Result', 'Result') GROUP BY stage

-- name: measurements
WITH sampled AS (
    SELECT *, is_measured AND concat_ws('/', said[1], said[2]) IN ('Workload/Result', 'Result') AS is_result
    FROM (SELECT number_of_benchmark, place, json, is_measured,
                 CASE WHEN is_measured THEN json_extract_string(json, ['IterationMode', 'IterationStage', 'Nanoseconds', 'Operations',
                                                                       'LaunchIndex', 'IterationIndex']) END AS said
          FROM samples JOIN arrays USING (number))
), figures AS (
    SELECT number_of_benchmark, unnest([
        {metric: 'time_min', unit: 'ns', number: said->>'Min'}, {metric: 'time_max', unit: 'ns', number: said->>'Max'},
        {metric: 'time_mean', unit: 'ns', number: said->>'Mean'}, {metric: 'time_median', unit: 'ns', number: said->>'Median'},
        {metric: 'time_q1', unit: 'ns', number: said->>'Q1'}, {metric: 'time_q3', unit: 'ns', number: said->>'Q3'},
        {metric: 'time_standard_error', unit: 'ns', number: said->>'StandardError'},
        {metric: 'time_stddev', unit: 'ns', number: said->>'StandardDeviation'},
        {metric: 'time_mean_margin', unit: 'ns', number: said->>'$.ConfidenceInterval.Margin'},
        {metric: 'time_mean_lower', unit: 'ns', number: said->>'$.ConfidenceInterval.Lower'},
        {metric: 'time_mean_upper', unit: 'ns', number: said->>'$.ConfidenceInterval.Upper'},
        {metric: 'gen0_collections', unit: '1', number: benchmark->>'$.Memory.Gen0Collections'},
        {metric: 'gen1_collections', unit: '1', number: benchmark->>'$.Memory.Gen1Collections'},
        {metric: 'gen2_collections', unit: '1', number: benchmark->>'$.Memory.Gen2Collections'},
        {metric: 'total_operations', unit: '1', number: benchmark->>'$.Memory.TotalOperations'},
        {metric: 'bytes_allocated_per_operation', unit: 'By', number: benchmark->>'$.Memory.BytesAllocatedPerOperation'}]) AS one
    FROM (SELECT number_of_benchmark, benchmark, benchmark->'Statistics' AS said FROM benchmarks)
    UNION ALL
    SELECT number_of_benchmark, {metric: 'time_' || lower(key), unit: 'ns', number: number}
    FROM (SELECT number_of_benchmark, unnest(json_keys(benchmark, '$.Statistics.Percentiles')) AS key,
                 unnest(json_extract_string(benchmark, '$.Statistics.Percentiles.*')) AS number FROM benchmarks)
    UNION ALL
    SELECT number_of_benchmark, {metric: said->>'$.Descriptor.Id', number: said->>'Value',
                                 unit: CASE said->>'$.Descriptor.Unit' WHEN 'B' THEN 'By' WHEN 'Count' THEN '1' ELSE said->>'$.Descriptor.Unit' END}
    FROM (SELECT number_of_benchmark, unnest(json_extract(benchmark, '$.Metrics[*]')) AS said FROM benchmarks)
), rows AS (
    SELECT number_of_benchmark, 'time' AS metric, 'ns' AS unit,
           CASE WHEN NOT is_result THEN nullif(json->>'$', '')
                WHEN said[4]::DOUBLE > 0 THEN per_operation(said[3], said[4]::DOUBLE)
                ELSE error('a measurement is of ' || coalesce(said[4], 'no') || ' operations') END AS value,
           CASE WHEN is_result THEN said[5]::BIGINT END AS launch, CASE WHEN is_result THEN said[6]::BIGINT ELSE place + 1 END AS iteration,
           CASE WHEN is_result THEN said[4]::BIGINT END AS operations
    FROM sampled WHERE is_result OR NOT is_measured
    UNION ALL
    SELECT number_of_benchmark, one.metric, one.unit, one.number, NULL, NULL, NULL FROM figures WHERE nullif(one.number, '') <> 'NaN'
)
SELECT metric, CASE WHEN value <> 'NaN' THEN value END AS value, unit, name, parameters, display_info, launch, iteration, operations
FROM rows JOIN benchmarks USING (number_of_benchmark)
