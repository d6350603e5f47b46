-- JMeter's JTL as XML (jmeter.save.saveservice.output_format=xml), of the forms 1.1 and 1.2 and the first one. Times are
-- milliseconds, ts since 1970. A sample within another (an embedded resource, a redirect, what a transaction is made of) is a
-- part of it: its metrics are named nested_..., with the label of the outer sample as `parent`, so that nothing counts twice.
-- A sample with a sample count (sc) above 1 sums up several, so its figures are no samples.
-- Of a file that is cut off the samples that are whole are taken, and that is said.
-- harness: jmeter
-- signs: "<testresults"
-- looks for: elements `sample` and `httpSample`
-- versions: 2.4 to 5.5
-- format: text
-- reader: jmeter_xml
-- metrics: *elapsed_sum, *Latency_sum, *Connect_sum = duration lower aggregate
-- metrics: *elapsed, *Latency, *Connect = duration lower
-- metrics: *IdleTime = duration
-- metrics: *bytes, *sentBytes = event
-- metrics: * = gauge

-- name: recognise
SELECT regexp_matches(text[1:4096], '<testResults\b') FROM content

-- name: measurements
SELECT CASE WHEN depth > 0 THEN 'nested_' ELSE '' END || sample.metric || CASE WHEN sc::BIGINT > 1 THEN '_sum' ELSE '' END AS metric,
       sample.text AS value, sample.unit AS unit, ts::BIGINT * 1000000 AS epoch_ns, lb AS label, parent,
       CASE WHEN depth > 0 THEN depth END AS depth, rc AS response_code, rm AS response_message, tn AS thread_name,
       nullif(dt, '') AS data_type, s::BOOLEAN AS success, failure_message, url, sc::BIGINT AS sample_count, more::JSON AS attributes
FROM (SELECT *, unnest([
          {metric: 'elapsed', text: t, unit: 'ms'}, {metric: 'Latency', text: lt, unit: 'ms'},
          {metric: 'Connect', text: ct, unit: 'ms'}, {metric: 'IdleTime', text: it, unit: 'ms'},
          {metric: 'bytes', text: "by", unit: 'By'}, {metric: 'sentBytes', text: sby, unit: 'By'},
          {metric: 'grpThreads', text: ng, unit: '1'}, {metric: 'allThreads', text: na, unit: '1'}]) AS sample
      FROM records)
WHERE sample.text IS NOT NULL
