-- Dumps of rtcstats: those of its servers (file formats 1 and 2, an array a line), and of file format 3 (RTCStatsDump), which
-- Chromium's chrome://webrtc-internals writes as well. Their rows hold what changed; a sample is each number that a report held
-- when a row was written, changed or not, as in reports of getStats(). A report that was removed has none; its time is its own,
-- where that is 0 the row's. Names that are shortened to numbers get their own. Times of format 3 are differences.
-- Chrome's older reports (goog..., ssrc) hold numbers as texts: they are samples, too. Rates that Chromium derived keep their brackets.
-- harness: rtcstats
-- signs: "rtcstatsdump", "\"fileformat\"", "\n[\"connectioninfo\"", "\n[\"getstats\"", "\n[\"create\""
-- looks for: rows `getstats` or `getStats`, with reports that hold numbers
-- format: text
-- reader: rtcstats
-- metrics: *.[*_in_ms] = duration lower aggregate
-- metrics: *.[* = gauge aggregate
-- metrics: *.currentRoundTripTime, *.roundTripTime, *.jitter, *.googRtt, *.googJitterReceived = duration lower
-- metrics: *.fractionLost = gauge lower
-- metrics: *.framesPerSecond, *.available*Bitrate = gauge higher
-- metrics: *.packetsLost, *.*Dropped, *.*Discarded*, *.nackCount, *.pliCount, *.firCount, *.freezeCount, *.pauseCount = counter lower
-- metrics: *.retransmitted*, *.total*, *.jitterBuffer*, *.concealed*, *.silentConcealed*, *.*Count, *.qpSum, *.*Events = counter
-- metrics: *.*Sent, *.*Received, *.*Decoded, *.*Encoded, *.*SentWith*, *.*ReceivedWith*, *.frames*, *.*Opened, *.*Closed = counter
-- metrics: * = gauge

-- name: recognise
SELECT regexp_full_match(first_line, 'RTCStatsDump\s*')
    OR coalesce(json_type(value) = 'OBJECT' AND json_exists(value, '$.fileFormat') AND regexp_matches(text, '(?m)^\[("|\d+,)'), false)
    OR regexp_matches(text, '^\["connectionInfo", ?(null|"[^"]*"),')
    OR (regexp_matches(first_line, '^\[("[\w.]+"|\d+), ?(null|"[^"]*"),.*, ?\d+(\.\d+)?\]\s*$') AND regexp_matches(text, '(?m)^\["(getstats|getStats|create)", ?"'))
FROM content

-- name: session
SELECT {metadata: any_value(value)::JSON}::JSON AS configuration
FROM (SELECT * FROM records LIMIT 1) WHERE event = 'metadata' AND value <> '{}'

-- name: measurements
SELECT report_type || '.' || stat AS metric, value,
       CASE WHEN stat LIKE '%\_in\_bits/s]' ESCAPE '\' THEN 'bit/s' WHEN stat LIKE '%\_in\_ms]' ESCAPE '\' THEN 'ms' WHEN stat LIKE '[%/s]' THEN '/s'
            WHEN NOT regexp_matches(report_type, '^goog|^ssrc$|^VideoBwe$') THEN webrtc_unit(stat)
            WHEN regexp_matches(stat, 'Ms$|^googRtt$|^googJitterReceived$') THEN 'ms'
            WHEN regexp_matches(stat, '(Bandwidth|Bitrate)$') THEN 'bit/s' WHEN stat IN ('bytesSent', 'bytesReceived') THEN 'By'
            WHEN regexp_matches(stat, '^packets(Sent|Received|Lost)$') THEN '1' WHEN starts_with(stat, 'googFrameRate') THEN '/s'
            WHEN regexp_matches(stat, '^googFrame(Width|Height)') THEN '{pixel}' END AS unit,
       ns_from_ms(epoch_ms) AS epoch_ns, connection, report_id, report_type, kind
FROM records WHERE event = 'getStats'
