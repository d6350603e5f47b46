-- fio --output-format=json or json+. fio keeps no samples here: latencies are summed up and in histograms, whose bins
-- become measurements of the metric ..._bin_count with the bin's middle, as fio writes it, as an attribute.
-- A direction that did nothing is left out: all its figures are zeros that were not measured; sync is fsync and fdatasync.
-- Before 3.0 io_bytes counts KiB and latencies are microseconds, under slat, clat and lat; before 3.2 there is no bw_bytes,
-- before 3.18 no N. Percentiles of 0 and bins by number, which old versions write, say nothing.
-- fio --client writes the jobs of its servers as client_stats, with the hostname of each; "All clients" behind them repeats them.
-- harness: fio
-- documents: cumulative
-- signs: "\"fio version\""
-- looks for: a direction that did I/O in one of `jobs` or `client_stats`
-- format: json
-- versions: 2.2 to 3.42
-- revision: 2
-- metrics: *_bin_count, *_count, iops_stddev, bandwidth_stddev = gauge aggregate
-- metrics: clat_*, slat_*, lat_* = duration lower aggregate
-- metrics: iops*, bandwidth* = gauge higher aggregate
-- metrics: short_ios, drop_ios = counter lower aggregate
-- metrics: io_bytes, total_ios = counter aggregate
-- metrics: runtime = duration aggregate
-- reads: "fio version", timestamp, timestamp_ms, "global options".**, jobs|client_stats[].jobname|hostname|error|job_start|job_runtime, jobs|client_stats[]."job options".**
-- reads: jobs|client_stats[].read|write|trim|sync|mixed.io_bytes|total_ios|runtime|bw_bytes|bw|iops|iops_mean|iops_min|iops_max|iops_stddev|iops_samples|short_ios|drop_ios
-- reads: jobs|client_stats[].read|write|trim|sync|mixed.slat_ns|clat_ns|lat_ns|slat|clat|lat.min|max|mean|stddev|N, jobs|client_stats[].read|write|trim|sync|mixed.slat_ns|clat_ns|lat_ns|slat|clat|lat.percentile.*, jobs|client_stats[].read|write|trim|sync|mixed.slat_ns|clat_ns|lat_ns.bins.*
-- leaves: time, jobs|client_stats[].port|groupid|eta|elapsed|usr_cpu|sys_cpu|ctx|majf|minf|latency_depth|latency_target|latency_percentile|latency_window
-- leaves: jobs|client_stats[].iodepth_level|iodepth_submit|iodepth_complete|latency_ns|latency_us|latency_ms.*, disk_util[].**, jobs|client_stats[].read|write|trim|sync|mixed.io_kbytes|bw_min|bw_max|bw_agg|bw_mean|bw_dev|bw_samples, jobs|client_stats[].read|write|trim|sync|mixed.slat|clat|lat.bins.*

-- name: recognise
SELECT json_exists(value, '$."fio version"') AND (json_exists(value, '$.jobs') OR json_exists(value, '$.client_stats')) FROM content

-- name: documents
-- Each of --status-interval extends the one before. What began after that was written is another run, put behind it.
SELECT coalesce(list_min(json_extract(jobs, '$[*].job_start')::BIGINT[]),
                written - list_max(json_extract(jobs, '$[*].job_runtime')::BIGINT[])) AS began, written
FROM (SELECT coalesce(json->'jobs', json->'client_stats') AS jobs,
             coalesce((json->>'timestamp_ms')::BIGINT, 1000 * (json->>'timestamp')::BIGINT) AS written FROM document)

-- name: prepare
SET VARIABLE is_old = (SELECT TRY_CAST(regexp_extract(json->>'fio version', '\d+') AS INTEGER) < 3 FROM document);
CREATE TEMP TABLE jobs AS
SELECT job, number_of_job
FROM (SELECT unnest(json_extract(jobs, '$[*]')) AS job, unnest(range(json_array_length(jobs)::BIGINT)) AS number_of_job,
             json_array_length(jobs) AS count_of_jobs
      FROM (SELECT coalesce(json->'jobs', json->'client_stats') AS jobs FROM document))
WHERE job->>'jobname' <> 'All clients' OR NOT json_exists(job, '$.hostname') OR number_of_job < 2 OR number_of_job + 1 < count_of_jobs;
SET VARIABLE hosts = (SELECT map_from_entries(coalesce(list((number_of_job, job->>'hostname')), [])) FROM jobs);
CREATE TEMP TABLE directions AS
SELECT number_of_job, job->>'jobname' AS job, direction, job->direction AS figures
FROM jobs, (SELECT unnest(['read', 'write', 'trim', 'sync', 'mixed']) AS direction)
WHERE coalesce(job->>('/' || direction || '/total_ios'), job->>('/' || direction || '/io_bytes'),
               job->>('/' || direction || '/lat_ns/N'))::BIGINT > 0

-- name: session
-- fio writes its time at the end; the longest job tells how long before it began, and a job may say when it started.
WITH ends AS (
    SELECT *, coalesce((json->>'timestamp_ms')::BIGINT, (json->>'timestamp')::BIGINT * 1000) AS ms FROM document
)
SELECT strftime(make_timestamp_ms(coalesce(
           (SELECT min((job->>'job_start')::BIGINT) FROM jobs),
           ms - coalesce((SELECT max((job->>'job_runtime')::BIGINT) FROM jobs),
                         (SELECT max((figures->>'runtime')::BIGINT) FROM directions), 0))), '%Y-%m-%dT%H:%M:%S.%fZ')
           AS started_at,
       strftime(make_timestamp_ms(ms), '%Y-%m-%dT%H:%M:%S.%fZ') AS ended_at,
       json->>'fio version' AS harness_version,
       {global_options: json->'global options',
        job_options: (SELECT list(job->'job options' ORDER BY number_of_job) FROM jobs),
        job_errors: (SELECT list({job: job->>'jobname', error: (job->>'error')::BIGINT} ORDER BY number_of_job)
                     FROM jobs WHERE (job->>'error')::BIGINT <> 0)
       }::JSON AS configuration
FROM ends

-- name: warnings
SELECT DISTINCT 'job ' || (job->>'jobname') || ' ended with error ' || (job->>'error') || ', says fio: its figures are of what '
       'was done before' FROM jobs WHERE (job->>'error')::BIGINT <> 0

-- name: measurements
WITH latencies AS (
    -- Bins may be many: what is read beside them must not carry them along.
    SELECT number_of_job, job, direction, kind, unit, latency->'percentile' AS percentile, latency->'bins' AS bins,
           [{name: 'min', number: latency->>'min'}, {name: 'max', number: latency->>'max'},
            {name: 'mean', number: latency->>'mean'}, {name: 'stddev', number: latency->>'stddev'},
            {name: 'count', number: latency->>'N'}] AS summary
    FROM (SELECT number_of_job, job, direction, replace(key, '_ns', '') AS kind, figures->key AS latency,
                 CASE WHEN ends_with(key, '_ns') THEN 'ns' ELSE 'us' END AS unit
          FROM directions, (SELECT unnest(['slat_ns', 'clat_ns', 'lat_ns', 'slat', 'clat', 'lat']) AS key))
    WHERE coalesce(latency->>'N', latency->>'max')::DOUBLE > 0
), named AS (
    SELECT number_of_job, job, direction, sample.metric AS metric, sample.number AS number, sample.unit AS unit, NULL AS bin
    FROM (SELECT *, getvariable('is_old') AND NOT json_exists(figures, '$.io_kbytes') AS is_kib,
                 coalesce((figures->>'iops_samples')::BIGINT, 1) > 0 AS has_samples FROM directions), LATERAL (SELECT unnest([
        {metric: 'io_bytes', unit: 'By', number: CASE WHEN is_kib THEN ((figures->>'io_bytes')::BIGINT * 1024)::VARCHAR
                                                      ELSE figures->>'io_bytes' END},
        {metric: 'total_ios', unit: '1', number: figures->>'total_ios'}, {metric: 'runtime', unit: 'ms', number: figures->>'runtime'},
        CASE WHEN json_exists(figures, '$.bw_bytes')
             THEN {metric: 'bandwidth_mean', unit: 'By/s', number: figures->>'bw_bytes'}
             ELSE {metric: 'bandwidth_mean', unit: 'KiBy/s', number: figures->>'bw'} END,
        {metric: 'iops', unit: '/s', number: figures->>'iops'},
        {metric: 'iops_mean', unit: '/s', number: CASE WHEN has_samples THEN figures->>'iops_mean' END},
        {metric: 'iops_min', unit: '/s', number: CASE WHEN has_samples THEN figures->>'iops_min' END},
        {metric: 'iops_max', unit: '/s', number: CASE WHEN has_samples THEN figures->>'iops_max' END},
        {metric: 'iops_stddev', unit: '/s', number: CASE WHEN has_samples THEN figures->>'iops_stddev' END},
        {metric: 'short_ios', unit: '1', number: figures->>'short_ios'},
        {metric: 'drop_ios', unit: '1', number: figures->>'drop_ios'}]) AS sample)
    UNION ALL
    SELECT number_of_job, job, direction, kind || '_' || one.name, one.number, CASE one.name WHEN 'count' THEN '1' ELSE unit END,
           NULL
    FROM (SELECT number_of_job, job, direction, kind, unit, unnest(summary) AS one FROM latencies)
    UNION ALL
    SELECT number_of_job, job, direction, kind || '_p' || replace(regexp_replace(key, '\.?0+$', ''), '.', '_'), number->>'$', unit,
           NULL
    FROM (SELECT number_of_job, job, direction, kind, unit, unnest(json_keys(percentile)) AS key,
                 unnest(json_extract(percentile, '$.*')) AS number FROM latencies)
    WHERE key::DOUBLE > 0
    UNION ALL
    SELECT number_of_job, job, direction, kind || '_bin_count', number->>'$', '1', key::BIGINT
    FROM (SELECT number_of_job, job, direction, kind, unnest(json_keys(bins)) AS key,
                 unnest(json_extract(bins, '$.*')) AS number
          FROM latencies WHERE unit = 'ns' AND NOT json_exists(bins, '$.FIO_IO_U_PLAT_BITS'))
)
SELECT metric, number AS value, unit, job, direction, bin AS bin_ns,
       CASE WHEN getvariable('hosts')[number_of_job] IS NOT NULL THEN MAP {'hostname': getvariable('hosts')[number_of_job]} END AS attributes
FROM named WHERE number IS NOT NULL
ORDER BY number_of_job, direction, metric, bin
