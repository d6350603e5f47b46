-- The dump that Chromium's chrome://webrtc-internals saves. A point of a series is a sample. Its time is that of the
-- report's own series "timestamp" where both are of the same length; a series that starts later or has gaps is not
-- aligned with it, and its points lie evenly between the times at which it started and ended.
-- Numbers are samples, also true and false as 1 and 0; texts are not.
-- Names in brackets are rates that Chromium derived from the others; they keep their brackets.
-- harness: webrtc-internals
-- signs: "\"peerconnections\""
-- looks for: series of numbers, named REPORT-STAT, in `PeerConnections`; series of texts are none
-- format: json
-- reader: webrtc_internals
-- samples: PeerConnections.*.stats.*.values[]
-- revision: 2
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
SELECT number, connection, stats_type, report, stat, start_time, end_time,
       CASE WHEN stat LIKE '%\_in\_bits/s]' ESCAPE '\' THEN 'bit/s' WHEN stat LIKE '%\_in\_ms]' ESCAPE '\' THEN 'ms'
            WHEN stat LIKE '[%/s]' THEN '/s' ELSE webrtc_unit(stat) END AS unit
FROM (
    SELECT *, regexp_extract(series_name, '^(.*)-(\[.*\]|[^-\]]*)$', 1) AS report,
           coalesce(nullif(regexp_extract(series_name, '^(.*)-(\[.*\]|[^-\]]*)$', 2), ''), series_name) AS stat
    FROM (
        SELECT row_number() OVER () AS number, connection, series_name, said[1] AS stats_type,
               epoch_us(said[2]::TIMESTAMPTZ) AS start_time, epoch_us(said[3]::TIMESTAMPTZ) AS end_time
        FROM (SELECT connection, series_name, json_extract_string(one, ['$.statsType', '$.startTime', '$.endTime']) AS said
              FROM (SELECT connection, unnest(json_keys(held, '$.stats')) AS series_name, unnest(json_extract(held, '$.stats.*')) AS one
                    FROM (SELECT unnest(json_keys(json, '$.PeerConnections')) AS connection,
                                 unnest(json_extract(json, '$.PeerConnections.*')) AS held FROM document)))))

-- name: session
SELECT (SELECT make_timestamp(min(start_time))::VARCHAR || 'Z' FROM series) AS started_at,
       (SELECT make_timestamp(max(end_time))::VARCHAR || 'Z' FROM series) AS ended_at,
       json->>'UserAgent' AS harness_version,
       {connections: (SELECT json_group_object(key, json_object('url', value->'url',
                                                                'rtcConfiguration', value->'rtcConfiguration'))
                      FROM json_each(json, '$.PeerConnections'))}::JSON AS configuration
FROM document

-- name: measurements
-- The reader gives the points of a series after those of another, and no length where the report's clock says the time.
SELECT stats_type || '.' || stat AS metric, CASE value WHEN 'true' THEN '1' WHEN 'false' THEN '0' ELSE value END AS value, unit,
       CASE WHEN length IS NULL THEN ns_from_ms(time)
            ELSE 1000 * (start_time + CASE WHEN length > 1 THEN (end_time - start_time) * place // (length - 1) ELSE 0 END) END AS epoch_ns,
       connection, report AS report_id, stats_type AS report_type
FROM records JOIN series USING (number)
