-- fio's write_lat_log, write_bw_log and write_iops_log: a record an I/O, or a mean of those of log_avg_msec. What the
-- figures are stands in the file's name alone: clat, slat and lat are nanoseconds, bw is KiB/s, iops a number.
-- Times are milliseconds since the job's start. Of five fields the fifth is the offset or the priority: versions differ.
-- harness: fio
-- looks for: a record an I/O: its time, value and direction
-- format: csv
-- columns: time, value, direction, block_size, fifth, sixth

-- name: recognise
SELECT regexp_full_match(first_line, '\d+, \d+, [012](, [0-9a-fx]+){1,3}')
   AND regexp_matches(name, '_(clat|slat|lat|bw|iops)(\.\d+)?\.log') FROM content

-- name: prepare
SET VARIABLE kind = regexp_extract(getvariable('name'), '_(clat|slat|lat|bw|iops)(\.\d+)?\.log', 1)

-- name: measurements
SELECT CASE getvariable('kind') WHEN 'bw' THEN 'bandwidth' ELSE getvariable('kind') END AS metric,
       value::BIGINT AS value,
       CASE getvariable('kind') WHEN 'bw' THEN 'KiBy/s' WHEN 'iops' THEN '1' ELSE 'ns' END AS unit,
       time::BIGINT * 1000000 AS offset_ns,
       CASE trim(direction) WHEN '0' THEN 'read' WHEN '1' THEN 'write' WHEN '2' THEN 'trim'
                            ELSE error('direction ' || direction || ' is none of 0, 1, 2') END AS direction,
       block_size::BIGINT AS block_size, CASE WHEN sixth IS NOT NULL THEN fifth::BIGINT END AS log_offset, trim(sixth) AS priority,
       CASE WHEN sixth IS NULL THEN trim(fifth) END AS offset_or_priority
FROM records
