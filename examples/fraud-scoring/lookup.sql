-- Scores of card transactions from an HTTP API, asked by a lookup join: so the row also has what became of the request.
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
SELECT id, card, amount, mcc, IF(abroad, 1.0, 0.0) AS abroad, ts, CAST(COUNT(*) OVER last_minute AS DOUBLE) AS recent, PROCTIME() AS proc
FROM transactions
WINDOW last_minute AS (PARTITION BY card ORDER BY ts RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW);

-- The columns that the join compares are the body of the request.
CREATE TABLE fraud (
  amount DOUBLE,
  mcc STRING,
  abroad DOUBLE,
  recent DOUBLE,
  score DOUBLE,
  status INT METADATA FROM 'http-status-code' VIRTUAL,
  problem STRING METADATA FROM 'error-string' VIRTUAL
) WITH (
  'connector' = 'http',
  'url' = '${API}/prod/score',
  'lookup-method' = 'POST',
  'format' = 'json',
  'aws.sigv4.service' = 'execute-api',
  'aws.region' = 'us-east-1',
  'http.source.lookup.request.timeout' = '${TIMEOUT:-10 s}',
  'http.source.lookup.continue-on-error' = 'true',
  'lookup.max-retries' = '3'
);

CREATE VIEW scores AS
SELECT /*+ LOOKUP('table' = 'm', 'async' = 'true', 'output-mode' = 'allow_unordered', 'capacity' = '20', 'timeout' = '30 s') */
  t.id, t.card, t.amount, t.recent, m.score, m.status, m.problem
FROM features AS t
LEFT JOIN fraud FOR SYSTEM_TIME AS OF t.proc AS m
ON m.amount = t.amount AND m.mcc = t.mcc AND m.abroad = t.abroad AND m.recent = t.recent;

CREATE TABLE scored (
  id BIGINT,
  card STRING,
  amount DOUBLE,
  recent DOUBLE,
  score DOUBLE,
  suspect BOOLEAN,
  status INT,
  problem STRING
) PARTITIONED BY (card) WITH (
  'connector' = 'kinesis',
  'stream' = 'scored',
  'format' = 'json'
);

INSERT INTO scored SELECT id, card, amount, recent, ROUND(score, 4), score > 0.8, status, problem FROM scores;
