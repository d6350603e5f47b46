-- JMeter's JTL as CSV: a record a sample, which holds several figures. Times are milliseconds since 1970, or text as
-- jmeter.save.saveservice.timestamp_format has it; text has no zone.
-- A record with a SampleCount above 1 sums up several samples, so its figures are no samples.
-- Without a header line the fields are told by their number and kinds: those of JMeter 2.x, 2.13, 3.0, 3.1 and 4.0 to
-- 5.6 as they come, and some that users have set. JMeter has one order; what is saved is set by properties.
-- harness: jmeter
-- signs: "timestamp", "true", "false"
-- looks for: records behind the header line
-- versions: 2.13 to 5.5
-- format: csv
-- columns: timeStamp, elapsed BIGINT, label, responseCode, responseMessage, threadName, dataType, success, bytes BIGINT, Latency BIGINT, SampleCount BIGINT, failureMessage, sentBytes BIGINT, grpThreads BIGINT, allThreads BIGINT, URL, IdleTime BIGINT, Connect BIGINT
-- layout: timeStamp LARGE, elapsed INTEGER, label, responseCode, responseMessage, threadName TEXT, dataType TEXT, success BOOLEAN, bytes INTEGER, Latency INTEGER
-- layout: timeStamp LARGE, elapsed INTEGER, label, responseCode, responseMessage, threadName TEXT, dataType TEXT, success BOOLEAN, bytes INTEGER, grpThreads INTEGER, allThreads INTEGER, Latency INTEGER
-- layout: timeStamp LARGE, elapsed INTEGER, label, responseCode, responseMessage, threadName TEXT, dataType TEXT, success BOOLEAN, bytes INTEGER, grpThreads INTEGER, allThreads INTEGER, Latency INTEGER, Connect INTEGER
-- layout: timeStamp LARGE, elapsed INTEGER, label, responseCode, responseMessage, threadName TEXT, dataType TEXT, success BOOLEAN, failureMessage TEXT, bytes INTEGER, grpThreads INTEGER, allThreads INTEGER, Latency INTEGER, IdleTime INTEGER, Connect INTEGER
-- layout: timeStamp LARGE, elapsed INTEGER, label, responseCode, responseMessage, threadName TEXT, dataType TEXT, success BOOLEAN, failureMessage TEXT, bytes INTEGER, sentBytes INTEGER, grpThreads INTEGER, allThreads INTEGER, Latency INTEGER, IdleTime INTEGER, Connect INTEGER
-- layout: timeStamp LARGE, elapsed INTEGER, label, responseCode, responseMessage, threadName TEXT, dataType TEXT, success BOOLEAN, failureMessage TEXT, bytes INTEGER, sentBytes INTEGER, grpThreads INTEGER, allThreads INTEGER, URL TEXT, Latency INTEGER, IdleTime INTEGER, Connect INTEGER
-- layout: timeStamp LARGE, elapsed INTEGER, label, responseCode, responseMessage, threadName TEXT, dataType TEXT, success BOOLEAN, bytes INTEGER, sentBytes INTEGER, grpThreads INTEGER, allThreads INTEGER, Latency INTEGER, IdleTime INTEGER, Connect INTEGER
-- layout: timeStamp LARGE, elapsed INTEGER, label, responseCode, responseMessage, threadName TEXT, dataType TEXT, success BOOLEAN, bytes INTEGER, sentBytes INTEGER, grpThreads INTEGER, allThreads INTEGER, URL TEXT, Latency INTEGER, IdleTime INTEGER, Connect INTEGER
-- layout: timeStamp LARGE, elapsed INTEGER, label, responseCode, threadName TEXT, success BOOLEAN, bytes INTEGER, grpThreads INTEGER, allThreads INTEGER, Latency INTEGER, SampleCount POSITIVE, ErrorCount INTEGER, Hostname TEXT
-- revision: 2
-- metrics: elapsed_sum, Latency_sum, Connect_sum = duration lower aggregate
-- metrics: elapsed, Latency, Connect = duration lower
-- metrics: IdleTime = duration
-- metrics: bytes, sentBytes = event
-- metrics: * = gauge
-- reads: *

-- name: recognise
SELECT (regexp_matches(first_line, '\btimeStamp\b') AND regexp_matches(first_line, '\belapsed\b'))
    OR regexp_matches(first_line, '^\d{13}([,;\t|])\d+[,;\t|].*[,;\t|](true|false)[,;\t|]')
FROM content

-- name: measurements
SELECT sample.metric || CASE WHEN SampleCount::BIGINT > 1 THEN '_sum' ELSE '' END AS metric,
       sample.text AS value, sample.unit AS unit, epoch_ns, timestamp,
       responseCode AS response_code, responseMessage AS response_message, threadName AS thread_name,
       dataType AS data_type, success::BOOLEAN AS success, failureMessage AS failure_message, URL AS url,
       SampleCount::BIGINT AS sample_count, attributes
FROM (
    SELECT unnest([
               -- The first byte comes before the last one, and a group's threads are among all: where that is not so, the
               -- fields were told wrongly.
               {metric: 'elapsed', text: CASE
                   WHEN getvariable('is_by_position') AND Latency::BIGINT > elapsed::BIGINT THEN
                       error('its Latency ' || Latency || ' is above its elapsed ' || elapsed
                             || ': its fields are others; name them with --header')
                   WHEN getvariable('is_by_position') AND grpThreads::BIGINT > allThreads::BIGINT THEN
                       error('its grpThreads ' || grpThreads || ' is above its allThreads ' || allThreads
                             || ': its fields are others; name them with --header')
                   ELSE needed(elapsed, 'elapsed') END, unit: 'ms'},
               {metric: 'Latency', text: Latency, unit: 'ms'},
               {metric: 'Connect', text: Connect, unit: 'ms'},
               {metric: 'IdleTime', text: IdleTime, unit: 'ms'},
               {metric: 'bytes', text: bytes, unit: 'By'},
               {metric: 'sentBytes', text: sentBytes, unit: 'By'},
               {metric: 'grpThreads', text: grpThreads, unit: '1'},
               {metric: 'allThreads', text: allThreads, unit: '1'}
           ]) AS sample,
           CASE WHEN regexp_full_match(timeStamp, '\d+') THEN timeStamp::BIGINT * 1000000 END AS epoch_ns,
           CASE WHEN NOT regexp_full_match(timeStamp, '\d+')
                THEN strptime(timeStamp, ['%Y/%m/%d %H:%M:%S.%g', '%Y/%m/%d %H:%M:%S',
                                          '%Y-%m-%d %H:%M:%S.%g', '%Y-%m-%d %H:%M:%S']) END AS timestamp,
           responseCode, responseMessage, threadName, dataType, success, failureMessage, URL, SampleCount,
           -- The label, and variables of users, which may have any name.
           struct_pack(*COLUMNS(* EXCLUDE (timeStamp, elapsed, Latency, Connect, IdleTime, bytes, sentBytes, grpThreads,
               allThreads, responseCode, responseMessage, threadName, dataType, success, failureMessage, URL, SampleCount)))
               AS attributes
    FROM records
)
WHERE sample.text IS NOT NULL
