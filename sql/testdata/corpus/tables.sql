-- Definitions of tables, as a racing league would write them.
CREATE TABLE laps (
    bike_id INT,
    heat DOUBLE,
    state VARCHAR(8),
    at TIMESTAMP(3),
    WATERMARK FOR at AS at - INTERVAL '5' SECOND
)
PARTITIONED BY (bike_id)
WITH ('connector' = 'kinesis', 'stream' = 'laps', 'aws.region' = 'eu-west-1', 'format' = 'json');
CREATE TABLE lap_counts (state VARCHAR(8), n BIGINT, PRIMARY KEY (state) NOT ENFORCED) WITH ('connector' = 'print');
CREATE TABLE IF NOT EXISTS c.d.t (id BIGINT NOT NULL, price DECIMAL(12, 4) NULL, CONSTRAINT k PRIMARY KEY (id) NOT ENFORCED) COMMENT 'it''s priced' WITH ('connector' = 'kinesis');
CREATE TEMPORARY TABLE nested (r ROW<a INT, b ROW<c STRING 'the c', d ARRAY<INT NOT NULL>>>, m MAP<STRING, MAP<INT, BOOLEAN>>, l INT ARRAY, ms STRING MULTISET, rr ROW(x INT, y INT)) WITH ('connector' = 'blackhole');
CREATE TABLE every (a TINYINT, b SMALLINT, c INTEGER, d BIGINT, e FLOAT, f DOUBLE PRECISION, g DEC(10), h NUMERIC(5, 1), i BOOLEAN, j BYTES, k BINARY(3), l VARBINARY(9), m CHAR, n VARCHAR, o STRING, p DATE, q TIME, r TIME(3), s TIMESTAMP, t TIMESTAMP(6) WITHOUT TIME ZONE, u TIMESTAMP_LTZ(3), v TIMESTAMP(3) WITH LOCAL TIME ZONE, w INTERVAL YEAR(4) TO MONTH, x INTERVAL DAY(3) TO SECOND(2), y MULTISET<INT>, z RAW('java.lang.Integer', 'AAAA'), aa CHARACTER VARYING(3), bb VARIANT, cc my_cat.my_db.my_type, dd ROW<>) WITH ();
CREATE TABLE sources (seq STRING NOT NULL METADATA FROM 'sequence-number' VIRTUAL, arrival TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', shard_id STRING METADATA VIRTUAL, deep STRING PATH '$.a.b[0]' COMMENT 'found deep', `key` STRING PRIMARY KEY NOT ENFORCED, doubled AS deep || deep COMMENT 'twice', proc AS PROCTIME()) WITH ('connector' = 'kinesis');
CREATE TABLE keys (key BIGINT, value STRING, timestamp TIMESTAMP(3), order INT, WATERMARK FOR timestamp AS timestamp) WITH ('connector' = 'filesystem', 'path' = '${DIR}');
CREATE TABLE deep_time (payload ROW<meta ROW<ts TIMESTAMP(3)>>, WATERMARK FOR payload.meta.ts AS payload.meta.ts - INTERVAL '0.5' SECOND) WITH ('connector' = 'kinesis');
CREATE TABLE copy_of (extra AS UPPER(state)) WITH ('x' = 'y') LIKE laps (INCLUDING ALL EXCLUDING OPTIONS OVERWRITING WATERMARKS);
CREATE TABLE same LIKE c.d.t;
CREATE TABLE hot WITH ('connector' = 'print') AS SELECT bike_id, heat FROM laps WHERE heat > 100 OR heat IS NULL;
CREATE TABLE spread (id INT) DISTRIBUTED BY HASH(id) INTO 8 BUCKETS WITH ('connector' = 'print');
CREATE TABLE spread2 (id INT) DISTRIBUTED BY (id) PARTITIONED BY (id);
CREATE TABLE spread3 (id INT) DISTRIBUTED INTO 3 BUCKETS;
CREATE OR REPLACE TABLE named (a, b) WITH ('connector' = 'print') AS SELECT b, a FROM laps;
CREATE TABLE computed (a INT, b AS CASE WHEN a > 1 THEN 'x' ELSE 'y' END, c AS CAST(a AS STRING), WATERMARK FOR t AS SOURCE_WATERMARK());
