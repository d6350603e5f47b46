-- sockperf's --full-log of ping-pong, under-load and playback: a line a packet behind the summary. Its latency is half of the
-- round trip (rx - tx), as sockperf takes it for one way; with --full-rtt the file has the round trip, as rtt. Times are seconds
-- of sockperf's own clock, which starts with it; there is no time of day. Packets of the warm-up and those that got no answer
-- are not in it: the summary says how many were dropped. Percentiles and the like are aggregates.
-- harness: sockperf
-- signs: "rxtime(sec)", "\nsockperf: "
-- looks for: lines behind `packet, txTime(sec), rxTime(sec), latency(usec)`
-- format: lines
-- form: packet = {packet INTEGER}, {sent_ns NANOSECONDS}, {_ DECIMAL}, {value DECIMAL}
-- versions: 3.7 to 3.7
-- metrics: latency, rtt = duration lower
-- metrics: latency_*, rtt_* = duration lower aggregate
-- metrics: messages_dropped, messages_duplicated, messages_out_of_order = counter lower aggregate
-- metrics: messages_* = counter aggregate

-- name: recognise
SELECT NOT json_valid(first_line)
   AND regexp_matches(text, '(?m)^packet, txTime\(sec\), rxTime\(sec\), (latency|rtt)\(usec\)|^sockperf: (\[Total Run\]|\x1b\[\S*m?== version)') FROM content

-- name: prepare
CREATE TEMP MACRO is_packet(line) AS regexp_matches(line, '^\d');
CREATE TEMP TABLE others AS SELECT line_number, line FROM other_lines WHERE NOT is_packet(line);
-- Of several servers each has a section of its own.
SET VARIABLE tables = (SELECT coalesce(list({first: line_number, metric: nullif(regexp_extract(line, '(latency|rtt)\(', 1), '')} ORDER BY line_number), [])
                       FROM others WHERE line LIKE 'packet, txTime(sec)%');
SET VARIABLE servers = (SELECT coalesce(list({first: line_number, name: regexp_extract(line, 'Server No: (\d+)', 1)} ORDER BY line_number), [])
                        FROM others WHERE contains(line, 'statistics for Server No: '));
CREATE TEMP MACRO table_of(number) AS CASE WHEN len(getvariable('tables')) = 1 THEN getvariable('tables')[1] ELSE list_filter(getvariable('tables'), lambda one: one.first < number)[-1] END;
CREATE TEMP MACRO server_of(number) AS CASE WHEN len(getvariable('servers')) > 0 THEN list_filter(getvariable('servers'), lambda one: one.first < number)[-1].name END

-- name: session
SELECT regexp_extract(min(line) FILTER (WHERE contains(line, '== version #')), 'version #(\d[0-9.]*)', 1) AS harness_version,
       {parameters: min(line) FILTER (WHERE contains(line, 'following parameters:'))}::JSON AS configuration
FROM others

-- name: warnings
SELECT 'has latencies that are half of the round trip, as sockperf takes it for one way; --full-rtt writes the whole'
WHERE list_contains(list_transform(getvariable('tables'), lambda one: one.metric), 'latency')
UNION ALL
SELECT 'says that ' || found || ' messages were dropped: they have no line'
FROM (SELECT regexp_extract(line, '# dropped messages = (\d+)', 1) AS found FROM others WHERE contains(line, '# dropped messages = ')) WHERE found <> '0'

-- name: unused
SELECT 'other lines', count(*) FROM others
WHERE NOT regexp_matches(line, '^-+\s*$|^packet, |^test was performed|Printing statistics|observation|percentile|# dropped|avg-(latency|rtt|lat)|\[(Total Run|Valid Duration)\]|version #')
HAVING count(*) > 0

-- name: measurements
SELECT metric, value, unit, offset_ns, packet, server
FROM (
    SELECT coalesce(table_of(line_number).metric, 'latency') AS metric,
           CASE WHEN form IS NOT NULL THEN value WHEN len(part) = 4 AND trim(part[4]) <> '' THEN trim(part[4]) ELSE error('is no whole line of a packet, the file may be cut off') END AS value, 'us' AS unit,
           coalesce(packet, part[1]::BIGINT) AS packet, server_of(line_number) AS server,
           CASE WHEN form IS NOT NULL THEN sent_ns WHEN length(trim(part[2])) < 20 THEN (trim(part[2])::DECIMAL(20, 9) * 1000000000)::BIGINT END AS offset_ns
    FROM (SELECT line_number, form, packet, sent_ns, value, CASE WHEN form IS NULL THEN string_split(line, ',') END AS part FROM records WHERE form IS NOT NULL OR is_packet(line))
    UNION ALL BY NAME
    SELECT figure.metric AS metric, figure.value AS value, figure.unit AS unit, server_of(line_number) AS server
    FROM (SELECT line_number, unnest([
              {metric: kind || '_mean', value: regexp_extract(line, 'avg-(?:latency|rtt|lat) *= *([0-9.]+)', 1), unit: 'us'},
              {metric: kind || '_stddev', value: regexp_extract(line, 'std-dev= *([0-9.]+)', 1), unit: 'us'},
              {metric: kind || '_max', value: regexp_extract(line, '<MAX> observation *= *(-?[0-9.]+)', 1), unit: 'us'},
              {metric: kind || '_min', value: regexp_extract(line, '<MIN> observation *= *(-?[0-9.]+)', 1), unit: 'us'},
              {metric: kind || '_p' || replace(rtrim(rtrim(regexp_extract(line, '> percentile *([0-9.]+)', 1), '0'), '.'), '.', '_'),
               value: regexp_extract(line, '> percentile *[0-9.]+ *= *(-?[0-9.]+)', 1), unit: 'us'},
              {metric: 'messages_sent', value: regexp_extract(line, '\[Valid Duration\].*SentMessages=(\d+)', 1), unit: '1'},
              {metric: 'messages_received', value: regexp_extract(line, '\[Valid Duration\].*ReceivedMessages=(\d+)', 1), unit: '1'},
              {metric: 'messages_dropped', value: regexp_extract(line, '# dropped messages = (\d+)', 1), unit: '1'},
              {metric: 'messages_duplicated', value: regexp_extract(line, '# duplicated messages = (\d+)', 1), unit: '1'},
              {metric: 'messages_out_of_order', value: regexp_extract(line, '# out-of-order messages = (\d+)', 1), unit: '1'}]) AS figure
          FROM (SELECT *, coalesce(getvariable('tables')[1].metric, CASE WHEN (SELECT bool_or(contains(line, 'avg-rtt')) FROM others) THEN 'rtt' ELSE 'latency' END) AS kind
                FROM others WHERE line[1] = 's'))
    WHERE figure.value <> ''
)
