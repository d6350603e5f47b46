-- HdrHistogram logs (.hlog) of Java, JavaScript, Python and others, as jHiccup, wrk2, YCSB and Cassandra's stress tools write
-- them, in the encodings V0, V1 and V2. There are no samples: each bin of an interval becomes a row of value_bins, whose value
-- is the greatest that the bin takes in, bin_lower the least, bin_count how many there were. Its time is the interval's start.
-- Nothing in the file says the unit of the values but jHiccup's name, which counts nanoseconds: --assume unit=...
-- Interval_Max is the largest value divided by what its writer chose (1,000,000 by default in Java and Python, 1,000 in
-- JavaScript), so that its unit is not known, either.
-- A start is seconds since 1970, or since BaseTime, else StartTime, where it lies more than a year before that.
-- harness: hdrhistogram
-- signs: ",hist", ",dhist"
-- looks for: lines of intervals: start, length, maximum and a histogram in base64
-- versions: 1.01 to 1.3
-- format: lines
-- reader: histogram_log
-- option: unit ns us ms s
-- metrics: value_bins = duration lower aggregate
-- metrics: value_count = counter aggregate
-- metrics: interval_max = duration lower aggregate

-- name: recognise
SELECT regexp_matches(text, '(^|\n)\s*(Tag=[^,\s]*,)?[0-9.]+,[0-9.]+,[0-9.eE+-]+,D?HIST[A-Za-z0-9+/]') FROM content

-- name: prepare
SET VARIABLE told = (
    SELECT {start: max(start_s) FILTER (kind = 'start'), base: max(start_s) FILTER (kind = 'base')} FROM records WHERE kind IN ('start', 'base'));
SET VARIABLE is_of_jhiccup = (SELECT bool_or(contains(line, 'jHiccup')) FROM (
    SELECT unnest(string_split(content[1:2000], chr(10))) AS line FROM read_text(getvariable('file'))) WHERE starts_with(line, '#'));
SET VARIABLE value_unit = coalesce(getvariable('unit'), CASE WHEN getvariable('is_of_jhiccup') THEN 'ns' END)

-- name: session
SELECT CASE WHEN getvariable('told').start IS NOT NULL THEN
       strftime(make_timestamp(round(getvariable('told').start * 1e6)::BIGINT), '%Y-%m-%dT%H:%M:%S.%fZ') END AS started_at

-- name: warnings
SELECT 'says nothing of the unit of its values, so that they have none: --assume unit=ns, us, ms or s'
WHERE getvariable('value_unit') IS NULL

-- name: unused
SELECT NULL, 0 WHERE false

-- name: measurements
SELECT figure.metric AS metric, figure.number AS value, CASE figure.metric WHEN 'value_bins' THEN getvariable('value_unit')
                                                                   WHEN 'value_count' THEN '1' END AS unit,
       CASE WHEN NOT is_relative THEN ns_from_s(start_s) WHEN zero IS NOT NULL THEN ns_from_s(zero + start_s) END AS epoch_ns,
       CASE WHEN is_relative AND zero IS NULL THEN ns_from_s(start_s) END AS offset_ns,
       CASE WHEN kind = 'bin' THEN lower * ratio END::DOUBLE AS bin_lower, CASE WHEN kind = 'bin' THEN count END AS bin_count,
       length_s AS interval_s, tag
FROM (
    SELECT *, coalesce(getvariable('told').base, getvariable('told').start) AS zero,
           start_s < coalesce(getvariable('told').base, getvariable('told').start, 473385600) - 31536000 AS is_relative,
           unnest(CASE kind WHEN 'interval' THEN [{metric: 'value_count', number: count::VARCHAR},
                                                  {metric: 'interval_max', number: interval_max}]
                  ELSE [{metric: 'value_bins', number: CASE WHEN ratio = 1 THEN upper::VARCHAR ELSE (upper * ratio)::VARCHAR END}] END) AS figure
    FROM records WHERE kind IN ('interval', 'bin')
)
