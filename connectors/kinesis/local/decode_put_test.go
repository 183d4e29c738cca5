package local

import (
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzPutRecordsJSON: what the quick decoder takes, the general one reads the same.
func FuzzPutRecordsJSON(f *testing.F) {
	for _, body := range []string{
		`{"StreamName":"s","Records":[{"Data":"YQ==","PartitionKey":"k"},{"Data":"","PartitionKey":"k","ExplicitHashKey":"7"}]}`,
		` { "StreamARN" : "a" , "Records" : [ ] } `, `{}`, `{"Records":[{}]}`, `{"Records":[{"Data":"Y"}]}`, `{"Records":[,]}`,
		`{"streamname":"s"}`, `{"StreamName":"\u0061"}`, `{"StreamName":"ü"}`, `{"StreamName":null}`, `{"Records":[{"Data":"YQ=="}],"Records":[]}`,
		`{"StreamName":"a","StreamName":"b"}`, `{"DryRun":true}`, `{"Records":[{"Data":"YQ==",}]}`, `{} x`, `{"StreamName":"s",}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		quick, general := &putRecordsRequest{}, &putRecordsRequest{}
		if !quick.decodeJSON(body) {
			return
		}
		if err := json.Unmarshal(body, general); err != nil {
			t.Fatalf("%q is taken: %v", body, err)
		}
		if !reflect.DeepEqual(quick, general) {
			t.Fatalf("%q is read as %+v, is %+v", body, quick, general)
		}
	})
}

// The usual body takes the quick way, and the response is the same by both.
func TestPutRecordsJSON(t *testing.T) {
	r := &putRecordsRequest{}
	same(t, "quick", r.decodeJSON([]byte(`{"Records": [{"Data": "YWI=", "PartitionKey": "k"}], "StreamName": "s"}`)), true)
	same(t, "data", string(r.Records[0].Data)+*r.Records[0].PartitionKey+*r.StreamName, "abks")
	response := &putRecordsResponse{FailedRecordCount: 1, EncryptionType: "KMS", Records: []putRecordsResult{
		{SequenceNumber: "1", ShardID: "s"}, {ErrorCode: "E", ErrorMessage: `m"`}}}
	var back putRecordsResponse
	if err := json.Unmarshal(response.appendJSON(nil), &back); err != nil || !reflect.DeepEqual(&back, response) {
		t.Errorf("%s: %v", response.appendJSON(nil), err)
	}
}
