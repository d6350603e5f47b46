CREATE MACRO ns_from_s(seconds) AS CAST(round(seconds * 1e6) AS BIGINT) * 1000;
CREATE MACRO ns_from_ms(milliseconds) AS CAST(round(milliseconds * 1e3) AS BIGINT) * 1000;
CREATE MACRO needed(number, name) AS CASE WHEN number IS NULL THEN error('no ' || name) ELSE number END;
CREATE MACRO quotient(number, operations) AS CASE WHEN number IS NULL THEN NULL
    WHEN isfinite(number::DOUBLE) THEN number::DOUBLE / operations
    ELSE error('column ''value'': ' || number || ' is beyond the range of float64') END;
CREATE MACRO per_operation(number, operations) AS CASE WHEN operations = 1 THEN number ELSE quotient(number, operations)::VARCHAR END;
CREATE MACRO json_pointer(key) AS '/' || replace(replace(key, '~', '~0'), '/', '~1');
-- What a name begins and ends with is found in a tenth of the time of a pattern.
CREATE MACRO webrtc_unit(stat) AS CASE
    WHEN stat = 'totalSquaredInterFrameDelay' THEN 's2'
    WHEN stat IN ('currentRoundTripTime', 'roundTripTime', 'jitter') OR starts_with(stat, 'jitterBuffer') AND ends_with(stat, 'Delay')
        OR starts_with(stat, 'total') AND (ends_with(stat, 'Delay') OR ends_with(stat, 'Time') OR ends_with(stat, 'Duration')) THEN 's'
    WHEN contains(stat, 'ytes') AND regexp_matches(stat, '^(header|retransmitted|fec)?[bB]ytes(Sent|Received|DiscardedOnSend)$') THEN 'By'
    WHEN ends_with(stat, 'Bitrate') AND regexp_matches(stat, '(Outgoing|Incoming|target|Target)Bitrate$') THEN 'bit/s'
    WHEN stat = 'framesPerSecond' THEN '/s'
    WHEN stat IN ('frameWidth', 'frameHeight') THEN '{pixel}'
    WHEN (starts_with(stat, 'packets') OR starts_with(stat, 'frames') OR starts_with(stat, 'keyFrames') OR starts_with(stat, 'nack')
            OR starts_with(stat, 'pli') OR starts_with(stat, 'fir') OR starts_with(stat, 'requests') OR starts_with(stat, 'responses')
            OR starts_with(stat, 'messages') OR starts_with(stat, 'consentRequests'))
        AND (ends_with(stat, 'Sent') OR ends_with(stat, 'Received') OR ends_with(stat, 'Lost') OR ends_with(stat, 'Count')
            OR ends_with(stat, 'Decoded') OR ends_with(stat, 'Encoded') OR ends_with(stat, 'Dropped') OR ends_with(stat, 'Discarded')
            OR ends_with(stat, 'DiscardedOnSend')) THEN '1'
END;
-- The ids of aiortc, of Python, whose jitter is no time.
CREATE MACRO is_of_aiortc(id) AS regexp_matches(id, '^(remote-)?inbound-rtp_[0-9]+$');
-- The view `objects` and the variables are those of the importers of getStats().
CREATE MACRO getstats_reports() AS TABLE
SELECT type AS report_type, timestamp, id AS report_id, kind, figures,
       CASE WHEN keys IS NULL THEN error('is no report of getStats(), nor holds such')
            WHEN type IS NULL THEN error('holds a report of getStats() without a type') ELSE keys END AS keys
FROM objects;
CREATE MACRO getstats_samples() AS TABLE
SELECT report_type || '.' || key AS metric, value, CASE WHEN key = 'jitter' AND is_of_aiortc THEN NULL ELSE unit END AS unit,
       epoch_ns, report_id, report_type, kind
FROM (SELECT report_type, report_id, kind, ns_from_ms(timestamp::DOUBLE) AS epoch_ns, is_of_aiortc(report_id) AS is_of_aiortc,
             unnest(keys) AS key, unnest(figures) AS value,
             unnest(CASE WHEN place > 0 THEN getvariable('units')[place] ELSE list_transform(keys, lambda key: webrtc_unit(key)) END) AS unit
      FROM (SELECT *, list_position(getvariable('usual'), keys) AS place FROM getstats_reports()))
WHERE key <> 'timestamp';
CREATE MACRO iperf3_names() AS [
    'bits_per_second', 'bytes', 'jitter', 'lost_packets', 'lost_percent', 'max_rtt', 'max_snd_cwnd', 'max_snd_wnd',
    'mean_rtt', 'min_rtt', 'out_of_order', 'packets', 'pmtu', 'reorder', 'retransmits', 'rtt', 'rttvar', 'snd_cwnd',
    'snd_wnd'];
CREATE MACRO iperf3_units() AS [
    'bit/s', 'By', 'ms', '1', '%', 'us', 'By', 'By', 'us', 'us', '1', '1', 'By', '1', '1', 'us', 'us', 'By', 'By'];
CREATE MACRO iperf3_numbers(stream) AS json_extract(stream, [
    '$.bits_per_second', '$.bytes', '$.jitter_ms', '$.lost_packets', '$.lost_percent', '$.max_rtt', '$.max_snd_cwnd',
    '$.max_snd_wnd', '$.mean_rtt', '$.min_rtt', '$.out_of_order', '$.packets', '$.pmtu', '$.reorder', '$.retransmits',
    '$.rtt', '$.rttvar', '$.snd_cwnd', '$.snd_wnd']);
CREATE MACRO iperf3_names_of(keys) AS list_transform(keys, lambda key: replace(key, '_ms', ''));
CREATE MACRO iperf3_units_of(keys) AS list_transform(iperf3_names_of(keys), lambda name: iperf3_units()[list_position(iperf3_names(), name)]);
-- Its variables and the view `objects` are those of its importers.
CREATE MACRO iperf3_samples(end_streams) AS TABLE
WITH streams AS (
    SELECT start, "end", socket, omitted::BOOLEAN AS omitted, sender, NULL AS direction, CASE WHEN omitted::BOOLEAN THEN 'omitted_' ELSE '' END AS prefix,
           keys, figures, list_position(getvariable('usual'), keys) AS place FROM objects
    UNION ALL
    SELECT said[1], said[2], said[3], said[4]::BOOLEAN, said[5], side, 'total_', list_filter(iperf3_names(), lambda name, nth: numbers[nth] IS NOT NULL),
           list_transform(list_filter(numbers, lambda number: number IS NOT NULL), lambda number: number->>'$'), 0
    FROM (SELECT side, iperf3_numbers(stream->side) AS numbers,
                 json_extract_string(stream->side, ['$.start', '$.end', '$.socket', '$.omitted', '$.sender']) AS said
          FROM (SELECT stream, unnest(['udp', 'sender', 'receiver']) AS side
                FROM (SELECT unnest(end_streams) AS stream))
          WHERE json_exists(stream, '$.' || side))
)
SELECT CASE prefix WHEN '' THEN name ELSE prefix || name END AS metric, value, unit, offset_ns, socket, interval_start, omitted, side
FROM (SELECT prefix, ns_from_s("end"::DOUBLE + CASE WHEN prefix = 'omitted_' THEN 0 ELSE getvariable('omitted_s') END) AS offset_ns,
             socket::BIGINT AS socket, ns_from_s(start::DOUBLE) / 1e9 AS interval_start, omitted,
             coalesce(direction, CASE sender::BOOLEAN WHEN true THEN 'sender' WHEN false THEN 'receiver' ELSE getvariable('side') END) AS side,
             unnest(CASE WHEN place > 0 THEN getvariable('names')[place] ELSE iperf3_names_of(keys) END) AS name,
             unnest(CASE WHEN place > 0 THEN getvariable('units')[place] ELSE iperf3_units_of(keys) END) AS unit, unnest(figures) AS value
      FROM streams)
-- Of nearly all numbers their first sign tells that they are not negative.
WHERE CASE WHEN ord(value) BETWEEN 48 AND 57 THEN true ELSE NOT (starts_with(value, '-') AND regexp_matches(name, 'snd_|rtt|pmtu')) END;
