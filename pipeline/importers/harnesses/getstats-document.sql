-- Samples of RTCPeerConnection.getStats() as one JSON array over several lines: of reports, or of what calls gave, each an array
-- of reports or an object that has them by their ids. What becomes of a report is that of getstats.sql.
-- harness: getstats
-- signs: "\"timestamp\""
-- looks for: numbers in reports that have a time, a type and an id
-- format: json
-- samples: []
-- objects: type, timestamp, id, kind
-- metrics: *.currentRoundTripTime, *.roundTripTime, *.jitter = duration lower
-- metrics: *.fractionLost = gauge lower
-- metrics: *.framesPerSecond, *.available*Bitrate = gauge higher
-- metrics: *.packetsLost, *.*Dropped, *.*Discarded*, *.nackCount, *.pliCount, *.firCount, *.freezeCount, *.pauseCount = counter lower
-- metrics: *.retransmitted*, *.total*, *.jitterBuffer*, *.concealed*, *.silentConcealed*, *.*Count, *.qpSum, *.*Events = counter
-- metrics: *.*Sent, *.*Received, *.*Decoded, *.*Encoded, *.*SentWith*, *.*ReceivedWith*, *.frames*, *.*Opened, *.*Closed = counter
-- metrics: * = gauge
-- reads: [].timestamp|type|id|kind, [].* FIGURES
-- reads: [].*.timestamp|type|id|kind UNLESS [].type, [].*.* FIGURES UNLESS [].type
-- reads: [][].timestamp|type|id|kind, [][].* FIGURES
-- leaves: [].qualityLimitationDurations.*, [].*.qualityLimitationDurations.*, [][].qualityLimitationDurations.*

-- name: recognise
SELECT json_type(report, '$.timestamp') IN ('DOUBLE', 'BIGINT', 'UBIGINT') AND json_type(report, '$.type') = 'VARCHAR'
   AND json_type(report, '$.id') = 'VARCHAR' AND TRY_CAST(report->>'timestamp' AS DOUBLE) > 1e11
   AND json_type(value) = 'ARRAY' AND NOT json_valid(first_line) AND contains(trim(text, E'\n\r\t '), E'\n')
FROM (SELECT *, CASE WHEN json_type(one) = 'ARRAY' THEN one->0 WHEN json_type(one, '$.type') = 'VARCHAR' THEN one
                     ELSE json_extract(one, '$.*')[1] END AS report
      FROM (SELECT *, value->0 AS one FROM content))

-- name: prepare
-- Most reports have the keys of one of the first: their units are found once.
SET VARIABLE usual = (SELECT list(keys) FROM (SELECT DISTINCT keys FROM (SELECT keys FROM getstats_reports() LIMIT 500) LIMIT 50));
SET VARIABLE units = (SELECT list_transform(getvariable('usual'), lambda keys: list_transform(keys, lambda key: webrtc_unit(key))))

-- name: measurements
FROM getstats_samples()

-- name: warnings
SELECT 'reports of aiortc: their jitter counts in units of the RTP clock, which they do not tell, so it has no unit; their fractionLost is in 256ths'
FROM (SELECT report_id FROM getstats_reports() LIMIT 500) HAVING bool_or(is_of_aiortc(report_id))
