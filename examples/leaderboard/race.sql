-- A race for people to try this with: 1,000 racers, each of whom reports once a second, as fast as it goes. -v RATE=1000 is as fast as they race.
CREATE TABLE reports (
  n BIGINT,
  cadence DOUBLE,
  resistance DOUBLE
) WITH (
  'connector' = 'datagen',
  'number-of-rows' = '${REPORTS:-60000}',
  'rows-per-second' = '${RATE:-1000000}',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '9999999',
  'fields.cadence.min' = '40', 'fields.cadence.max' = '120',
  'fields.resistance.min' = '20', 'fields.resistance.max' = '90'
);

CREATE TABLE race (
  raceId BIGINT,
  racerId BIGINT,
  cadence DOUBLE,
  resistance DOUBLE,
  deviceTimestamp BIGINT
) PARTITIONED BY (racerId) WITH (
  'connector' = 'kinesis',
  'stream' = 'race',
  'format' = 'json'
);

INSERT INTO race
SELECT 5402746 + MOD(n, 2), MOD(n, 1000), cadence, resistance, 1620824038000 + n
FROM reports;
