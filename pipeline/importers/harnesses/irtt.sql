-- irtt client -o: a round trip is a probe, in nanoseconds. The delays of it are samples: rtt, and those of one way, send_delay and
-- receive_delay, which need synchronous clocks and may be negative; ipdv_... is how a delay differs from that of the probe before.
-- A probe without an answer is a lost sample of rtt; of send_delay where it was lost on its way (true_up), of receive_delay where
-- its answer was (true_down). Which of them it was is not known of "true": the server counted nothing, or the answer came too late.
-- rtt is without the time within the server where that is stamped twice (both), which is the default. Its time is that of sending.
-- harness: irtt
-- signs: "\"irtt\""
-- looks for: probes in `round_trips`
-- format: json
-- versions: 0.9.0 to 0.9.1
-- samples: round_trips[]
-- metrics: rtt, send_delay, receive_delay = duration lower
-- metrics: ipdv_* = duration lower
-- reads: version.**, system_info.**, config.**, stats.start_time, stats.start_time.wall
-- reads: round_trips[].seqno|lost, round_trips[].delay.rtt|send|receive, round_trips[].ipdv.rtt|send|receive, round_trips[].timestamps.client.send.wall|monotonic
-- leaves: round_trips[].timestamps.client.receive.**, round_trips[].timestamps.server.**, stats.**

-- name: recognise
SELECT json_exists(value, '$.version.irtt') AND json_type(value, '$.round_trips') = 'ARRAY' FROM content

-- name: session
-- From 0.9.1 on the start is the time of two clocks, as those of probes are.
SELECT CASE json_type(json, '$.stats.start_time') WHEN 'OBJECT'
            THEN strftime(make_timestamp_ns((json->>'$.stats.start_time.wall')::BIGINT), '%Y-%m-%dT%H:%M:%S.%nZ')
            ELSE json->>'$.stats.start_time' END AS started_at,
       json->>'$.version.irtt' AS harness_version,
       {version: json->'version', system_info: json->'system_info', config: json->'config'}::JSON AS configuration
FROM document

-- name: warnings
SELECT 'has round trips with the time within the server in them, which was not stamped twice (stamp_at ' || stamp_at || ')'
FROM (SELECT json->>'$.config.params.stamp_at' AS stamp_at FROM document) WHERE stamp_at <> 'both'
UNION ALL
SELECT 'says that ' || found || ' probes were answered twice: the first answer counts'
FROM (SELECT json->>'$.stats.duplicates' AS found FROM document) WHERE found <> '0'

-- name: measurements
SELECT one.metric AS metric, one.value AS value, 'ns' AS unit, wall AS epoch_ns, monotonic AS offset_ns,
       seqno, CASE WHEN lost <> 'false' THEN lost END AS lost
FROM (
    SELECT part[1]::BIGINT AS seqno, part[2] AS lost, part[3]::BIGINT AS wall, part[4]::BIGINT AS monotonic, unnest([
        {metric: 'rtt', value: part[5], is_lost: coalesce(part[2] <> 'false', part[5] IS NULL)},
        {metric: 'send_delay', value: part[6], is_lost: part[2] = 'true_up'},
        {metric: 'receive_delay', value: part[7], is_lost: part[2] = 'true_down'},
        {metric: 'ipdv_rtt', value: part[8], is_lost: false}, {metric: 'ipdv_send', value: part[9], is_lost: false},
        {metric: 'ipdv_receive', value: part[10], is_lost: false}]) AS one
    FROM (SELECT json->>['$.seqno', '$.lost', '$.timestamps.client.send.wall', '$.timestamps.client.send.monotonic',
                         '$.delay.rtt', '$.delay.send', '$.delay.receive', '$.ipdv.rtt', '$.ipdv.send', '$.ipdv.receive'] AS part
          FROM samples WHERE json_type(json) = 'OBJECT' OR error('round_trips holds what is no probe'))
)
WHERE one.value IS NOT NULL OR one.is_lost
