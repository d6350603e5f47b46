-- fio's write_lat_log, write_bw_log and write_iops_log: a record an I/O, or a window of log_avg_msec. What the figures
-- are stands in the file's name alone: clat, slat and lat are latencies, bw is KiB/s, iops a number.
-- Latencies are nanoseconds since fio 3.0 and were microseconds before. A priority, 0 or 1 or hexadecimal, is written since
-- 3.18; a file without one does not say. The fifth of five fields is a priority if it is one in all records, else the offset.
-- The record of a window has block size 0; log_window_value=both (3.37) writes its mean and its maximum.
-- Times are milliseconds since the job's start, or since 1970 with log_unix_epoch and log_alternate_epoch.
-- harness: fio
-- signs: "_clat", "_slat", "_lat", "_bw", "_iops"
-- looks for: a record an I/O: its time, value and direction
-- format: csv
-- columns: time BIGINT, value BIGINT, maximum BIGINT, direction, block_size BIGINT, fifth, log_offset BIGINT, priority, issue_time BIGINT
-- layout: time INTEGER, value INTEGER, direction 0|1|2, block_size INTEGER
-- layout: time INTEGER, value INTEGER, direction 0|1|2, block_size INTEGER, fifth INTEGER|HEX
-- layout: time INTEGER, value INTEGER, direction 0|1|2, block_size INTEGER, log_offset INTEGER, priority 0|1|HEX
-- layout: time INTEGER, value INTEGER, maximum ABOVE9, direction 0|1|2, block_size INTEGER, priority 0|1|HEX
-- layout: time INTEGER, value INTEGER, direction 0|1|2, block_size INTEGER, priority 0|1|HEX, issue_time LARGE
-- layout: time INTEGER, value INTEGER, direction 0|1|2, block_size POSITIVE, log_offset INTEGER, priority 0|1|HEX, issue_time LARGE
-- layout: time INTEGER, value INTEGER, maximum ABOVE9, direction 0|1|2, block_size INTEGER, log_offset INTEGER, priority 0|1|HEX
-- layout: time INTEGER, value INTEGER, maximum ABOVE9, direction 0|1|2, block_size 0, priority HEX, issue_time 0
-- layout: time INTEGER, value INTEGER, maximum ABOVE9, direction 0|1|2, block_size INTEGER, log_offset INTEGER, priority 0|1|HEX, issue_time INTEGER
-- option: unit ns us
-- option: window_value mean max
-- revision: 2
-- metrics: clat, slat, lat = duration lower
-- metrics: clat_*, slat_*, lat_* = duration lower aggregate
-- metrics: iops, bandwidth = gauge higher
-- metrics: iops_*, bandwidth_* = gauge higher aggregate
-- reads: time, value

-- name: recognise
SELECT regexp_full_match(first_line, '(\d+, ?){3,7}(0x[0-9a-f]+|\d+)(, ?\d+)?|time, ?value,.*')
   AND regexp_matches(name, '_(clat|slat|lat|bw|iops)(\.\d+)?\.log') FROM content

-- name: prepare
SET VARIABLE kind = regexp_extract(getvariable('name'), '_(clat|slat|lat|bw|iops)(\.\d+)?\.log', 1);
SET VARIABLE seen = (
    SELECT {priority: coalesce(bool_and(CASE WHEN coalesce(priority, fifth) IN ('0', '1', ' 0', ' 1') THEN true ELSE regexp_full_match(trim(coalesce(priority, fifth)), '[01]|0x[0-9a-fA-F]+') END), false),
            windows: coalesce(bool_or(CASE WHEN maximum IS NULL THEN TRY_CAST(block_size AS BIGINT) = 0 END), false)}
    FROM records);
-- To trim takes longer than to compare.
CREATE TEMP MACRO bare(text) AS CASE text WHEN ' 0' THEN '0' WHEN ' 1' THEN '1' WHEN ' 2' THEN '2' ELSE trim(text) END;
SET VARIABLE latency_unit = coalesce(getvariable('unit'), CASE WHEN getvariable('seen').priority THEN 'ns' END);

-- name: warnings
SELECT 'says nothing of the unit of its ' || getvariable('kind') || ', so that it has none: --assume unit=ns of fio 3.0 and '
       'newer, unit=us of fio before' WHERE getvariable('latency_unit') IS NULL AND getvariable('kind') NOT IN ('bw', 'iops')
UNION ALL
SELECT 'holds figures of windows (block size 0), taken for means, as fio does by default: --assume window_value=max of '
       'log_max_value or log_window_value=max, else window_value=mean' WHERE getvariable('seen').windows AND getvariable('window_value') IS NULL

-- name: measurements
SELECT CASE WHEN part IS NULL THEN name ELSE name || part END AS metric, CASE WHEN part = '_max' AND maximum IS NOT NULL THEN maximum::BIGINT ELSE value END AS value,
       CASE getvariable('kind') WHEN 'bw' THEN 'KiBy/s' WHEN 'iops' THEN '1' ELSE getvariable('latency_unit') END AS unit,
       CASE WHEN ms >= 946684800000 THEN ms * 1000000 END AS epoch_ns,
       CASE WHEN ms < 946684800000 THEN ms * 1000000 END AS offset_ns,
       CASE bare(direction) WHEN '0' THEN 'read' WHEN '1' THEN 'write' WHEN '2' THEN 'trim'
                            ELSE error('direction ' || direction || ' is none of 0, 1, 2') END AS direction,
       block_size,
       coalesce(log_offset::BIGINT, CASE WHEN NOT getvariable('seen').priority THEN trim(fifth)::BIGINT END) AS log_offset,
       bare(coalesce(priority, CASE WHEN getvariable('seen').priority THEN fifth END)) AS priority,
       issue_time::BIGINT AS issue_time_ns
FROM (
    SELECT *, CASE getvariable('kind') WHEN 'bw' THEN 'bandwidth' ELSE getvariable('kind') END AS name,
           unnest(CASE
               WHEN maximum IS NULL AND block_size <> 0 THEN [NULL]
               WHEN maximum IS NULL THEN CASE block_size WHEN 0 THEN ['_' || coalesce(getvariable('window_value'), 'mean')] ELSE [NULL] END
               WHEN maximum::BIGINT < value THEN
                   error('its maximum ' || trim(maximum::VARCHAR) || ' is below its mean ' || trim(said::VARCHAR)
                         || ': its fields are others; name them with --header')
               ELSE ['_mean', '_max'] END) AS part
    FROM (SELECT * EXCLUDE (block_size, time, value), block_size::BIGINT AS block_size, time::BIGINT AS ms, value::BIGINT AS value, value AS said FROM records)
)
