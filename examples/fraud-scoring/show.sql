-- What came of the transactions.
SELECT * FROM scored /*+ OPTIONS('source.init.position' = 'TRIM_HORIZON', 'scan.bounded.mode' = 'latest') */;
