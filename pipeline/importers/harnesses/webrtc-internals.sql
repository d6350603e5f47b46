-- The dump that Chromium's chrome://webrtc-internals saves. A point of a series is a sample. Its time is that of the
-- report's own series "timestamp" where both are of the same length; a series that starts later or has gaps is not
-- aligned with it, and its points lie evenly between the times at which it started and ended.
-- Numbers are samples, also true and false as 1 and 0; texts are not.
-- Names in brackets are rates that Chromium derived from the others; they keep their brackets.
-- harness: webrtc-internals
-- looks for: series of numbers, named REPORT-STAT, in `PeerConnections`; series of texts are none
-- format: json
-- metrics: *.[*_in_ms] = duration lower aggregate
-- metrics: *.[* = gauge aggregate
-- metrics: *.currentRoundTripTime, *.roundTripTime, *.jitter = duration lower
-- metrics: *.fractionLost = gauge lower
-- metrics: *.framesPerSecond, *.available*Bitrate = gauge higher
-- metrics: *.packetsLost, *.*Dropped, *.*Discarded*, *.nackCount, *.pliCount, *.firCount, *.freezeCount, *.pauseCount = counter lower
-- metrics: *.retransmitted*, *.total*, *.jitterBuffer*, *.concealed*, *.silentConcealed*, *.*Count, *.qpSum, *.*Events = counter
-- metrics: *.*Sent, *.*Received, *.*Decoded, *.*Encoded, *.*SentWith*, *.*ReceivedWith*, *.frames*, *.*Opened, *.*Closed = counter
-- metrics: * = gauge
-- reads: UserAgent, PeerConnections.*.url|rtcConfiguration, PeerConnections.*.rtcConfiguration.**
-- reads: PeerConnections.*.stats.*.startTime|endTime|statsType|values, PeerConnections.*.stats.*.values[]
-- leaves: timestamp, UserAgentData.**, getUserMedia.**, hardwareConcurrency, deviceMemory, cpuPerformance
-- leaves: PeerConnections.*.pid|rid|constraints, PeerConnections.*.constraints|updateLog.**

-- name: recognise
SELECT json_exists(value, '$.PeerConnections') AND json_exists(value, '$.UserAgent') FROM content

-- name: prepare
CREATE TEMP TABLE series AS
SELECT row_number() OVER (ORDER BY connection_number, stat_number) AS series_number, connection, stats_type, "values",
       regexp_extract(series_name, '^(.*)-(\[.*\]|[^-\]]*)$', 1) AS report,
       coalesce(nullif(regexp_extract(series_name, '^(.*)-(\[.*\]|[^-\]]*)$', 2), ''), series_name) AS stat, start_time, end_time
FROM (
    SELECT connection.rowid AS connection_number, stat.rowid AS stat_number, connection.key AS connection, stat.key AS series_name,
           stat.value->>'statsType' AS stats_type, (stat.value->>'values')::JSON AS "values",
           epoch_us((stat.value->>'startTime')::TIMESTAMPTZ) AS start_time,
           epoch_us((stat.value->>'endTime')::TIMESTAMPTZ) AS end_time
    FROM document, json_each(json, '$.PeerConnections') AS connection, json_each(connection.value, '$.stats') AS stat
);
CREATE TEMP TABLE clocks AS
SELECT connection, report, "values" AS times FROM series WHERE stat = 'timestamp'

-- name: unused
SELECT 'PeerConnections.*.stats.*-' || stat, count(*)
FROM (SELECT stat, unnest(json_extract("values", '$[*]')) AS one FROM series) WHERE json_type(one) = 'VARCHAR' GROUP BY stat

-- name: session
SELECT (SELECT make_timestamp(min(start_time))::VARCHAR || 'Z' FROM series) AS started_at,
       (SELECT make_timestamp(max(end_time))::VARCHAR || 'Z' FROM series) AS ended_at,
       json->>'UserAgent' AS harness_version,
       {connections: (SELECT json_group_object(key, json_object('url', value->'url',
                                                                'rtcConfiguration', value->'rtcConfiguration'))
                      FROM json_each(json, '$.PeerConnections'))}::JSON AS configuration
FROM document

-- name: measurements
WITH points AS (
    SELECT s.*, c.times, unnest(json_extract(s."values", '$[*]')) AS number,
           unnest(range(json_array_length(s."values")::BIGINT)) AS place, json_array_length(s."values") AS length
    FROM series s LEFT JOIN clocks c USING (connection, report)
    WHERE stat NOT IN ('timestamp', '[lastPacketReceivedTimestamp]', '[lastPacketSentTimestamp]')
)
SELECT stats_type || '.' || stat AS metric,
       CASE number WHEN 'true' THEN '1' WHEN 'false' THEN '0' ELSE number::VARCHAR END AS value,
       CASE WHEN stat LIKE '%\_in\_bits/s]' ESCAPE '\' THEN 'bit/s' WHEN stat LIKE '%\_in\_ms]' ESCAPE '\' THEN 'ms'
            WHEN stat LIKE '[%/s]' THEN '/s' ELSE webrtc_unit(stat) END AS unit,
       CASE WHEN json_array_length(times) = length THEN ns_from_ms((times->>place::INTEGER)::DOUBLE)
            ELSE 1000 * (start_time + CASE WHEN length > 1
                                           THEN (end_time - start_time) * place // (length - 1) ELSE 0 END)
       END AS epoch_ns,
       connection, report AS report_id, stats_type AS report_type
FROM points
WHERE json_type(number) IN ('DOUBLE', 'BIGINT', 'UBIGINT', 'BOOLEAN')
ORDER BY series_number, place
