CREATE TABLE sensor_data (
  sensor_id INTEGER, current_temperature DOUBLE, status VARCHAR(7), event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/sensor/p${P}', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');
-- Keys of uniform spread: of 20 million rows, nine of ten have a key that no other has.
CREATE VIEW keyed AS SELECT MOD(sensor_id * CAST(17977 AS BIGINT) + CAST(current_temperature * 100 AS BIGINT), ${KEYS:-100000000}) AS k, current_temperature, status, event_time FROM sensor_data;
CREATE TABLE sink (s TIMESTAMP(3), e TIMESTAMP(3), k BIGINT, c BIGINT, a DOUBLE, m DOUBLE) WITH ('connector' = '${SINK:-blackhole}');
INSERT INTO sink
SELECT window_start, window_end, k, COUNT(*), AVG(current_temperature), MAX(current_temperature) FROM TABLE(TUMBLE(TABLE keyed, DESCRIPTOR(event_time), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, k;
