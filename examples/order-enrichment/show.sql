-- What came of the orders: the table that the changes in the stream amount to, and the records that were rejected.
SELECT order_id, item_id, product, quantity, amount, item_status, order_status, ship_to
FROM enriched /*+ OPTIONS('source.init.position' = 'TRIM_HORIZON', 'scan.bounded.mode' = 'latest') */;

SELECT reason, REGEXP_REPLACE(message, '^.*sequence number [0-9]+: ', '') AS message, CAST(raw_record AS STRING) AS record
FROM errors /*+ OPTIONS('source.init.position' = 'TRIM_HORIZON', 'scan.bounded.mode' = 'latest') */;
