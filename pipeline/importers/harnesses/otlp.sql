-- OTLP as JSON: what the file exporter of the OpenTelemetry collector writes, a document a line, or one document that is indented.
-- Spans and points of gauges are samples: a span's is its duration, and its time is its start. Sums, histograms and summaries are
-- aggregates. A histogram becomes NAME_count, NAME_sum, NAME_min, NAME_max, and NAME_bins: the value is the end of a bin, which
-- the bin takes in, bin_lower that of the one before, bin_count how many there were; what lies above the last bound is counted as
-- NAME_beyond_bins. Quantiles of summaries are NAME_p99. Bins that hold nothing are no rows.
-- Cumulative figures are totals since start_time_ns: those of one series must not be added. Of delta figures it is the
-- beginning of the interval. A sum that only grows is a counter, a delta an event, another sum a gauge.
-- Attributes of the resource are named resource.KEY, those of the scope scope.KEY; `service.name` of the resource is the service.
-- A data point that says that it holds no value, and a span that did not end, are lost samples.
-- signs: "\"resourcespans\"", "\"resourcemetrics\"", "\"resourcelogs\""
-- looks for: spans, and data points of metrics
-- format: text
-- reader: otlp
-- metrics: span_duration = duration lower
-- reads: resourceSpans|resourceMetrics[].resource.attributes[].key
-- reads: resourceSpans|resourceMetrics[].resource.attributes[].value.stringValue|boolValue|intValue|doubleValue|bytesValue, resourceSpans|resourceMetrics[].resource.attributes[].value.kvlistValue.**
-- reads: resourceSpans|resourceMetrics[].resource.attributes[].value.arrayValue.values[].stringValue|boolValue|intValue|doubleValue|bytesValue, resourceSpans|resourceMetrics[].resource.attributes[].value.arrayValue.values[].arrayValue|kvlistValue.**
-- reads: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].scope|instrumentationLibrary.name|version
-- reads: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].scope|instrumentationLibrary.attributes[].key
-- reads: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].scope|instrumentationLibrary.attributes[].value.stringValue|boolValue|intValue|doubleValue|bytesValue, resourceSpans[].scopeSpans|instrumentationLibrarySpans[].scope|instrumentationLibrary.attributes[].value.kvlistValue.**
-- reads: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].scope|instrumentationLibrary.attributes[].value.arrayValue.values[].stringValue|boolValue|intValue|doubleValue|bytesValue, resourceSpans[].scopeSpans|instrumentationLibrarySpans[].scope|instrumentationLibrary.attributes[].value.arrayValue.values[].arrayValue|kvlistValue.**
-- reads: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].spans[].traceId|spanId|parentSpanId|name|kind|startTimeUnixNano|endTimeUnixNano
-- reads: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].spans[].status.code|message
-- reads: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].spans[].attributes[].key
-- reads: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].spans[].attributes[].value.stringValue|boolValue|intValue|doubleValue|bytesValue, resourceSpans[].scopeSpans|instrumentationLibrarySpans[].spans[].attributes[].value.kvlistValue.**
-- reads: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].spans[].attributes[].value.arrayValue.values[].stringValue|boolValue|intValue|doubleValue|bytesValue, resourceSpans[].scopeSpans|instrumentationLibrarySpans[].spans[].attributes[].value.arrayValue.values[].arrayValue|kvlistValue.**
-- leaves: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].spans[].events|links.**
-- leaves: resourceSpans[].scopeSpans|instrumentationLibrarySpans[].spans[].traceState|flags|droppedAttributesCount|droppedEventsCount|droppedLinksCount
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].scope|instrumentationLibrary.name|version
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].scope|instrumentationLibrary.attributes[].key
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].scope|instrumentationLibrary.attributes[].value.stringValue|boolValue|intValue|doubleValue|bytesValue, resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].scope|instrumentationLibrary.attributes[].value.kvlistValue.**
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].scope|instrumentationLibrary.attributes[].value.arrayValue.values[].stringValue|boolValue|intValue|doubleValue|bytesValue, resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].scope|instrumentationLibrary.attributes[].value.arrayValue.values[].arrayValue|kvlistValue.**
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].name|unit
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].sum|histogram|exponentialHistogram.aggregationTemporality
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].sum.isMonotonic
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].gauge|sum|histogram|exponentialHistogram|summary.dataPoints[].timeUnixNano|startTimeUnixNano|flags
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].gauge|sum|histogram|exponentialHistogram|summary.dataPoints[].attributes[].key
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].gauge|sum|histogram|exponentialHistogram|summary.dataPoints[].attributes[].value.stringValue|boolValue|intValue|doubleValue|bytesValue, resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].gauge|sum|histogram|exponentialHistogram|summary.dataPoints[].attributes[].value.kvlistValue.**
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].gauge|sum|histogram|exponentialHistogram|summary.dataPoints[].attributes[].value.arrayValue.values[].stringValue|boolValue|intValue|doubleValue|bytesValue, resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].gauge|sum|histogram|exponentialHistogram|summary.dataPoints[].attributes[].value.arrayValue.values[].arrayValue|kvlistValue.**
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].gauge|sum.dataPoints[].asInt|asDouble
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].histogram|exponentialHistogram|summary.dataPoints[].count|sum
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].histogram|exponentialHistogram.dataPoints[].min|max
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].histogram.dataPoints[].bucketCounts|explicitBounds[]
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].exponentialHistogram.dataPoints[].scale|zeroCount|zeroThreshold
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].exponentialHistogram.dataPoints[].positive|negative.offset
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].exponentialHistogram.dataPoints[].positive|negative.bucketCounts[]
-- reads: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].summary.dataPoints[].quantileValues[].quantile|value
-- leaves: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].gauge|sum|histogram|exponentialHistogram.dataPoints[].exemplars.**
-- leaves: resourceMetrics[].scopeMetrics|instrumentationLibraryMetrics[].metrics[].description, resourceMetrics[].scopeMetrics[].metrics[].metadata.**
-- leaves: resourceSpans|resourceMetrics[].resource.droppedAttributesCount|schemaUrl, resourceSpans|resourceMetrics[].schemaUrl
-- leaves: resourceSpans[].scopeSpans[].schemaUrl, resourceMetrics[].scopeMetrics[].schemaUrl
-- leaves: resourceSpans[].scopeSpans[].scope.droppedAttributesCount, resourceMetrics[].scopeMetrics[].scope.droppedAttributesCount
-- leaves: resourceLogs.**

-- name: recognise
SELECT json_exists(value, '$.resourceSpans[0]') OR json_exists(value, '$.resourceMetrics[0]') OR json_exists(value, '$.resourceLogs[0]') FROM content

-- name: measurements
SELECT metric, value, unit, epoch_ns, start_ns AS start_time_ns, temporality, service, scope_name, scope_version,
       span, span_kind, status, status_message, nullif(trace_id, '') AS trace_id, nullif(span_id, '') AS span_id,
       nullif(parent_span_id, '') AS parent_span_id, bin_lower, bin_count, attributes::JSON AS attributes
FROM records
