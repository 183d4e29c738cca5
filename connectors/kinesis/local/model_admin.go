package local

// Shapes of the operations which set a stream or the account up.

type encryptionRequest struct {
	streamRef
	EncryptionType *string `json:"EncryptionType"`
	KeyID          *string `json:"KeyId"`
}

type monitoringRequest struct {
	streamRef
	ShardLevelMetrics []string `json:"ShardLevelMetrics"`
}

type monitoringResponse struct {
	StreamName               string   `json:"StreamName"`
	StreamARN                string   `json:"StreamARN"`
	CurrentShardLevelMetrics []string `json:"CurrentShardLevelMetrics"`
	DesiredShardLevelMetrics []string `json:"DesiredShardLevelMetrics"`
}

type policyRequest struct {
	ResourceARN *string `json:"ResourceARN"`
	Policy      *string `json:"Policy"`
}

type policyResponse struct {
	Policy string `json:"Policy"`
}

type warmThroughput struct {
	TargetMiBps  int `json:"TargetMiBps"`
	CurrentMiBps int `json:"CurrentMiBps"`
}

type warmThroughputRequest struct {
	streamRef
	WarmThroughputMiBps *int `json:"WarmThroughputMiBps"`
}

type warmThroughputResponse struct {
	StreamName     string         `json:"StreamName"`
	StreamARN      string         `json:"StreamARN"`
	WarmThroughput warmThroughput `json:"WarmThroughput"`
}

type billingCommitment struct {
	Status               string     `json:"Status"`
	StartedAt            *timestamp `json:"StartedAt,omitempty"`
	EndedAt              *timestamp `json:"EndedAt,omitempty"`
	EarliestAllowedEndAt *timestamp `json:"EarliestAllowedEndAt,omitempty"`
}

type accountSettingsRequest struct {
	MinimumThroughputBillingCommitment *billingCommitment `json:"MinimumThroughputBillingCommitment"`
}

type accountSettingsResponse struct {
	MinimumThroughputBillingCommitment billingCommitment `json:"MinimumThroughputBillingCommitment"`
}
