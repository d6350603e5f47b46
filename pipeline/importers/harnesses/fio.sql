-- fio --output-format=json or json+. fio keeps no samples here: latencies are summed up and in histograms, whose bins
-- become measurements of the metric ..._bin_count with the bin's lower limit as an attribute.
-- A direction that did nothing is left out: all its figures are zeros that were not measured.
-- harness: fio
-- documents: cumulative
-- looks for: a direction that did I/O in one of `jobs`
-- format: json

-- name: recognise
SELECT json_exists(value, '$."fio version"') AND json_exists(value, '$.jobs') FROM content

-- name: documents
-- --status-interval writes a document now and then, and each extends the one before. What began after the one before
-- was written is another run, put behind it by a shell.
SELECT coalesce(list_min(json_extract(json, '$.jobs[*].job_start')::BIGINT[]),
                written - list_max(json_extract(json, '$.jobs[*].job_runtime')::BIGINT[])) AS began, written
FROM (SELECT json, coalesce((json->>'timestamp_ms')::BIGINT, 1000 * (json->>'timestamp')::BIGINT) AS written
      FROM document)

-- name: prepare
CREATE TEMP TABLE directions AS
SELECT number_of_job, job->>'jobname' AS job, direction, job->direction AS figures FROM (
    SELECT unnest(json_extract(json, '$.jobs[*]')) AS job,
           unnest(range(json_array_length(json, '$.jobs')::BIGINT)) AS number_of_job
    FROM document
), (SELECT unnest(['read', 'write', 'trim']) AS direction)
WHERE (job->>('/' || direction || '/total_ios'))::BIGINT > 0

-- name: session
-- fio writes its time at the end; the longest job tells how long before it began, and a job may say when it started.
SELECT strftime(make_timestamp_ms(coalesce(
           (SELECT min((job->>'job_start')::BIGINT) FROM (SELECT unnest(json_extract(json, '$.jobs[*]')) AS job)),
           coalesce((json->>'timestamp_ms')::BIGINT, (json->>'timestamp')::BIGINT * 1000)
           - coalesce((SELECT max((job->>'job_runtime')::BIGINT)
                       FROM (SELECT unnest(json_extract(json, '$.jobs[*]')) AS job)), 0))), '%Y-%m-%dT%H:%M:%S.%fZ')
           AS started_at,
       strftime(make_timestamp_ms(coalesce((json->>'timestamp_ms')::BIGINT, (json->>'timestamp')::BIGINT * 1000)),
                '%Y-%m-%dT%H:%M:%S.%fZ') AS ended_at,
       json->>'fio version' AS harness_version,
       {global_options: json->'global options',
        job_options: (SELECT list(job->'job options') FROM (SELECT unnest(json_extract(json, '$.jobs[*]')) AS job))
       }::JSON AS configuration
FROM document

-- name: measurements
WITH latencies AS (
    SELECT number_of_job, job, direction, replace(key, '_ns', '') AS kind, figures->key AS latency
    FROM directions, (SELECT unnest(['slat_ns', 'clat_ns', 'lat_ns']) AS key)
    WHERE (figures->>('/' || key || '/N'))::BIGINT > 0
), named AS (
    SELECT number_of_job, job, direction, sample.metric AS metric, figures->>sample.key AS number, sample.unit AS unit, NULL AS bin
    FROM directions, (SELECT unnest([
        {metric: 'io_bytes', key: 'io_bytes', unit: 'By'}, {metric: 'total_ios', key: 'total_ios', unit: '1'},
        {metric: 'runtime', key: 'runtime', unit: 'ms'}, {metric: 'bandwidth_mean', key: 'bw_bytes', unit: 'By/s'},
        {metric: 'iops_mean', key: 'iops', unit: '/s'}, {metric: 'iops_min', key: 'iops_min', unit: '/s'},
        {metric: 'iops_max', key: 'iops_max', unit: '/s'}, {metric: 'iops_stddev', key: 'iops_stddev', unit: '/s'},
        {metric: 'short_ios', key: 'short_ios', unit: '1'}, {metric: 'drop_ios', key: 'drop_ios', unit: '1'}]) AS sample)
    UNION ALL
    SELECT number_of_job, job, direction, kind || '_' || name, latency->>key, CASE name WHEN 'count' THEN '1' ELSE 'ns' END, NULL
    FROM latencies, (SELECT unnest(['min', 'max', 'mean', 'stddev', 'N']) AS key),
                    (SELECT CASE key WHEN 'N' THEN 'count' ELSE key END AS name)
    UNION ALL
    SELECT number_of_job, job, direction, kind || '_p' || replace(regexp_replace(key, '\.?0+$', ''), '.', '_'),
           latency->>('/percentile/' || key), 'ns', NULL
    FROM (SELECT *, unnest(json_keys(latency, '$.percentile')) AS key FROM latencies)
    UNION ALL
    SELECT number_of_job, job, direction, kind || '_bin_count', latency->>('/bins/' || key), '1', key::BIGINT
    FROM (SELECT *, unnest(json_keys(latency, '$.bins')) AS key FROM latencies)
)
SELECT metric, number AS value, unit, job, direction, bin AS bin_ns FROM named WHERE number IS NOT NULL
ORDER BY number_of_job, direction, metric, bin
