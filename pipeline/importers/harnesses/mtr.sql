-- mtr --json: a hop's figures of a run, in milliseconds; there are no samples. A hop that never answered has 0 for its times,
-- which are none. A file of several targets holds a document each, a session each. It has no time of day.
-- harness: mtr
-- documents: runs
-- signs: "\"mtr\""
-- looks for: hops in `hubs` of `report`
-- format: json
-- versions: 0.95 to 0.96
-- metrics: rtt_* = duration lower aggregate
-- metrics: jitter_* = duration lower aggregate
-- metrics: packets_lost, loss = counter lower aggregate
-- metrics: packets_* = counter aggregate
-- reads: report.mtr.**, report.hubs[].count|host|ASN|Loss%|Snt|Drop|Rcv|Last|Avg|Best|Wrst|StDev|Gmean|Jttr|Javg|Jmax|Jint

-- name: recognise
SELECT json_type(value, '$.report.mtr') = 'OBJECT' AND json_type(value, '$.report.hubs') = 'ARRAY' FROM content

-- name: session
SELECT json->'$.report.mtr' AS configuration FROM document

-- name: warnings
SELECT 'holds figures that mtr computed, Last alone is of one probe: mtr --raw has the samples' FROM document
WHERE json_array_length(json, '$.report.hubs') > 0

-- name: measurements
SELECT known.metric AS metric, hub->>json_pointer(known.key) AS value, known.unit AS unit,
       (hub->>'count')::BIGINT AS hop, hub->>'host' AS host, hub->>'ASN' AS asn
FROM (
    SELECT hub, place, (hub->>'/Loss%')::DOUBLE < 100 AND (hub->>'Snt')::BIGINT > 0 AS has_times, unnest([
        {key: 'Loss%', metric: 'loss', unit: '%'}, {key: 'Snt', metric: 'packets_sent', unit: '1'},
        {key: 'Rcv', metric: 'packets_received', unit: '1'}, {key: 'Drop', metric: 'packets_lost', unit: '1'},
        {key: 'Last', metric: 'rtt_last', unit: 'ms'}, {key: 'Avg', metric: 'rtt_mean', unit: 'ms'},
        {key: 'Best', metric: 'rtt_min', unit: 'ms'}, {key: 'Wrst', metric: 'rtt_max', unit: 'ms'},
        {key: 'StDev', metric: 'rtt_stddev', unit: 'ms'}, {key: 'Gmean', metric: 'rtt_geometric_mean', unit: 'ms'},
        {key: 'Jttr', metric: 'jitter_last', unit: 'ms'}, {key: 'Javg', metric: 'jitter_mean', unit: 'ms'},
        {key: 'Jmax', metric: 'jitter_max', unit: 'ms'}, {key: 'Jint', metric: 'jitter_interarrival', unit: 'ms'}]) AS known
    FROM (SELECT unnest(json_extract(json, '$.report.hubs[*]')) AS hub,
                 unnest(range(json_array_length(json, '$.report.hubs')::BIGINT)) AS place FROM document)
)
WHERE json_exists(hub, json_pointer(known.key)) AND (known.unit <> 'ms' OR has_times)
