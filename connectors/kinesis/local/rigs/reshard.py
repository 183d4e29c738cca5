"""Puts numbered records under ten keys while the stream is split, scaled and merged; argv: endpoint stream records."""
import sys, time, warnings
import boto3
warnings.simplefilter('ignore')
k = boto3.client('kinesis', endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id='x', aws_secret_access_key='x', verify=False)
stream, total = sys.argv[2], int(sys.argv[3])


def open_shards():
    return sorted((s for s in k.list_shards(StreamName=stream)['Shards'] if 'EndingSequenceNumber' not in s['SequenceNumberRange']),
                  key=lambda s: int(s['HashKeyRange']['StartingHashKey']))


def split():
    s = open_shards()[0]
    k.split_shard(StreamName=stream, ShardToSplit=s['ShardId'],
                  NewStartingHashKey=str((int(s['HashKeyRange']['StartingHashKey']) + int(s['HashKeyRange']['EndingHashKey'])) // 2))


def merge():
    a, b = open_shards()[:2]
    k.merge_shards(StreamName=stream, ShardToMerge=a['ShardId'], AdjacentShardToMerge=b['ShardId'])


steps = {total // 3: split, total * 2 // 3: merge}
for i in range(0, total, 20):
    for at, step in list(steps.items()):
        if i >= at:
            step()
            del steps[at]
    r = k.put_records(StreamName=stream, Records=[{'PartitionKey': 'key-%d' % (n % 10), 'Data': b'key-%d %d' % (n % 10, n)} for n in range(i, min(i + 20, total))])
    assert r['FailedRecordCount'] == 0, r
    time.sleep(0.05)
print('put %d records through %d shards' % (total, len(k.list_shards(StreamName=stream)['Shards'])))
