-- Orders, their items and a table of products, as one record for each item of an order, kept up to date.

SET 'table.exec.state.ttl' = '7 d'; -- an item waits so long for its order, an order for its items

-- One stream has the changes of two tables of a database, as AWS DMS writes them. A record that is not what is
-- declared here becomes a row of the table of errors, and the others flow on.
CREATE TABLE changes (
  data ROW<
    orderId BIGINT,
    orderAmount DOUBLE,
    orderStatus STRING,
    orderDateTime TIMESTAMP_LTZ(3),
    shipToName STRING,
    shipToCity STRING,
    itemId BIGINT,
    itemQuantity INT,
    itemAmount DOUBLE,
    itemStatus STRING
  >,
  metadata ROW<`table-name` STRING, operation STRING>,
  proc AS PROCTIME()
) WITH (
  'connector' = 'kinesis',
  'stream' = 'orders',
  'source.init.position' = 'TRIM_HORIZON',
  'scan.bounded.mode' = '${UNTIL:-unbounded}', -- 'latest' ends with what is there now
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'error-handling.mode' = 'log',
  'error-handling.log.target' = 'errors'
);

CREATE TABLE errors (
  error_time TIMESTAMP_LTZ(3),
  reason STRING,
  message STRING,
  raw_record BYTES,
  split_id STRING,
  sequence_number STRING
) WITH (
  'connector' = 'kinesis',
  'stream' = 'order-errors',
  'format' = 'json'
);

-- The reference table: a file, or s3://bucket/products.json. DESCRIBE JOB tells how many rows it has, how old they
-- are, and how many items were of no product in it.
CREATE TABLE products (
  productId BIGINT,
  productName STRING,
  price DOUBLE
) WITH (
  'connector' = 'filesystem',
  'path' = '${PRODUCTS}',
  'aws.endpoint' = '${S3:-}',
  'format' = 'json',
  'lookup.full-cache.periodic-reload.interval' = '${RELOAD:-1 min}'
);

CREATE TABLE enriched (
  order_id BIGINT,
  item_id BIGINT,
  product STRING,
  price DOUBLE,
  quantity INT,
  amount DOUBLE,
  item_status STRING,
  order_status STRING,
  ordered TIMESTAMP_LTZ(3),
  ship_to STRING,
  city STRING,
  PRIMARY KEY (order_id, item_id) NOT ENFORCED
) PARTITIONED BY (order_id) WITH (
  'connector' = 'kinesis',
  'stream' = 'orders-enriched',
  'sink.flush-buffer.timeout' = '${LINGER:-20 ms}',
  'format' = 'debezium-json',
  'debezium-json.timestamp-format.standard' = 'ISO-8601'
);

-- What is known of each order: its last change, unless that deleted it.
CREATE VIEW orders AS
SELECT order_id, status, ordered, ship_to, city
FROM (
  SELECT
    data.orderId AS order_id, data.orderStatus AS status, data.orderDateTime AS ordered, data.shipToName AS ship_to, data.shipToCity AS city,
    metadata.operation AS operation, ROW_NUMBER() OVER (PARTITION BY data.orderId ORDER BY proc DESC) AS n
  FROM changes
  WHERE metadata.`table-name` = 'Orders')
WHERE n = 1 AND operation <> 'delete';

-- A change of an item gets the name and the price that its product has at that moment. So what is taken back later
-- is what was given, whatever became of the product.
CREATE VIEW item_changes AS
SELECT
  data.orderId AS order_id, data.itemId AS item_id, productName AS product, price, data.itemQuantity AS quantity, data.itemStatus AS status,
  metadata.operation AS operation, proc
FROM changes AS c
LEFT JOIN products FOR SYSTEM_TIME AS OF c.proc AS p ON p.productId = c.data.itemId
WHERE metadata.`table-name` = 'Items';

CREATE VIEW items AS
SELECT order_id, item_id, product, price, quantity, status
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY order_id, item_id ORDER BY proc DESC) AS n FROM item_changes)
WHERE n = 1 AND operation <> 'delete';

INSERT INTO enriched
SELECT o.order_id, i.item_id, i.product, i.price, i.quantity, i.quantity * i.price, i.status, o.status, o.ordered, o.ship_to, o.city
FROM orders AS o
JOIN items AS i ON i.order_id = o.order_id;
