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
