// The AWS SDK for JavaScript v3, which speaks HTTP/2 with prior knowledge. Environment: KINESIS_ENDPOINT.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import assert from 'node:assert'
// Modules are looked up where the script is started, not where it lies.
const require = createRequire(pathToFileURL(process.cwd() + '/'))
const K = require('@aws-sdk/client-kinesis')
const client = new K.KinesisClient({ endpoint: process.env.KINESIS_ENDPOINT, region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } })
const send = (command, input) => client.send(new K[command + 'Command'](input))
const StreamName = 'js-' + Date.now()
await send('CreateStream', { StreamName, ShardCount: 1 })
await K.waitUntilStreamExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 2 }, { StreamName })
const { StreamARN } = (await send('DescribeStreamSummary', { StreamName })).StreamDescriptionSummary
const put = await send('PutRecords', { StreamName, Records: [...Array(100).keys()].map(i => ({ PartitionKey: 'k' + i, Data: Buffer.from('d' + i) })) })
assert.equal(put.FailedRecordCount, 0)
const ShardId = put.Records[0].ShardId
const { ShardIterator } = await send('GetShardIterator', { StreamARN, ShardId, ShardIteratorType: 'TRIM_HORIZON' })
assert.equal((await send('GetRecords', { ShardIterator })).Records.length, 100)
const { ConsumerARN } = (await send('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' })).Consumer
const { EventStream } = await send('SubscribeToShard', { ConsumerARN, ShardId, StartingPosition: { Type: 'TRIM_HORIZON' } })
let pushed = 0
for await (const e of EventStream) {
  pushed += e.SubscribeToShardEvent.Records.length
  if (pushed === 100) await send('PutRecord', { StreamName, PartitionKey: 'live', Data: Buffer.from('live') })
  if (pushed > 100) await send('SplitShard', { StreamName, ShardToSplit: ShardId, NewStartingHashKey: '1000' }).catch(e => assert.match(e.name, /InvalidArgument/))
  if (e.SubscribeToShardEvent.ChildShards?.length) { assert.equal(e.SubscribeToShardEvent.ChildShards.length, 2); break }
}
assert.equal(pushed, 101)
await assert.rejects(send('DescribeStream', { StreamName: 'nope' }), K.ResourceNotFoundException)
await send('DeleteStream', { StreamName, EnforceConsumerDeletion: true })
console.log('JS SDK: put, read, fan-out with', pushed, 'records and the end of a shard')
client.destroy()
