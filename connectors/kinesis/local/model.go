package local

// The shapes of requests and responses, named as in the API. Pointers tell "absent" from "empty" where the
// difference matters. Both codecs read the json tags.

// streamRef is how a request names its stream: by name, by ARN, or by both. StreamId is reserved in the
// API and ignored.
type streamRef struct {
	StreamName *string `json:"StreamName,omitempty"`
	StreamARN  *string `json:"StreamARN,omitempty"`
}

type hashKeyRange struct {
	StartingHashKey string `json:"StartingHashKey"`
	EndingHashKey   string `json:"EndingHashKey"`
}

type sequenceNumberRange struct {
	StartingSequenceNumber string `json:"StartingSequenceNumber"`
	EndingSequenceNumber   string `json:"EndingSequenceNumber,omitempty"`
}

type shardShape struct {
	ShardID               string              `json:"ShardId"`
	ParentShardID         string              `json:"ParentShardId,omitempty"`
	AdjacentParentShardID string              `json:"AdjacentParentShardId,omitempty"`
	HashKeyRange          hashKeyRange        `json:"HashKeyRange"`
	SequenceNumberRange   sequenceNumberRange `json:"SequenceNumberRange"`
}

type childShard struct {
	ShardID      string       `json:"ShardId"`
	ParentShards []string     `json:"ParentShards"`
	HashKeyRange hashKeyRange `json:"HashKeyRange"`
}

type streamModeDetails struct {
	StreamMode string `json:"StreamMode"`
}

type enhancedMetrics struct {
	ShardLevelMetrics []string `json:"ShardLevelMetrics"`
}

type tag struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

// empty is the response of operations without output: a 200 with no body.
type empty struct{}

type createStreamRequest struct {
	StreamName                 *string            `json:"StreamName"`
	ShardCount                 *int               `json:"ShardCount"`
	StreamModeDetails          *streamModeDetails `json:"StreamModeDetails"`
	Tags                       map[string]string  `json:"Tags"`
	WarmThroughputMiBps        *int               `json:"WarmThroughputMiBps"`
	MaxRecordSizeInKiB         *int               `json:"MaxRecordSizeInKiB"`
	RecordDistributionStrategy *string            `json:"RecordDistributionStrategy"`
}

type deleteStreamRequest struct {
	streamRef
	EnforceConsumerDeletion bool `json:"EnforceConsumerDeletion"`
}

type describeStreamRequest struct {
	streamRef
	Limit                 *int    `json:"Limit"`
	ExclusiveStartShardID *string `json:"ExclusiveStartShardId"`
}

type streamDescription struct {
	StreamName              string            `json:"StreamName"`
	StreamARN               string            `json:"StreamARN"`
	StreamStatus            string            `json:"StreamStatus"`
	StreamModeDetails       streamModeDetails `json:"StreamModeDetails"`
	Shards                  []shardShape      `json:"Shards"`
	HasMoreShards           bool              `json:"HasMoreShards"`
	RetentionPeriodHours    int               `json:"RetentionPeriodHours"`
	StreamCreationTimestamp timestamp         `json:"StreamCreationTimestamp"`
	EnhancedMonitoring      []enhancedMetrics `json:"EnhancedMonitoring"`
	EncryptionType          string            `json:"EncryptionType"`
	KeyID                   string            `json:"KeyId,omitempty"`
}

type describeStreamResponse struct {
	StreamDescription streamDescription `json:"StreamDescription"`
}

type describeStreamSummaryRequest struct {
	streamRef
}

type streamDescriptionSummary struct {
	StreamName                 string            `json:"StreamName"`
	StreamARN                  string            `json:"StreamARN"`
	StreamStatus               string            `json:"StreamStatus"`
	StreamModeDetails          streamModeDetails `json:"StreamModeDetails"`
	RetentionPeriodHours       int               `json:"RetentionPeriodHours"`
	StreamCreationTimestamp    timestamp         `json:"StreamCreationTimestamp"`
	EnhancedMonitoring         []enhancedMetrics `json:"EnhancedMonitoring"`
	EncryptionType             string            `json:"EncryptionType"`
	KeyID                      string            `json:"KeyId,omitempty"`
	WarmThroughput             *warmThroughput   `json:"WarmThroughput,omitempty"`
	OpenShardCount             int               `json:"OpenShardCount"`
	ConsumerCount              int               `json:"ConsumerCount"`
	MaxRecordSizeInKiB         int               `json:"MaxRecordSizeInKiB"`
	RecordDistributionStrategy string            `json:"RecordDistributionStrategy"`
}

type describeStreamSummaryResponse struct {
	StreamDescriptionSummary streamDescriptionSummary `json:"StreamDescriptionSummary"`
}

type listStreamsRequest struct {
	Limit                    *int    `json:"Limit"`
	ExclusiveStartStreamName *string `json:"ExclusiveStartStreamName"`
	NextToken                *string `json:"NextToken"`
}

type streamSummary struct {
	StreamName              string            `json:"StreamName"`
	StreamARN               string            `json:"StreamARN"`
	StreamStatus            string            `json:"StreamStatus"`
	StreamModeDetails       streamModeDetails `json:"StreamModeDetails"`
	StreamCreationTimestamp timestamp         `json:"StreamCreationTimestamp"`
}

type listStreamsResponse struct {
	StreamNames     []string        `json:"StreamNames"`
	HasMoreStreams  bool            `json:"HasMoreStreams"`
	NextToken       string          `json:"NextToken,omitempty"`
	StreamSummaries []streamSummary `json:"StreamSummaries"`
}

type shardFilter struct {
	Type      string     `json:"Type"`
	ShardID   *string    `json:"ShardId"`
	Timestamp *timestamp `json:"Timestamp"`
}

type listShardsRequest struct {
	streamRef
	NextToken               *string      `json:"NextToken"`
	ExclusiveStartShardID   *string      `json:"ExclusiveStartShardId"`
	MaxResults              *int         `json:"MaxResults"`
	StreamCreationTimestamp *timestamp   `json:"StreamCreationTimestamp"`
	ShardFilter             *shardFilter `json:"ShardFilter"`
}

type listShardsResponse struct {
	Shards    []shardShape `json:"Shards"`
	NextToken string       `json:"NextToken,omitempty"`
}

type putRecordRequest struct {
	streamRef
	Data                      []byte  `json:"Data"`
	PartitionKey              *string `json:"PartitionKey"`
	ExplicitHashKey           *string `json:"ExplicitHashKey"`
	SequenceNumberForOrdering *string `json:"SequenceNumberForOrdering"`
	DryRun                    bool    `json:"DryRun"`
}

type putRecordResponse struct {
	ShardID        string `json:"ShardId"`
	SequenceNumber string `json:"SequenceNumber"`
	EncryptionType string `json:"EncryptionType,omitempty"`
}

type putRecordsEntry struct {
	Data            []byte  `json:"Data"`
	PartitionKey    *string `json:"PartitionKey"`
	ExplicitHashKey *string `json:"ExplicitHashKey"`
}

type putRecordsRequest struct {
	streamRef
	Records []putRecordsEntry `json:"Records"`
	DryRun  bool              `json:"DryRun"`
}

type putRecordsResult struct {
	SequenceNumber string `json:"SequenceNumber,omitempty"`
	ShardID        string `json:"ShardId,omitempty"`
	ErrorCode      string `json:"ErrorCode,omitempty"`
	ErrorMessage   string `json:"ErrorMessage,omitempty"`
}

type putRecordsResponse struct {
	FailedRecordCount int                `json:"FailedRecordCount"`
	Records           []putRecordsResult `json:"Records"`
	EncryptionType    string             `json:"EncryptionType,omitempty"`
}

type getShardIteratorRequest struct {
	streamRef
	ShardID                *string    `json:"ShardId"`
	ShardIteratorType      *string    `json:"ShardIteratorType"`
	StartingSequenceNumber *string    `json:"StartingSequenceNumber"`
	Timestamp              *timestamp `json:"Timestamp"`
	DryRun                 bool       `json:"DryRun"`
}

type getShardIteratorResponse struct {
	ShardIterator string `json:"ShardIterator"`
}

type getRecordsRequest struct {
	ShardIterator *string `json:"ShardIterator"`
	Limit         *int    `json:"Limit"`
	StreamARN     *string `json:"StreamARN"`
	DryRun        bool    `json:"DryRun"`

	lease *pageLease // of the server; nil: the page has memory of its own
}

type recordShape struct {
	SequenceNumber              string    `json:"SequenceNumber"`
	ApproximateArrivalTimestamp timestamp `json:"ApproximateArrivalTimestamp"`
	Data                        []byte    `json:"Data"`
	PartitionKey                string    `json:"PartitionKey"`
	EncryptionType              string    `json:"EncryptionType,omitempty"`
}

type getRecordsResponse struct {
	Records            []recordShape `json:"Records"`
	NextShardIterator  string        `json:"NextShardIterator,omitempty"`
	MillisBehindLatest int64         `json:"MillisBehindLatest"`
	ChildShards        []childShard  `json:"ChildShards,omitempty"`

	written []byte // the beginning of the JSON form with the records, instead of Records
}

type splitShardRequest struct {
	streamRef
	ShardToSplit       *string `json:"ShardToSplit"`
	NewStartingHashKey *string `json:"NewStartingHashKey"`
}

type mergeShardsRequest struct {
	streamRef
	ShardToMerge         *string `json:"ShardToMerge"`
	AdjacentShardToMerge *string `json:"AdjacentShardToMerge"`
}

type updateShardCountRequest struct {
	streamRef
	TargetShardCount *int    `json:"TargetShardCount"`
	ScalingType      *string `json:"ScalingType"`
}

type updateShardCountResponse struct {
	StreamName        string `json:"StreamName"`
	StreamARN         string `json:"StreamARN"`
	CurrentShardCount int    `json:"CurrentShardCount"`
	TargetShardCount  int    `json:"TargetShardCount"`
}

type retentionRequest struct {
	streamRef
	RetentionPeriodHours *int `json:"RetentionPeriodHours"`
}

type describeLimitsResponse struct {
	ShardLimit               int `json:"ShardLimit"`
	OpenShardCount           int `json:"OpenShardCount"`
	OnDemandStreamCount      int `json:"OnDemandStreamCount"`
	OnDemandStreamCountLimit int `json:"OnDemandStreamCountLimit"`
}

type addTagsRequest struct {
	streamRef
	Tags map[string]string `json:"Tags"`
}

type removeTagsRequest struct {
	streamRef
	TagKeys []string `json:"TagKeys"`
}

type listTagsRequest struct {
	streamRef
	ExclusiveStartTagKey *string `json:"ExclusiveStartTagKey"`
	Limit                *int    `json:"Limit"`
}

type listTagsResponse struct {
	Tags        []tag `json:"Tags"`
	HasMoreTags bool  `json:"HasMoreTags"`
}

type tagResourceRequest struct {
	ResourceARN *string           `json:"ResourceARN"`
	Tags        map[string]string `json:"Tags"`
}

type untagResourceRequest struct {
	ResourceARN *string  `json:"ResourceARN"`
	TagKeys     []string `json:"TagKeys"`
}

type listTagsForResourceRequest struct {
	ResourceARN *string `json:"ResourceARN"`
}

type listTagsForResourceResponse struct {
	Tags []tag `json:"Tags"`
}

type updateStreamModeRequest struct {
	streamRef
	StreamModeDetails   *streamModeDetails `json:"StreamModeDetails"`
	WarmThroughputMiBps *int               `json:"WarmThroughputMiBps"`
}

type updateMaxRecordSizeRequest struct {
	streamRef
	MaxRecordSizeInKiB *int `json:"MaxRecordSizeInKiB"`
}

type updateDistributionRequest struct {
	streamRef
	RecordDistributionStrategy *string `json:"RecordDistributionStrategy"`
}

type consumerShape struct {
	ConsumerName              string    `json:"ConsumerName"`
	ConsumerARN               string    `json:"ConsumerARN"`
	ConsumerStatus            string    `json:"ConsumerStatus"`
	ConsumerCreationTimestamp timestamp `json:"ConsumerCreationTimestamp"`
	StreamARN                 string    `json:"StreamARN,omitempty"`
}

type registerConsumerRequest struct {
	StreamARN    *string           `json:"StreamARN"`
	ConsumerName *string           `json:"ConsumerName"`
	Tags         map[string]string `json:"Tags"`
}

type registerConsumerResponse struct {
	Consumer consumerShape `json:"Consumer"`
}

// consumerRef is how a request names a consumer: by its ARN, or by its stream's ARN and its name.
type consumerRef struct {
	StreamARN    *string `json:"StreamARN"`
	ConsumerName *string `json:"ConsumerName"`
	ConsumerARN  *string `json:"ConsumerARN"`
}

type describeConsumerResponse struct {
	ConsumerDescription consumerShape `json:"ConsumerDescription"`
}

type listConsumersRequest struct {
	streamRef
	NextToken               *string    `json:"NextToken"`
	MaxResults              *int       `json:"MaxResults"`
	StreamCreationTimestamp *timestamp `json:"StreamCreationTimestamp"`
}

type listConsumersResponse struct {
	Consumers []consumerShape `json:"Consumers"`
	NextToken string          `json:"NextToken,omitempty"`
}

type startingPosition struct {
	Type           string     `json:"Type"`
	SequenceNumber *string    `json:"SequenceNumber"`
	Timestamp      *timestamp `json:"Timestamp"`
}

type subscribeRequest struct {
	ConsumerARN      *string           `json:"ConsumerARN"`
	ShardID          *string           `json:"ShardId"`
	StartingPosition *startingPosition `json:"StartingPosition"`
	DryRun           bool              `json:"DryRun"`
}

// subscribeEvent has no ContinuationSequenceNumber when the shard has ended: then ChildShards says where to go on.
type subscribeEvent struct {
	Records                    []recordShape `json:"Records"`
	ContinuationSequenceNumber string        `json:"ContinuationSequenceNumber,omitempty"`
	MillisBehindLatest         int64         `json:"MillisBehindLatest"`
	ChildShards                []childShard  `json:"ChildShards,omitempty"`
}
