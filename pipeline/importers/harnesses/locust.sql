-- Locust's --csv: PREFIX_stats.csv and PREFIX_stats_history.csv. Locust keeps no samples: every figure here is an
-- aggregate, and its metric says of what. Response times are milliseconds, content sizes bytes.
-- What is not known yet is no measurement: N/A; response times and sizes as long as there was no request; percentiles that
-- are all 0 while nothing was requested lately, or where no request was that fast. Locust writes 0 for these.
-- Before 1.0 columns have other names; those of the history are totals as well, without saying so.
-- harness: locust
-- signs: "requests/s"
-- looks for: records behind the header line, with figures that are not N/A
-- versions: 0.13 to 2.47
-- format: csv
-- columns: Timestamp, User Count, Type, Name, Requests/s, Failures/s, 50%, 66%, 75%, 80%, 90%, 95%, 98%, 99%, 99.9%, 99.99%, 100%, Request Count, Failure Count, Median Response Time, Average Response Time, Min Response Time, Max Response Time, Average Content Size, Total Request Count, Total Failure Count, Total Median Response Time, Total Average Response Time, Total Min Response Time, Total Max Response Time, Total Average Content Size, # requests, # failures, Requests Failed/s, 99.999
-- revision: 2
-- metrics: *response_time_* = duration lower aggregate
-- metrics: requests_per_second = gauge higher aggregate
-- metrics: failures_per_second = gauge lower aggregate
-- metrics: *failure_count = counter lower aggregate
-- metrics: *request_count = counter aggregate
-- metrics: *content_size_mean = gauge aggregate
-- metrics: user_count = gauge
-- reads: [0-9]*%

-- name: recognise
SELECT regexp_matches(first_line, '^("?Timestamp"?,"?User Count"?,)?"?Type"?,"?Name"?,.*Requests/s') FROM content

-- name: measurements
SELECT metric, text AS value, unit, epoch_ns, request_type, name
FROM (
    SELECT unnest([
               {metric: 'user_count', text: "User Count", unit: '1'},
               {metric: 'requests_per_second', text: "Requests/s", unit: '/s'},
               {metric: 'failures_per_second', text: coalesce("Failures/s", "Requests Failed/s"), unit: '/s'}
           ] || list_transform(json_keys(percentiles), lambda one: {
               metric: 'response_time_p' || replace(rtrim(one, '%'), '.', '_'),
               text: if(knows_window, percentiles->>json_pointer(one), NULL), unit: 'ms'}) || [
               {metric: total || 'request_count', text: coalesce("Request Count", "# requests"), unit: '1'},
               {metric: total || 'failure_count', text: coalesce("Failure Count", "# failures"), unit: '1'},
               {metric: total || 'response_time_median', text: if(has_requests, "Median Response Time", NULL), unit: 'ms'},
               {metric: total || 'response_time_mean', text: if(has_requests, "Average Response Time", NULL), unit: 'ms'},
               {metric: total || 'response_time_min', text: if(has_requests, "Min Response Time", NULL), unit: 'ms'},
               {metric: total || 'response_time_max', text: if(has_requests, "Max Response Time", NULL), unit: 'ms'},
               {metric: total || 'content_size_mean', text: if(has_requests, "Average Content Size", NULL), unit: 'By'},
               {metric: 'total_request_count', text: "Total Request Count", unit: '1'},
               {metric: 'total_failure_count', text: "Total Failure Count", unit: '1'},
               {metric: 'total_response_time_median', text: if(has_requests, "Total Median Response Time", NULL), unit: 'ms'},
               {metric: 'total_response_time_mean', text: if(has_requests, "Total Average Response Time", NULL), unit: 'ms'},
               {metric: 'total_response_time_min', text: if(has_requests, "Total Min Response Time", NULL), unit: 'ms'},
               {metric: 'total_response_time_max', text: if(has_requests, "Total Max Response Time", NULL), unit: 'ms'},
               {metric: 'total_content_size_mean', text: if(has_requests, "Total Average Content Size", NULL), unit: 'By'}
           ], recursive := true),
           "Timestamp"::BIGINT * 1000000000 AS epoch_ns, nullif("Type", 'None') AS request_type, "Name" AS name
    FROM (
        SELECT *, if("Timestamp" IS NULL, '', 'total_') AS total,
               coalesce(TRY_CAST(coalesce("Total Request Count", "Request Count", "# requests") AS DOUBLE) <> 0, true)
                   AS has_requests,
               -- Locust rounds response times, so one below half a millisecond is a true 0.
               "Timestamp" IS NULL
               OR coalesce(list_max(list_transform(percentiles->>'$.*', lambda one: TRY_CAST(one AS DOUBLE))), 1) <> 0
               OR (coalesce(TRY_CAST("Requests/s" AS DOUBLE) <> 0, true)
                   AND coalesce(TRY_CAST(coalesce("Total Min Response Time", "Min Response Time") AS DOUBLE) < 0.5, true))
                   AS knows_window
        -- Users choose the percentiles.
        FROM (SELECT *, to_json(struct_pack(*COLUMNS('^\d+(\.\d+)?%?$'))) AS percentiles FROM records)
    )
)
WHERE text <> 'N/A'
