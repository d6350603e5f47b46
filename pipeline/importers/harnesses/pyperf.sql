-- pyperf's JSON, formats 5, 6 and 1.0, which pyperf and perf write since 0.8.3; also compressed with gzip. Each value of a run is a
-- sample, per iteration of its loops; warm-ups are metrics of their own. What all have in common stands in the metadata of
-- the benchmark or of the file, and so may the name, the unit and the loops; what a run says counts first. Runs that
-- calibrate have warm-ups alone. A run's date is local time, without a zone; its samples have no times of their own.
-- harness: pyperf
-- signs: "\"runs\""
-- looks for: `values` of the `runs` of each benchmark
-- format: json
-- samples: benchmarks[].runs[].values[iteration], benchmarks[].runs[].samples[iteration], benchmarks[].runs[].warmups[]
-- versions: 0.8.2 to 2.11.0
-- metrics: time, warmup_time = duration lower
-- metrics: memory, warmup_memory = gauge lower
-- metrics: value, warmup_value = gauge
-- reads: version, metadata.**, benchmarks[].metadata|common_metadata.**
-- reads: benchmarks[].runs[].metadata.name|unit|loops|inner_loops|date|perf_version
-- leaves: benchmarks[].runs[].metadata.**

-- name: recognise
SELECT json_exists(value, '$.benchmarks[0].runs') AND (json_exists(value, '$.version') OR json_exists(value, '$.metadata.perf_version'))
FROM content

-- name: prepare
SET VARIABLE is_raw = (SELECT json->>'version' IN ('5', '6') FROM document);
-- Each text is taken apart once for all that is wanted of it, that of a benchmark before its runs are rows.
CREATE TEMP MACRO said_of(metadata) AS json_extract_string(metadata, ['name', 'unit', 'loops', 'inner_loops', 'date', 'perf_version']);
CREATE TEMP TABLE runs AS
-- What stands beside unnest() is found for each row that it gives: large texts stay below it.
WITH benchmarks AS (
    SELECT said_of(common) AS common, unnest(held) AS benchmark, unnest(range(len(held))) AS number_of_benchmark
    FROM (SELECT json->'metadata' AS common, json_extract(json, '$.benchmarks[*]') AS held FROM document)
), parted AS (
    SELECT number_of_benchmark, common, json_extract(benchmark, ['$.metadata', '$.common_metadata']) AS shared,
           json_extract(benchmark, '$.runs[*]') AS runs
    FROM benchmarks
), listed AS (
    SELECT number_of_benchmark, shared, unnest(runs) AS run, unnest(range(len(runs))) AS number_of_run
    FROM (SELECT number_of_benchmark, runs, list_transform(list_zip(said_of(coalesce(shared[1], shared[2])), common), lambda one: coalesce(one[1], one[2])) AS shared FROM parted)
)
SELECT number_of_benchmark, number_of_run, held[2] AS value, held[3] AS sample, held[4] AS warmup,
       coalesce(said[1], shared[1]) AS name,
       coalesce(said[2], shared[2], 'second') AS unit,
       coalesce(said[3], shared[3])::BIGINT AS loops,
       coalesce(said[4], shared[4])::BIGINT AS inner_loops,
       coalesce(said[5], shared[5])::TIMESTAMP AS date,
       coalesce(said[6], shared[6]) AS perf_version
FROM (SELECT *, said_of(held[1]) AS said
      FROM (SELECT *, json_extract(run, ['metadata', 'values', 'samples', 'warmups']) AS held FROM listed));
CREATE TEMP TABLE arrays AS
SELECT number::BIGINT AS number, is_warmup, * EXCLUDE (value, sample, warmup, number, is_warmup)
FROM (SELECT *, coalesce(value, sample) AS number, false AS is_warmup FROM runs
      UNION ALL SELECT *, warmup, true FROM runs)
WHERE json_type(number) <> 'NULL';

-- name: session
SELECT (SELECT min(date) FROM runs) AS started_at, (SELECT max(perf_version) FROM runs) AS harness_version,
       {metadata: json->'metadata', benchmarks: json_extract(json, '$.benchmarks[*].metadata')}::JSON AS configuration
FROM document

-- name: warnings
SELECT 'says version ' || (json->>'version') || ' of pyperf''s files; 5, 6 and 1.0 were tried'
FROM document WHERE json->>'version' NOT IN ('5', '6', '1.0')

-- name: measurements
SELECT CASE WHEN is_warmup THEN 'warmup_' ELSE '' END || CASE unit WHEN 'second' THEN 'time' WHEN 'byte' THEN 'memory' ELSE 'value' END AS metric,
       CASE WHEN NOT is_warmup THEN json->>'$'
            WHEN json_type(json) <> 'ARRAY' THEN error('a warm-up is ' || json::VARCHAR || ', not its loops and a value')
            WHEN getvariable('is_raw') THEN per_operation(json->>1, (json->>0)::DOUBLE * coalesce(inner_loops, 1)) ELSE json->>1 END AS value,
       CASE unit WHEN 'second' THEN 's' WHEN 'byte' THEN 'By' WHEN 'integer' THEN '1' ELSE unit END AS unit,
       date AS timestamp, name, CASE WHEN is_warmup THEN (json->>0)::BIGINT ELSE loops END AS loops, inner_loops,
       number_of_run AS run, place AS iteration, CASE WHEN place IS NULL AND NOT is_warmup THEN number END AS samples
FROM pieces JOIN arrays USING (number)
