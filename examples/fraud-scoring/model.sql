-- Scores of card transactions from a model behind an HTTP API which wants requests signed for AWS.
SET 'table.exec.source.idle-advance' = '5 s'; -- where no transaction comes, time goes on by the clock

CREATE TABLE transactions (
  id BIGINT,
  card STRING,
  amount DOUBLE,
  mcc STRING,     -- what kind of shop it is
  abroad BOOLEAN, -- whether the address of the caller is in another country than the card's
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kinesis',
  'stream' = 'transactions',
  'source.init.position' = 'TRIM_HORIZON',
  'scan.bounded.mode' = '${UNTIL:-unbounded}', -- 'latest' ends with what is there now
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- What the model is asked with: of the transaction, and how often the card was used in the minute before it.
CREATE VIEW features AS
SELECT id, card, amount, mcc, IF(abroad, 1.0, 0.0) AS abroad, ts, CAST(COUNT(*) OVER last_minute AS DOUBLE) AS recent
FROM transactions
WINDOW last_minute AS (PARTITION BY card ORDER BY ts RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW);

-- The API. Signed as for API Gateway, with the credentials of the environment. A request that fails in passing is made
-- again; where that is of no use the score is NULL, and the transaction goes on.
CREATE MODEL fraud
INPUT (amount DOUBLE, mcc STRING, abroad DOUBLE, recent DOUBLE)
OUTPUT (score DOUBLE)
WITH (
  'provider' = 'http',
  'url' = '${API}/prod/score',
  'aws.sigv4.service' = 'execute-api',
  'aws.region' = 'us-east-1',
  'http.source.lookup.request.timeout' = '${TIMEOUT:-10 s}',
  'lookup.max-retries' = '3',
  'on-error' = 'null'
);

-- Twenty requests at a time, each answered within 30 seconds; rows go on as their answers come.
CREATE VIEW scores AS
SELECT *
FROM ML_PREDICT(TABLE features, MODEL fraud, DESCRIPTOR(amount, mcc, abroad, recent),
  MAP['async', 'true', 'output-mode', 'ALLOW_UNORDERED', 'max-concurrent-operations', '20', 'timeout', '30 s']);

CREATE TABLE scored (
  id BIGINT,
  card STRING,
  amount DOUBLE,
  recent DOUBLE,
  score DOUBLE,
  suspect BOOLEAN
) PARTITIONED BY (card) WITH (
  'connector' = 'kinesis',
  'stream' = 'scored',
  'format' = 'json'
);

INSERT INTO scored SELECT id, card, amount, recent, ROUND(score, 4), score > 0.8 FROM scores;
