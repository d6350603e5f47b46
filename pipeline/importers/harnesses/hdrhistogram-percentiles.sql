-- Tables of percentiles as HdrHistogram prints them (outputPercentileDistribution, its CSV too, vegeta report -type=hdrplot):
-- values, the share that is not above them, and how many these are. They are no samples: between two rows lies a bin, a row
-- of value_bins, whose value is the greatest of the bin, bin_lower that of the bin before, bin_count how many there were.
-- Percentiles that many tools tell are aggregates besides, where the table has them, and the figures below the table are.
-- Python's hdrhistogram (it writes TotalCount below the table, in one word) divides the values for a table of another unit, and
-- the mean and the maximum, and not the standard deviation: one that the bins contradict is left out.
-- Nothing says the unit but the header of vegeta's (ms): --assume unit=...; nothing says when it was.
-- harness: hdrhistogram
-- signs: "1/(1-percentile)"
-- looks for: rows of a value, a percentile and a total count
-- format: lines
-- option: unit ns us ms s
-- revision: 2
-- metrics: value_bins, value_mean, value_stddev, value_min, value_max, value_p* = duration lower aggregate
-- metrics: value_count = counter aggregate

-- name: recognise
SELECT regexp_matches(text, '(^|\n)\s*"?Value(\(\w+\))?"?[\s,]+"?Percentile"?[\s,]+"?TotalCount"?[\s,]+"?1/\(1-Percentile\)"?')
   AND NOT regexp_matches(text, '(^|\n)Running \S+ test @ ') FROM content

-- name: documents
SELECT line_number FROM records WHERE regexp_matches(line, '^\s*"?Value(\(\w+\))?"?[\s,]+"?Percentile') ORDER BY line_number OFFSET 1

-- name: prepare
CREATE TEMP TABLE printed AS
SELECT line_number, trim(line) AS line, CASE WHEN regexp_matches(line, '^\s*"?Value(\(\w+\))?"?[\s,]+"?Percentile') THEN 'header'
           WHEN regexp_matches(line, '^\s*[0-9.eE+-]+[\s,]+[01](\.\d+)?([eE]-\d+)?[\s,]+\d+([\s,]+([0-9.eE+]+|inf|Infinity|NaN))?\s*$') THEN 'row'
           WHEN regexp_matches(line, '^#\[(Mean|Max) *=') THEN 'figures' WHEN regexp_matches(line, '^#\[Buckets *=') THEN 'left' END AS kind,
       regexp_extract_all(line, '[^\s,=\[\]#"]+') AS words
FROM records;
SET VARIABLE value_unit = coalesce(getvariable('unit'), (SELECT nullif(regexp_extract(line, 'Value\((ns|us|ms|s)\)', 1), '') FROM printed WHERE kind = 'header' LIMIT 1));
-- Bins tell it roughly, and units differ by a thousand.
SET VARIABLE of_other_unit = (
    SELECT NOT coalesce(printed_one BETWEEN of_bins / 3 AND of_bins * 3, true)
    FROM (SELECT sqrt(greatest(sum(count * value * value) / sum(count) - (sum(count * value) / sum(count)) ** 2, 0)) AS of_bins
          FROM (SELECT words[1]::DOUBLE AS value, words[3]::DOUBLE - coalesce(lag(words[3]::DOUBLE) OVER (ORDER BY line_number), 0) AS count
                FROM printed WHERE kind = 'row')),
         (SELECT max(CASE words[1] WHEN 'Mean' THEN TRY_CAST(words[4] AS DOUBLE) END) AS printed_one, coalesce(bool_or(words[3] = 'TotalCount'), false) AS is_of_python
          FROM printed WHERE kind = 'figures')
    WHERE is_of_python)

-- name: warnings
SELECT 'says nothing of the unit of its values, so that they have none: --assume unit=ns, us, ms or s' WHERE getvariable('value_unit') IS NULL
UNION ALL
SELECT 'has no row of 100 percent, with which a table ends: it may be cut off'
WHERE NOT EXISTS (FROM printed WHERE kind = 'row' AND words[2]::DOUBLE = 1)
UNION ALL
SELECT 'has a standard deviation of another unit than its values, as hdrhistogram of Python prints it, which is left out' WHERE getvariable('of_other_unit')

-- name: unused
SELECT line, count(*) FROM printed WHERE kind IS NULL GROUP BY line ORDER BY line

-- name: measurements
SELECT figure.metric AS metric, figure.value AS value, CASE figure.metric WHEN 'value_count' THEN '1' ELSE getvariable('value_unit') END AS unit,
       figure.lower AS bin_lower, figure.count AS bin_count
FROM (
    SELECT line_number, unnest(CASE WHEN kind = 'row' THEN [
            {metric: 'value_bins', value: words[1], lower: coalesce(value_before::DOUBLE, words[1]::DOUBLE),
             count: CASE WHEN words[3]::BIGINT < count_before::BIGINT THEN error('has a total count below that of the row before (line ' || line_number || ')')
                         ELSE words[3]::BIGINT - coalesce(count_before::BIGINT, 0) END},
            {metric: CASE words[2]::DOUBLE WHEN 0 THEN 'value_min' WHEN 0.5 THEN 'value_p50' WHEN 0.75 THEN 'value_p75' WHEN 0.9 THEN 'value_p90'
                 WHEN 0.95 THEN 'value_p95' WHEN 0.99 THEN 'value_p99' WHEN 0.999 THEN 'value_p99_9' WHEN 0.9999 THEN 'value_p99_99' END,
             value: words[1], lower: NULL, count: NULL}]
        WHEN words[1] = 'Mean' THEN [{metric: 'value_mean', value: words[2], lower: NULL, count: NULL}, {metric: CASE WHEN NOT coalesce(getvariable('of_other_unit'), false) THEN 'value_stddev' END, value: words[4], lower: NULL, count: NULL}]
        ELSE [{metric: 'value_max', value: words[2], lower: NULL, count: NULL}, {metric: 'value_count', value: words[-1], lower: NULL, count: NULL}] END) AS figure
    FROM (SELECT *, CASE kind WHEN 'row' THEN lag(words[1]) OVER rows_before END AS value_before,
                 CASE kind WHEN 'row' THEN lag(words[3]) OVER rows_before END AS count_before
          FROM printed WHERE kind IN ('row', 'figures') WINDOW rows_before AS (PARTITION BY kind ORDER BY line_number))
)
WHERE figure.count IS DISTINCT FROM 0 AND figure.metric IS NOT NULL ORDER BY line_number, figure.metric
