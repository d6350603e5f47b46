-- iperf3 --json. The interval of a stream is a sample; its time is the interval's end. Sums of streams repeat the
-- streams and are left out; what stands under "end" sums up the test and becomes metrics named total_...
-- harness: iperf3
-- documents: runs
-- looks for: streams in `intervals`, and sums in `end`
-- format: json

-- name: recognise
SELECT json_exists(value, '$.start.timestamp') AND json_exists(value, '$.intervals') FROM content

-- name: session
SELECT strftime(make_timestamp_ms((json->>'$.start.timestamp.timesecs')::BIGINT * 1000), '%Y-%m-%dT%H:%M:%S.%fZ')
           AS started_at,
       regexp_replace(json->>'$.start.version', '^iperf ', '') AS harness_version,
       {start: json->'start'}::JSON AS configuration
FROM document

-- name: measurements
WITH streams AS (
    SELECT stream, '' AS prefix, NULL AS direction, row_number() OVER () AS place
    FROM (SELECT unnest(json_extract(json, '$.intervals[*].streams[*]')) AS stream FROM document)
    UNION ALL
    SELECT stream->side, 'total_', side, 1000000000 + place
    FROM (SELECT stream, row_number() OVER () AS place
          FROM (SELECT unnest(json_extract(json, '$.end.streams[*]')) AS stream FROM document)),
         (SELECT unnest(['sender', 'receiver', 'udp']) AS side)
    WHERE json_exists(stream, '$.' || side)
), known AS (
    SELECT unnest([
        {key: 'bits_per_second', unit: 'bit/s'}, {key: 'bytes', unit: 'By'}, {key: 'retransmits', unit: '1'},
        {key: 'snd_cwnd', unit: 'By'}, {key: 'snd_wnd', unit: 'By'}, {key: 'rtt', unit: 'us'},
        {key: 'rttvar', unit: 'us'}, {key: 'pmtu', unit: 'By'}, {key: 'jitter_ms', unit: 'ms'},
        {key: 'lost_packets', unit: '1'}, {key: 'packets', unit: '1'}, {key: 'lost_percent', unit: '%'},
        {key: 'out_of_order', unit: '1'}, {key: 'max_snd_cwnd', unit: 'By'}, {key: 'max_snd_wnd', unit: 'By'},
        {key: 'max_rtt', unit: 'us'}, {key: 'min_rtt', unit: 'us'}, {key: 'mean_rtt', unit: 'us'}], recursive := true)
)
SELECT prefix || regexp_replace(key, '_ms$', '') AS metric, stream->>key AS value, unit,
       ns_from_s((stream->>'end')::DOUBLE) AS offset_ns,
       (stream->>'socket')::BIGINT AS socket,
       ns_from_s((stream->>'start')::DOUBLE) / 1e9 AS interval_start,
       (stream->>'omitted')::BOOLEAN AS omitted,
       coalesce(direction, CASE WHEN (stream->>'sender')::BOOLEAN THEN 'sender' ELSE 'receiver' END) AS side
FROM streams, known
WHERE json_exists(stream, '$.' || key)
ORDER BY place, direction DESC, key
