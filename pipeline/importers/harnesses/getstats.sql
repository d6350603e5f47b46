-- Samples of RTCPeerConnection.getStats() as NDJSON: a line a report. Units are those of the W3C's webrtc-stats.
-- Numbers are samples, also true and false as 1 and 0; texts that do not change with time become attributes.
-- harness: getstats
-- looks for: numbers in reports that have a time, a type and an id
-- format: ndjson
-- metrics: *.currentRoundTripTime, *.roundTripTime, *.jitter = duration lower
-- metrics: *.fractionLost = gauge lower
-- metrics: *.framesPerSecond, *.available*Bitrate = gauge higher
-- metrics: *.packetsLost, *.*Dropped, *.*Discarded*, *.nackCount, *.pliCount, *.firCount, *.freezeCount, *.pauseCount = counter lower
-- metrics: *.retransmitted*, *.total*, *.jitterBuffer*, *.concealed*, *.silentConcealed*, *.*Count, *.qpSum, *.*Events = counter
-- metrics: *.*Sent, *.*Received, *.*Decoded, *.*Encoded, *.*SentWith*, *.*ReceivedWith*, *.frames*, *.*Opened, *.*Closed = counter
-- metrics: * = gauge
-- reads: timestamp, type, id, kind, * FIGURES
-- leaves: qualityLimitationDurations.*

-- name: recognise
SELECT json_type(value, '$.timestamp') IN ('DOUBLE', 'BIGINT', 'UBIGINT') AND json_type(value, '$.type') = 'VARCHAR'
   AND json_type(value, '$.id') = 'VARCHAR' AND TRY_CAST(value->>'timestamp' AS DOUBLE) > 1e11 FROM content

-- name: measurements
WITH points AS (
    SELECT json, unnest(json_keys(json)) AS key FROM records
)
SELECT (json->>'type') || '.' || key AS metric,
       CASE json->>json_pointer(key) WHEN 'true' THEN '1' WHEN 'false' THEN '0'
            ELSE json->>json_pointer(key) END AS value,
       webrtc_unit(key) AS unit,
       ns_from_ms((json->>'timestamp')::DOUBLE) AS epoch_ns,
       json->>'id' AS report_id, json->>'type' AS report_type, json->>'kind' AS kind
FROM points
WHERE key <> 'timestamp' AND json_type(json, json_pointer(key)) IN ('DOUBLE', 'BIGINT', 'UBIGINT', 'BOOLEAN')
