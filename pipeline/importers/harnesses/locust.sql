-- Locust's --csv: PREFIX_stats.csv and PREFIX_stats_history.csv. Locust keeps no samples: every figure here is an
-- aggregate, and its metric says of what. Response times are milliseconds, content sizes bytes.
-- A window without requests has N/A, which is no measurement.
-- harness: locust
-- looks for: records behind the header line, with figures that are not N/A
-- format: csv
-- columns: Timestamp, User Count, Type, Name, Requests/s, Failures/s, 50%, 66%, 75%, 80%, 90%, 95%, 98%, 99%, 99.9%, 99.99%, 100%, Request Count, Failure Count, Median Response Time, Average Response Time, Min Response Time, Max Response Time, Average Content Size, Total Request Count, Total Failure Count, Total Median Response Time, Total Average Response Time, Total Min Response Time, Total Max Response Time, Total Average Content Size

-- name: recognise
SELECT regexp_matches(first_line, '^("?Timestamp"?,"?User Count"?,)?"?Type"?,"?Name"?,.*Requests/s') FROM content

-- name: measurements
SELECT metric, text AS value, unit, epoch_ns, request_type, name
FROM (
    SELECT unnest([
               {metric: 'user_count', text: "User Count", unit: '1'},
               {metric: 'requests_per_second', text: "Requests/s", unit: '/s'},
               {metric: 'failures_per_second', text: "Failures/s", unit: '/s'},
               {metric: 'response_time_p50', text: "50%", unit: 'ms'},
               {metric: 'response_time_p66', text: "66%", unit: 'ms'},
               {metric: 'response_time_p75', text: "75%", unit: 'ms'},
               {metric: 'response_time_p80', text: "80%", unit: 'ms'},
               {metric: 'response_time_p90', text: "90%", unit: 'ms'},
               {metric: 'response_time_p95', text: "95%", unit: 'ms'},
               {metric: 'response_time_p98', text: "98%", unit: 'ms'},
               {metric: 'response_time_p99', text: "99%", unit: 'ms'},
               {metric: 'response_time_p99_9', text: "99.9%", unit: 'ms'},
               {metric: 'response_time_p99_99', text: "99.99%", unit: 'ms'},
               {metric: 'response_time_p100', text: "100%", unit: 'ms'},
               {metric: 'request_count', text: "Request Count", unit: '1'},
               {metric: 'failure_count', text: "Failure Count", unit: '1'},
               {metric: 'response_time_median', text: "Median Response Time", unit: 'ms'},
               {metric: 'response_time_mean', text: "Average Response Time", unit: 'ms'},
               {metric: 'response_time_min', text: "Min Response Time", unit: 'ms'},
               {metric: 'response_time_max', text: "Max Response Time", unit: 'ms'},
               {metric: 'content_size_mean', text: "Average Content Size", unit: 'By'},
               {metric: 'total_request_count', text: "Total Request Count", unit: '1'},
               {metric: 'total_failure_count', text: "Total Failure Count", unit: '1'},
               {metric: 'total_response_time_median', text: "Total Median Response Time", unit: 'ms'},
               {metric: 'total_response_time_mean', text: "Total Average Response Time", unit: 'ms'},
               {metric: 'total_response_time_min', text: "Total Min Response Time", unit: 'ms'},
               {metric: 'total_response_time_max', text: "Total Max Response Time", unit: 'ms'},
               {metric: 'total_content_size_mean', text: "Total Average Content Size", unit: 'By'}
           ], recursive := true),
           "Timestamp"::BIGINT * 1000000000 AS epoch_ns, "Type" AS request_type, "Name" AS name
    FROM records
)
WHERE text <> 'N/A'
