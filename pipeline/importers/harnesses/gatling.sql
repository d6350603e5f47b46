-- Gatling's simulation.log as text, up to 3.11: a line a request, a group, a user or an error, with tabs between fields. The
-- versions differ in what stands before the times: up to 2.1 the scenario and user before the kind, and four times of which
-- the first and the last count; 2.2 and 2.3 scenario and user, 3.0 to 3.3 the user, then neither. Which it is, the first
-- request tells: the version in the line RUN is not to be trusted. Times are milliseconds since 1970.
-- A request's time is its start. A group's duration is that from its start to its end, the cumulated time that of its requests.
-- Of a last line that is cut off what is before it is taken, and that is said.
-- signs: "run\t"
-- looks for: lines REQUEST, GROUP or ERROR
-- versions: 2.0 to 3.11
-- format: lines
-- form: ok = REQUEST	{groups FIELD}	{request FIELD}	{began INTEGER}	{ended INTEGER}	OK	{message FIELD}
-- form: ko = REQUEST	{groups FIELD}	{request FIELD}	{began INTEGER}	{ended INTEGER}	KO	{message FIELD}
-- metrics: response_time, group_duration, group_cumulated_response_time = duration lower
-- metrics: errors = event lower

-- name: recognise
SELECT coalesce(regexp_matches(text, '(^|\n)(RUN\t[^\t\n]*\t([^\t\n]*\t){1,2}\d{13}\t|[^\t\n]+\t[^\t\n]*\tRUN\t\d{13}\t)'), false)
   AND regexp_matches(first_line, '^(RUN|ASSERTION|USER|REQUEST|[^\t]+\t[^\t]*\tRUN)\t') FROM content

-- name: prepare
SET VARIABLE last = (SELECT max(line_number) FROM records WHERE getvariable('is_cut_off'));
-- A line that gives the places of the kind, of the start, and how many times there are.
SET VARIABLE shape = (
    SELECT CASE WHEN least(began, ended) >= 1000000000 THEN {kind: 1, start: 4, times: 2}
                WHEN regexp_matches(line, '^REQUEST\t[^\t]*\t[^\t]*\t\d{10,}\t-?\d{10,}\t(OK|KO)') THEN {kind: 1, start: 4, times: 2}
                WHEN regexp_matches(line, '^REQUEST\t[\d-]+\t[^\t]*\t[^\t]*\t\d{10,}\t-?\d{10,}\t(OK|KO)')
                    THEN {kind: 1, start: 5, times: 2}
                WHEN regexp_matches(line, '^REQUEST\t[^\t]*\t[\d-]+\t[^\t]*\t[^\t]*\t\d{10,}\t-?\d{10,}\t(OK|KO)')
                    THEN {kind: 1, start: 6, times: 2}
                WHEN regexp_matches(line, '^REQUEST\t[^\t]*\t[\d-]+\t[^\t]*\t[^\t]*(\t-?\d{10,}){4}\t(OK|KO)')
                    THEN {kind: 1, start: 6, times: 4}
                WHEN regexp_matches(line, '^[^\t]*\t[\d-]+\tREQUEST\t[^\t]*\t[^\t]*(\t-?\d{10,}){4}\t(OK|KO)')
                    THEN {kind: 3, start: 6, times: 4} END
    FROM records WHERE form IS NOT NULL OR regexp_matches(line, '^(REQUEST|[^\t]*\t[\d-]+\tREQUEST)\t') LIMIT 1);
SET VARIABLE shape = coalesce(getvariable('shape'), (
    SELECT CASE WHEN regexp_matches(line, '^GROUP\t[^\t]*\t\d{10,}\t\d{10,}\t[^\t]+\t(OK|KO)') THEN {kind: 1, start: 4, times: 2}
                WHEN regexp_matches(line, '^GROUP\t[\d-]+\t[^\t]*\t\d{10,}\t\d{10,}\t[^\t]+\t(OK|KO)') THEN {kind: 1, start: 5, times: 2}
                ELSE {kind: 1, start: 6, times: 2} END
    FROM records WHERE getvariable('shape') IS NULL AND starts_with(line, E'GROUP\t') LIMIT 1));
SET VARIABLE run = (
    SELECT CASE WHEN fields[1] <> 'RUN' THEN {class: fields[1], start: fields[4], description: fields[5], version: fields[6]}
                WHEN len(fields) > 6 THEN {class: fields[2], start: fields[5], description: fields[6], version: fields[7]}
                ELSE {class: fields[2], start: fields[4], description: fields[5], version: fields[6]} END
    FROM (SELECT string_split(line, E'\t') AS fields FROM records
          WHERE regexp_matches(line, '^(RUN|[^\t]+\t[^\t]*\tRUN)\t') LIMIT 1));
CREATE TEMP MACRO status_place(kind) AS CASE kind WHEN 'REQUEST' THEN getvariable('shape').start + getvariable('shape').times
                                                   ELSE getvariable('shape').start + 2 END

-- name: session
SELECT strftime(make_timestamp_ms(getvariable('run').start::BIGINT), '%Y-%m-%dT%H:%M:%S.%fZ') AS started_at,
       getvariable('run').version AS harness_version,
       {simulation: getvariable('run').class, description: nullif(trim(getvariable('run').description), '')}::JSON AS configuration

-- name: warnings
SELECT 'is cut off in line ' || line_number || ', which is left out' FROM records
WHERE line_number = getvariable('last') AND regexp_matches(line, '^(REQUEST|GROUP|[^\t]*\t[\d-]+\t(REQUEST|GROUP))\t')
  AND NOT regexp_matches(line, '\t(OK|KO)(\t|\r?$)')

-- name: unused
SELECT kind, count(*) FROM (
    SELECT CASE WHEN getvariable('shape').kind = 3 THEN split_part(line, E'\t', 3) ELSE split_part(line, E'\t', 1) END AS kind FROM other_lines)
WHERE kind NOT IN ('RUN', 'REQUEST', 'GROUP', 'ERROR') GROUP BY kind ORDER BY kind

-- name: measurements
SELECT CASE WHEN figure > 1 THEN 'group_cumulated_response_time'
            ELSE CASE kind WHEN 'REQUEST' THEN 'response_time' WHEN 'GROUP' THEN 'group_duration' ELSE 'errors' END END AS metric,
       CASE WHEN kind = 'ERROR' THEN 1 WHEN figure > 1 THEN fields[status_place(kind) - 1]::BIGINT
            WHEN kind = 'GROUP' OR end_ms > -9223372036854775808 THEN end_ms - start_ms END AS value,
       CASE WHEN kind = 'ERROR' THEN '1' ELSE 'ms' END AS unit, start_ms * 1000000 AS epoch_ns,
       CASE WHEN form IS NOT NULL THEN request WHEN kind = 'REQUEST' THEN fields[getvariable('shape').start - 1] END AS request_name,
       nullif(CASE WHEN form IS NOT NULL THEN groups WHEN kind <> 'ERROR' THEN fields[getvariable('shape').start - 2] END, '') AS groups,
       status, CASE WHEN form IS NOT NULL THEN nullif(trim(message), '') WHEN kind = 'REQUEST' THEN nullif(trim(fields[status_place(kind) + 1]), '')
                    WHEN kind = 'ERROR' THEN fields[2] END AS message,
       CASE WHEN getvariable('shape').start = 6 AND kind <> 'ERROR'
            THEN fields[CASE WHEN getvariable('shape').kind = 3 THEN 1 ELSE 2 END] END AS scenario,
       CASE WHEN getvariable('shape').start > 4 AND kind <> 'ERROR' THEN CASE getvariable('shape').start WHEN 5 THEN fields[2] WHEN 6 THEN
            fields[CASE WHEN getvariable('shape').kind = 3 THEN 2 ELSE 3 END] END END AS user_id
FROM (
    SELECT *, unnest(CASE kind WHEN 'GROUP' THEN [1, 2] ELSE [1] END) AS figure
    FROM (
        SELECT * EXCLUDE (line, line_number, began, ended),
               CASE WHEN form IS NOT NULL THEN began WHEN kind = 'ERROR' THEN fields[3]::BIGINT
                    ELSE fields[status_place(kind) - CASE kind WHEN 'REQUEST' THEN getvariable('shape').times ELSE 3 END]::BIGINT END AS start_ms,
               CASE WHEN form IS NOT NULL THEN ended WHEN kind = 'REQUEST' THEN fields[status_place(kind) - 1]::BIGINT
                    WHEN kind = 'GROUP' THEN fields[status_place(kind) - 2]::BIGINT END AS end_ms
        FROM (
            SELECT *, CASE WHEN form IS NOT NULL AND getvariable('shape').start = 4 THEN CASE form WHEN 'ok' THEN 'OK' ELSE 'KO' END
                           WHEN kind <> 'ERROR' THEN CASE WHEN coalesce(fields[status_place(kind)] IN ('OK', 'KO'), false)
                          THEN fields[status_place(kind)]
                          ELSE error('has no OK or KO where the first request of the file has it (line ' || line_number || ')') END END AS status
            FROM (SELECT *, CASE WHEN form IS NULL THEN string_split(line, E'\t') END AS fields,
                         CASE WHEN form IS NOT NULL THEN 'REQUEST'
                              WHEN getvariable('shape').kind = 3 THEN split_part(line, E'\t', 3) ELSE split_part(line, E'\t', 1) END AS kind
                  FROM records)
            WHERE form IS NOT NULL OR kind IN ('REQUEST', 'GROUP', 'ERROR')
              AND (line_number IS DISTINCT FROM getvariable('last') OR regexp_matches(line, '\t(OK|KO)(\t|\r?$)') OR kind = 'ERROR')
        )
    )
)
