-- Gatling's simulation.log as a binary, of 3.12 and newer. What becomes of it is that of gatling.sql: a request's time is its
-- start, a group's duration that from its start to its end, the cumulated time that of its requests; milliseconds all.
-- Of a file that is cut off what is whole is taken, and that is said. A newer version that reads is taken, and that is said.
-- harness: gatling
-- looks for: records of requests, groups or errors
-- versions: 3.12 to 3.14
-- format: binary
-- reader: gatling_log
-- metrics: response_time, group_duration, group_cumulated_response_time = duration lower
-- metrics: errors = event lower

-- name: prepare
SET VARIABLE run = (SELECT {class: name, start: start_ms, description: message, version: scenario} FROM records WHERE kind = 'RUN' LIMIT 1)

-- name: session
SELECT strftime(make_timestamp_ms(getvariable('run').start), '%Y-%m-%dT%H:%M:%S.%fZ') AS started_at,
       getvariable('run').version AS harness_version,
       {simulation: getvariable('run').class, description: nullif(trim(getvariable('run').description), '')}::JSON AS configuration

-- name: measurements
SELECT figure.metric AS metric, figure.number AS value, CASE WHEN kind = 'ERROR' THEN '1' ELSE 'ms' END AS unit,
       start_ms * 1000000 AS epoch_ns, name AS request_name, groups, status, nullif(trim(message), '') AS message
FROM (SELECT *, unnest(CASE kind
          WHEN 'REQUEST' THEN [{metric: 'response_time', number: end_ms - start_ms}]
          WHEN 'GROUP' THEN [{metric: 'group_duration', number: end_ms - start_ms},
                             {metric: 'group_cumulated_response_time', number: cumulated_ms}]
          ELSE [{metric: 'errors', number: 1}] END) AS figure
      FROM records WHERE kind IN ('REQUEST', 'GROUP', 'ERROR'))
