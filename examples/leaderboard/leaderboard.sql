-- The places of each race, every few seconds, and each racer's last result, kept in DynamoDB.

SET 'table.exec.source.idle-advance' = '5 s'; -- a race's last window ends by the clock

CREATE TABLE race (
  raceId BIGINT,
  racerId BIGINT,
  cadence DOUBLE,
  resistance DOUBLE,
  deviceTimestamp BIGINT,
  ts AS TO_TIMESTAMP_LTZ(deviceTimestamp, 3),
  output AS ROUND((cadence + 35) * (resistance + 65) / 100, 2),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kinesis',
  'stream' = 'race',
  'source.init.position' = 'TRIM_HORIZON',
  'scan.bounded.mode' = '${UNTIL:-unbounded}', -- 'latest' ends with what is there now
  'format' = 'json'
);

-- A place is an item: a race has as many as there are places, however many race.
CREATE TABLE places (
  race BIGINT,
  place BIGINT,
  racer BIGINT,
  output DOUBLE,
  updated TIMESTAMP_LTZ(3),
  PRIMARY KEY (race, place) NOT ENFORCED
) WITH (
  'connector' = 'dynamodb',
  'table-name' = 'race-places',
  'aws.endpoint' = '${DYNAMODB:-}'
);

CREATE TABLE results (
  race BIGINT,
  racer BIGINT,
  output DOUBLE,
  finished TIMESTAMP_LTZ(3),
  PRIMARY KEY (race, racer) NOT ENFORCED
) WITH (
  'connector' = 'dynamodb',
  'table-name' = 'race-results',
  'sink.buffer-flush.interval' = '1 s',
  'aws.endpoint' = '${DYNAMODB:-}'
);

EXECUTE STATEMENT SET
BEGIN

-- The ten best of the last seconds: one write a place and window, whatever the racers do in between.
INSERT INTO places
SELECT raceId, place, racerId, best, window_end
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, raceId ORDER BY best DESC, racerId) AS place
  FROM (
    SELECT window_start, window_end, raceId, racerId, MAX(output) AS best
    FROM TABLE(TUMBLE(TABLE race, DESCRIPTOR(ts), INTERVAL '${WINDOW:-5}' SECOND))
    GROUP BY window_start, window_end, raceId, racerId))
WHERE place <= 10;

-- The last report of each racer is the result.
INSERT INTO results
SELECT raceId, racerId, output, ts
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY raceId, racerId ORDER BY ts DESC) AS n FROM race)
WHERE n = 1;

END;
