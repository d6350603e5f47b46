-- MCAP, as rosbag2, Foxglove and others record it. Each message has a message_latency, from its publish time to its log time, and a
-- message_gap, from the log time of the message before it on its topic, in the order of log times. Its time is its log time,
-- publish_time_ns the other, in nanoseconds since 1970.
-- Messages in JSON give each of their numbers as TOPIC.KEY; those of arrays as TOPIC.KEY[], whose place is `element`. Messages
-- in other encodings, as the CDR of ROS 2, are not decoded: their times are read. Chunks may be packed with zstd, or lz4, which
-- needs the extra `mcap`. Files without an index are read, and of a file that is cut off what is whole, and that is said.
-- Attachments and metadata are named in the configuration.
-- looks for: messages
-- format: binary
-- reader: mcap
-- metrics: message_latency, message_gap = duration lower
-- metrics: * = gauge

-- name: session
SELECT (SELECT value FROM (SELECT kind, value FROM records LIMIT 1) WHERE kind = 'file')::JSON AS configuration

-- name: measurements
SELECT metric, value, unit, epoch_ns, publish_ns AS publish_time_ns, topic, schema, encoding, message_sequence, element
FROM records WHERE kind = 'message'
